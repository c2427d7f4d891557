//! CheckAvailability: whether articles are there.

use std::collections::BTreeMap;

use ordermesh_feed::store::PatientConnection;

use super::QueryError;
use crate::domain::{Sku, StockItem};
use crate::store::read;

/// Asks for articles, each with how many pieces are wanted.
#[derive(Debug)]
pub struct CheckAvailability {
    /// The articles.
    pub articles: Vec<(Sku, i64)>,
}

/// Whether an article is there.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Availability {
    /// The article.
    pub sku: Sku,
    /// Available in all locations together.
    pub available: i64,
    /// Available at the location that has most.
    pub largest: i64,
    /// As many as are wanted are available.
    pub sufficient: bool,
}

impl CheckAvailability {
    /// The answers in the order of the articles.
    pub async fn run(self, db: &PatientConnection) -> Result<Vec<Availability>, QueryError> {
        let skus: Vec<&Sku> = self.articles.iter().map(|(sku, _)| sku).collect();
        let items = read::items_of(db, skus).await?;
        let mut found: BTreeMap<&Sku, (i64, i64)> = BTreeMap::new();
        for item in &items {
            let (available, largest) = found.entry(&item.key.sku).or_default();
            *available += StockItem::available(item);
            *largest = (*largest).max(item.available());
        }
        let answer = |(sku, wanted): &(Sku, i64)| {
            let (available, largest) = found.get(sku).copied().unwrap_or_default();
            Availability { sku: sku.clone(), available, largest, sufficient: available >= *wanted }
        };
        Ok(self.articles.iter().map(answer).collect())
    }
}
