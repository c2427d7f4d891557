//! `ordermesh stock receive`: goods came in.

use clap::Args;
use ordermesh_console::connect::{Common, Session};
use ordermesh_console::failure::Failure;
use ordermesh_proto::inventory::v1::{ReceiveStockRequest, ReceiveStockResponse};

use super::change::{Key, Remark, change};
use super::{commands, show};

/// What came, and where.
#[derive(Debug, Args)]
pub struct Receive {
    /// The article
    sku: String,
    /// Pieces
    #[arg(allow_negative_numbers = true)]
    quantity: i64,
    /// Where
    #[arg(long, default_value = "main")]
    location: String,
    #[command(flatten)]
    remark: Remark,
    #[command(flatten)]
    key: Key,
}

/// Asks and prints.
pub async fn run(receive: Receive, common: Common) -> Result<(), Failure> {
    let session = Session::open(common).await?;
    let request_id = receive.key.or_new();
    let request = ReceiveStockRequest {
        request_id: request_id.clone(),
        sku: receive.sku,
        location: receive.location,
        quantity: receive.quantity,
        note: receive.remark.note,
    };
    let ask = async |request| commands(&session).receive_stock(request).await;
    change(&session, &request_id, request, ask, |answer: &ReceiveStockResponse| {
        (show::items(&answer.item), answer.replayed, answer.consistency_token.clone())
    })
    .await
}
