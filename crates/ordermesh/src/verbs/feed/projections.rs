//! `ordermesh feed projections`: the server's read models and how far each has come.

use ordermesh_console::connect::{Common, Session, unary};
use ordermesh_console::failure::Failure;
use ordermesh_console::render::{table, time};
use ordermesh_proto::feed::v1::{ListProjectionsRequest, Projection};

use super::services;

/// Asks and prints.
pub async fn run(common: Common) -> Result<(), Failure> {
    let session = Session::open(common).await?;
    let response = services::projections(&session)
        .list_projections(unary(ListProjectionsRequest {}))
        .await?
        .into_inner();
    let header = ["PROJECTION", "POSITION", "HEAD", "LAG", "LAST CONTACT", "STATE"];
    session.out.answer(&response, |response| table(header, response.projections.iter().map(row)))
}

fn row(projection: &Projection) -> [String; 6] {
    let lag = match projection.error.as_str() {
        "" => projection.head_position.saturating_sub(projection.position).to_string(),
        // The head is as it was when it last heard of the feed.
        _ => "?".to_owned(),
    };
    let state = match (projection.error.as_str(), projection.feed_id.as_str()) {
        ("", "") => "has not reached the feed yet".to_owned(),
        ("", _) => "running".to_owned(),
        (error, _) => format!("stopped: {error}"),
    };
    [
        projection.name.clone(),
        projection.position.to_string(),
        projection.head_position.to_string(),
        lag,
        time(projection.last_contact_time.as_ref()),
        state,
    ]
}
