//! `ordermesh order reject-return`: does not let goods be sent back.

use clap::Args;
use ordermesh_console::connect::Common;
use ordermesh_console::failure::Failure;
use ordermesh_proto::order::v1::RejectReturnRequest;

use super::change::{Target, change};

/// Which return and why.
#[derive(Debug, Args)]
pub struct RejectReturn {
    #[command(flatten)]
    target: Target,
    /// The return's id
    #[arg(value_name = "RETURN")]
    goods: String,
    /// Why, for people
    #[arg(long, default_value = "", hide_default_value = true)]
    reason: String,
}

/// Asks and prints.
pub async fn run(verb: RejectReturn, common: Common) -> Result<(), Failure> {
    let request_id = verb.target.request_id();
    let request = RejectReturnRequest {
        request_id: request_id.clone(),
        order_id: verb.target.id,
        expected_revision: verb.target.expected_revision,
        return_id: verb.goods,
        reason: verb.reason,
    };
    change(common, request_id, request, async |mut client, request| client.reject_return(request).await).await
}
