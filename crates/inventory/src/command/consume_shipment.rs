//! Goods of an order have left.

use std::convert::Infallible;

use ordermesh_feed::commit::Command;
use ordermesh_kernel::{OrderId, Timestamp};

use super::Recorded;
use crate::domain::{LineDispatch, ReservationId};
use crate::store::{StockUnit, Want};

/// Takes off what has left.
#[derive(Debug)]
pub struct ConsumeShipment {
    /// The order.
    pub order_id: OrderId,
    /// How far its lines are dispatched by now.
    pub lines: Vec<LineDispatch>,
}

impl Command<StockUnit> for ConsumeShipment {
    type Answer = Recorded;
    type Refusal = Infallible;

    fn wants(&self) -> Vec<Want> {
        vec![Want::Reservation(ReservationId::of(self.order_id))]
    }

    fn decide(&self, unit: &mut StockUnit, now: Timestamp) -> Result<Recorded, Infallible> {
        unit.ledger.consume_of_order(self.order_id, &self.lines, now);
        Ok(Recorded)
    }
}
