//! The time of a reservation without order is over.

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

/// The reservation has ended, or has time left. Refused, so that it is not kept under the request_id: what is not due by
/// this clock may become so.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("the time of the reservation {0} is not over")]
pub struct NotDue(pub ReservationId);

impl Command<StockUnit> for ExpireHold {
    type Answer = Recorded;
    type Refusal = NotDue;

    fn wants(&self) -> Vec<Want> {
        vec![Want::Reservation(self.id)]
    }

    fn decide(&self, unit: &mut StockUnit, now: Timestamp) -> Result<Recorded, NotDue> {
        match unit.ledger.expire_hold(self.id, now) {
            true => Ok(Recorded),
            false => Err(NotDue(self.id)),
        }
    }
}
