//! `ordermesh stock release`: a reservation that belongs to no order ends before its time.

use clap::Args;
use ordermesh_console::connect::{Common, Session};
use ordermesh_console::failure::Failure;
use ordermesh_proto::inventory::v1::{ReleaseReservationRequest, ReleaseReservationResponse};

use super::change::{Key, change};
use super::{commands, show};

/// Which reservation.
#[derive(Debug, Args)]
pub struct Release {
    /// The reservation's id
    id: String,
    #[command(flatten)]
    key: Key,
}

/// Asks and prints.
pub async fn run(release: Release, common: Common) -> Result<(), Failure> {
    let session = Session::open(common).await?;
    let request_id = release.key.or_new();
    let request = ReleaseReservationRequest { request_id: request_id.clone(), reservation_id: release.id };
    let ask = async |request| commands(&session).release_reservation(request).await;
    change(&session, &request_id, request, ask, |answer: &ReleaseReservationResponse| {
        (show::lines(&answer.lines), answer.replayed, answer.consistency_token.clone())
    })
    .await
}
