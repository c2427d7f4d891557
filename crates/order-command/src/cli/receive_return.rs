//! `ordermesh order receive-return`: says what came back.

use clap::Args;
use ordermesh_console::connect::Common;
use ordermesh_console::failure::Failure;
use ordermesh_proto::order::v1::{ReceiveReturnRequest, ReceivedLine};

use super::change::{Target, change};
use super::pieces::received;

/// Which return, and what of it is accepted.
#[derive(Debug, Args)]
pub struct ReceiveReturn {
    #[command(flatten)]
    target: Target,
    /// The return's id
    #[arg(value_name = "RETURN")]
    goods: String,
    /// What is accepted, such as 1:2 for two pieces of line 1 that can be sold again, or 1:2:damaged; nothing when left out
    #[arg(value_name = "LINE:PIECES[:damaged]", value_parser = received)]
    lines: Vec<ReceivedLine>,
}

/// Asks and prints.
pub async fn run(verb: ReceiveReturn, common: Common) -> Result<(), Failure> {
    let request_id = verb.target.request_id();
    let request = ReceiveReturnRequest {
        request_id: request_id.clone(),
        order_id: verb.target.id,
        expected_revision: verb.target.expected_revision,
        return_id: verb.goods,
        lines: verb.lines,
    };
    change(common, request_id, request, async |mut client, request| client.receive_return(request).await)
        .await
}
