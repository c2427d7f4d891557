//! `ordermesh stock transfer`: available pieces go to another location.

use clap::Args;
use ordermesh_console::connect::{Common, Session};
use ordermesh_console::failure::Failure;
use ordermesh_proto::inventory::v1::{TransferStockRequest, TransferStockResponse};

use super::change::{Key, Remark, change};
use super::{commands, show};

/// What goes from where to where.
#[derive(Debug, Args)]
pub struct Transfer {
    /// The article
    sku: String,
    /// Pieces
    #[arg(allow_negative_numbers = true)]
    quantity: i64,
    /// Where they are
    #[arg(long, value_name = "LOCATION")]
    from: String,
    /// Where they go
    #[arg(long, value_name = "LOCATION")]
    to: String,
    #[command(flatten)]
    remark: Remark,
    #[command(flatten)]
    key: Key,
}

/// Asks and prints.
pub async fn run(transfer: Transfer, common: Common) -> Result<(), Failure> {
    let session = Session::open(common).await?;
    let request_id = transfer.key.or_new();
    let request = TransferStockRequest {
        request_id: request_id.clone(),
        sku: transfer.sku,
        from_location: transfer.from,
        to_location: transfer.to,
        quantity: transfer.quantity,
        note: transfer.remark.note,
    };
    let ask = async |request| commands(&session).transfer_stock(request).await;
    change(&session, &request_id, request, ask, |answer: &TransferStockResponse| {
        let items = answer.from.iter().chain(&answer.to);
        (show::items(items), answer.replayed, answer.consistency_token.clone())
    })
    .await
}
