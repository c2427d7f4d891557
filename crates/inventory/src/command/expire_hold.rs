//! The time of a reservation without order is over.

use std::convert::Infallible;

use ordermesh_feed::commit::Command;
use ordermesh_kernel::Timestamp;

use super::Recorded;
use crate::domain::ReservationId;
use crate::store::{StockUnit, Want};

/// Ends a reservation, unless it has ended or has more time by now.
#[derive(Debug)]
pub struct ExpireHold {
    /// The reservation.
    pub id: ReservationId,
}

impl Command<StockUnit> for ExpireHold {
    type Answer = Recorded;
    type Refusal = Infallible;

    fn wants(&self) -> Vec<Want> {
        vec![Want::Reservation(self.id)]
    }

    fn decide(&self, unit: &mut StockUnit, now: Timestamp) -> Result<Recorded, Infallible> {
        unit.ledger.expire_hold(self.id, now);
        Ok(Recorded)
    }
}
