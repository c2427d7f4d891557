//! An order is confirmed: its pieces will leave.

use std::convert::Infallible;

use ordermesh_feed::commit::Command;
use ordermesh_kernel::{OrderId, Timestamp};

use super::Recorded;
use crate::domain::ReservationId;
use crate::store::{StockUnit, Want};

/// Commits an order's reservation.
#[derive(Debug)]
pub struct CommitOrder {
    /// The order.
    pub order_id: OrderId,
}

impl Command<StockUnit> for CommitOrder {
    type Answer = Recorded;
    type Refusal = Infallible;

    fn wants(&self) -> Vec<Want> {
        vec![Want::Reservation(ReservationId::of(self.order_id))]
    }

    fn decide(&self, unit: &mut StockUnit, now: Timestamp) -> Result<Recorded, Infallible> {
        unit.ledger.commit_order(self.order_id, now);
        Ok(Recorded)
    }
}
