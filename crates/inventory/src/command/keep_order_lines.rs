//! Pieces of an order are cancelled: no more than the others stay reserved.

use std::convert::Infallible;

use ordermesh_feed::commit::Command;
use ordermesh_kernel::{OrderId, Timestamp};

use super::Recorded;
use crate::domain::{LineTarget, ReservationId};
use crate::store::{StockUnit, Want};

/// Releases what an order does not need any more.
#[derive(Debug)]
pub struct KeepOrderLines {
    /// The order.
    pub order_id: OrderId,
    /// How many pieces of its lines are to leave yet.
    pub keep: Vec<LineTarget>,
}

impl Command<StockUnit> for KeepOrderLines {
    type Answer = Recorded;
    type Refusal = Infallible;

    fn wants(&self) -> Vec<Want> {
        vec![Want::Reservation(ReservationId::of(self.order_id))]
    }

    fn decide(&self, unit: &mut StockUnit, now: Timestamp) -> Result<Recorded, Infallible> {
        unit.ledger.keep_of_order(self.order_id, &self.keep, now);
        Ok(Recorded)
    }
}
