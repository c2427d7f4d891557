//! `ordermesh order cancel`: cancels an order as a whole.

use clap::Args;
use ordermesh_console::connect::Common;
use ordermesh_console::failure::Failure;
use ordermesh_proto::order::v1::CancelOrderRequest;

use super::change::{Target, change};

/// Which order and why.
#[derive(Debug, Args)]
pub struct Cancel {
    #[command(flatten)]
    target: Target,
    /// Why, for people
    #[arg(long, default_value = "", hide_default_value = true)]
    reason: String,
}

/// Asks and prints.
pub async fn run(verb: Cancel, common: Common) -> Result<(), Failure> {
    let request_id = verb.target.request_id();
    let request = CancelOrderRequest {
        request_id: request_id.clone(),
        order_id: verb.target.id,
        expected_revision: verb.target.expected_revision,
        reason: verb.reason,
    };
    change(common, request_id, request, async |mut client, request| client.cancel_order(request).await).await
}
