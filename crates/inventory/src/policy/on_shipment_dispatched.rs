//! ShipmentDispatched: what has left is no stock any more.

use ordermesh_feed::react::Reaction;
use ordermesh_kernel::OrderId;

use crate::command::consume_shipment::ConsumeShipment;
use crate::domain::LineDispatch;
use crate::store::StockUnit;

pub(super) fn react(order_id: OrderId, lines: Vec<LineDispatch>) -> Reaction<StockUnit> {
    Reaction::new("ConsumeOnShipmentDispatched", ConsumeShipment { order_id, lines })
}
