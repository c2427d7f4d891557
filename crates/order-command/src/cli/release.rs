//! `ordermesh order release`: releases a hold.

use clap::Args;
use ordermesh_console::connect::Common;
use ordermesh_console::failure::Failure;
use ordermesh_proto::order::v1::ReleaseOrderHoldRequest;

use super::change::{Target, change};

/// Which hold and why.
#[derive(Debug, Args)]
pub struct Release {
    #[command(flatten)]
    target: Target,
    /// The hold's id
    hold: String,
    /// Why, for people
    #[arg(long, default_value = "", hide_default_value = true)]
    note: String,
}

/// Asks and prints.
pub async fn run(verb: Release, common: Common) -> Result<(), Failure> {
    let request_id = verb.target.request_id();
    let request = ReleaseOrderHoldRequest {
        request_id: request_id.clone(),
        order_id: verb.target.id,
        expected_revision: verb.target.expected_revision,
        hold_id: verb.hold,
        note: verb.note,
    };
    change(common, request_id, request, async |mut client, request| client.release_order_hold(request).await)
        .await
}
