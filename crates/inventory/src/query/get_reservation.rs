//! GetReservation: one reservation, by its id or its order's.

use ordermesh_feed::store::PatientConnection;

use super::QueryError;
use crate::domain::{Reservation, ReservationId};
use crate::store::read;

/// Asks for a reservation.
#[derive(Debug)]
pub struct GetReservation {
    /// The reservation.
    pub id: ReservationId,
}

impl GetReservation {
    /// The reservation.
    pub async fn run(self, db: &PatientConnection) -> Result<Reservation, QueryError> {
        read::reservation(db, self.id).await?.ok_or(QueryError::ReservationNotFound(self.id))
    }
}
