//! `ordermesh order cancel-lines`: cancels pieces that were not dispatched.

use clap::Args;
use ordermesh_console::connect::Common;
use ordermesh_console::failure::Failure;
use ordermesh_proto::order::v1::{CancelOrderLinesRequest, LineQuantity};

use super::change::{Target, change};
use super::pieces::pieces;

/// Which pieces and why.
#[derive(Debug, Args)]
pub struct CancelLines {
    #[command(flatten)]
    target: Target,
    /// What to cancel, such as 1:2 for two pieces of line 1
    #[arg(required = true, value_name = "LINE:PIECES", value_parser = pieces)]
    lines: Vec<LineQuantity>,
    /// Why, for people
    #[arg(long, default_value = "", hide_default_value = true)]
    reason: String,
}

/// Asks and prints.
pub async fn run(verb: CancelLines, common: Common) -> Result<(), Failure> {
    let request_id = verb.target.request_id();
    let request = CancelOrderLinesRequest {
        request_id: request_id.clone(),
        order_id: verb.target.id,
        expected_revision: verb.target.expected_revision,
        lines: verb.lines,
        reason: verb.reason,
    };
    change(common, request_id, request, async |mut client, request| client.cancel_order_lines(request).await)
        .await
}
