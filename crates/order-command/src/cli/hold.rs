//! `ordermesh order hold`: holds an order until somebody releases it.

use clap::Args;
use ordermesh_console::connect::Common;
use ordermesh_console::failure::Failure;
use ordermesh_proto::order::v1::HoldOrderRequest;

use super::change::{Target, change};

/// Which order and why.
#[derive(Debug, Args)]
pub struct Hold {
    #[command(flatten)]
    target: Target,
    /// Why, for people
    #[arg(long, default_value = "", hide_default_value = true)]
    note: String,
}

/// Asks and prints.
pub async fn run(verb: Hold, common: Common) -> Result<(), Failure> {
    let request_id = verb.target.request_id();
    let request = HoldOrderRequest {
        request_id: request_id.clone(),
        order_id: verb.target.id,
        expected_revision: verb.target.expected_revision,
        note: verb.note,
    };
    change(common, request_id, request, async |mut client, request| client.hold_order(request).await).await
}
