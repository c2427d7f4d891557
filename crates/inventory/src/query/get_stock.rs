//! GetStock: one article at all locations.

use ordermesh_feed::store::PatientConnection;

use super::QueryError;
use crate::domain::{Sku, StockItem};
use crate::store::read;

/// Asks for an article.
#[derive(Debug)]
pub struct GetStock {
    /// The article.
    pub sku: Sku,
}

impl GetStock {
    /// Its items, by location; at least one.
    pub async fn run(self, db: &PatientConnection) -> Result<Vec<StockItem>, QueryError> {
        let items = read::items_of(db, [&self.sku]).await?;
        if items.is_empty() { Err(QueryError::StockNotFound(self.sku)) } else { Ok(items) }
    }
}
