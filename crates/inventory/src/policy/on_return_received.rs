//! ReturnReceived: what can be sold again is stock again.

use ordermesh_feed::react::Reaction;
use ordermesh_kernel::OrderId;

use crate::command::restock_return::RestockReturn;
use crate::domain::{Actor, LineTarget, ReturnId};
use crate::store::StockUnit;

pub(super) fn react(order_id: OrderId, return_id: ReturnId, back: Vec<LineTarget>) -> Reaction<StockUnit> {
    Reaction::new(
        "RestockOnReturnReceived",
        RestockReturn { order_id, return_id, back, actor: Actor::workload(crate::NAME) },
    )
}
