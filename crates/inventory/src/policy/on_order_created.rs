//! OrderCreated: its pieces are set aside.

use ordermesh_feed::react::Reaction;
use ordermesh_kernel::OrderId;

use crate::command::reserve_order::ReserveOrder;
use crate::domain::Wanted;
use crate::store::StockUnit;

pub(super) fn react(order_id: OrderId, wanted: Vec<Wanted>) -> Reaction<StockUnit> {
    Reaction::new("ReserveOnOrderCreated", ReserveOrder { order_id, wanted })
}
