//! OrderLinesCancelled: no more stays reserved than is still wanted.

use ordermesh_feed::react::Reaction;
use ordermesh_kernel::OrderId;

use crate::command::keep_order_lines::KeepOrderLines;
use crate::domain::LineTarget;
use crate::store::StockUnit;

pub(super) fn react(order_id: OrderId, keep: Vec<LineTarget>) -> Reaction<StockUnit> {
    Reaction::new("ReleaseOnLinesCancelled", KeepOrderLines { order_id, keep })
}
