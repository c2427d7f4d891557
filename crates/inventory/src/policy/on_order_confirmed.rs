//! OrderConfirmed: its pieces will leave.

use ordermesh_feed::react::Reaction;
use ordermesh_kernel::OrderId;

use crate::command::commit_order::CommitOrder;
use crate::store::StockUnit;

pub(super) fn react(order_id: OrderId) -> Reaction<StockUnit> {
    Reaction::new("CommitOnOrderConfirmed", CommitOrder { order_id })
}
