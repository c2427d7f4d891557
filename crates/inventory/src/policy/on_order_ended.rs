//! OrderRejected, OrderExpired, OrderCancellationRequested: what is left is available again, and order is told so always.

use ordermesh_feed::react::Reaction;
use ordermesh_kernel::OrderId;

use crate::command::release_order::ReleaseOrder;
use crate::store::StockUnit;

pub(super) fn react(order_id: OrderId) -> Reaction<StockUnit> {
    Reaction::new("ReleaseOnOrderEnded", ReleaseOrder { order_id })
}
