//! `ordermesh stock get`: one article at all its locations.

use clap::Args;
use ordermesh_console::connect::{Common, Session, unary};
use ordermesh_console::failure::Failure;
use ordermesh_proto::inventory::v1::GetStockRequest;

use super::{queries, show};

/// Which article.
#[derive(Debug, Args)]
pub struct Get {
    /// The article
    sku: String,
}

/// Prints it.
pub async fn run(get: Get, common: Common) -> Result<(), Failure> {
    let session = Session::open(common).await?;
    let stock = queries(&session).get_stock(unary(GetStockRequest { sku: get.sku })).await?.into_inner();
    session.out.answer(&stock, |stock| {
        let (items, on_hand, available) = (show::items(&stock.items), stock.on_hand, stock.available);
        format!("{items}\n\n{on_hand} on hand in all, {available} available")
    })
}
