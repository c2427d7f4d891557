//! `ordermesh order approve-return`: lets goods be sent back.

use clap::Args;
use ordermesh_console::connect::Common;
use ordermesh_console::failure::Failure;
use ordermesh_proto::order::v1::ApproveReturnRequest;

use super::change::{Target, change};

/// Which return.
#[derive(Debug, Args)]
pub struct ApproveReturn {
    #[command(flatten)]
    target: Target,
    /// The return's id
    #[arg(value_name = "RETURN")]
    goods: String,
}

/// Asks and prints.
pub async fn run(verb: ApproveReturn, common: Common) -> Result<(), Failure> {
    let request_id = verb.target.request_id();
    let request = ApproveReturnRequest {
        request_id: request_id.clone(),
        order_id: verb.target.id,
        expected_revision: verb.target.expected_revision,
        return_id: verb.goods,
    };
    change(common, request_id, request, async |mut client, request| client.approve_return(request).await)
        .await
}
