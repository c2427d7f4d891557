//! ListReservations: page by page, the newest first.

use ordermesh_feed::store::PatientConnection;

use super::QueryError;
use super::page::{Fingerprint, Page};
use crate::domain::{Reservation, ReservationId, ReservationState, Sku};
use crate::store::read::{self, ReservationFilter};

/// Asks for a page.
#[derive(Debug)]
pub struct ListReservations {
    /// Which reservations.
    pub filter: ReservationFilter,
    /// Which page of them.
    pub page: Page,
}

impl ListReservations {
    /// The reservations, and the token of the next page.
    pub async fn run(self, db: &PatientConnection) -> Result<(Vec<Reservation>, String), QueryError> {
        let Self { filter, page } = self;
        let state = filter.state.map_or("", ReservationState::as_str);
        let sku = filter.sku.as_ref().map_or("", Sku::as_str);
        let question = Fingerprint::of(&["ListReservations", state, sku]);
        let place = |words: &[String]| ReservationId::parse(words.first()?).ok();
        let before = page.start(question, place)?;
        let reservations = read::reservations(db, &filter, before, page.limit()).await?;
        Ok(page.cut(question, reservations, |last| vec![last.id.to_string()]))
    }
}
