//! ReleaseReservation: a reservation that belongs to no order ends before its time.

use ordermesh_feed::commit::Command;
use ordermesh_kernel::Timestamp;

use crate::domain::{Pieces, Refusal, ReservationId};
use crate::store::{StockUnit, Want};

/// Ends a reservation.
#[derive(Debug)]
pub struct ReleaseReservation {
    /// The reservation.
    pub id: ReservationId,
}

/// A reservation that has ended.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ReservationReleased {
    /// The reservation.
    pub id: ReservationId,
    /// What is available again.
    pub lines: Vec<Pieces>,
}

impl Command<StockUnit> for ReleaseReservation {
    type Answer = ReservationReleased;
    type Refusal = Refusal;

    fn wants(&self) -> Vec<Want> {
        vec![Want::Reservation(self.id)]
    }

    fn decide(&self, unit: &mut StockUnit, now: Timestamp) -> Result<ReservationReleased, Refusal> {
        let lines = unit.ledger.release_hold(self.id, now)?;
        Ok(ReservationReleased { id: self.id, lines })
    }
}
