//! ListStock: page by page, by article and location.

use ordermesh_feed::store::PatientConnection;

use super::QueryError;
use super::page::{Fingerprint, Page};
use crate::domain::{ItemKey, Location, Sku, StockItem};
use crate::store::read::{self, ItemFilter};

/// Asks for a page.
#[derive(Debug)]
pub struct ListStock {
    /// Which items.
    pub filter: ItemFilter,
    /// Which page of them.
    pub page: Page,
}

impl ListStock {
    /// The items, and the token of the next page.
    pub async fn run(self, db: &PatientConnection) -> Result<(Vec<StockItem>, String), QueryError> {
        let Self { filter, page } = self;
        let location = filter.location.as_ref().map_or("", Location::as_str);
        let low = if filter.low_only { "low" } else { "" };
        let question = Fingerprint::of(&["ListStock", location, low]);
        let after = page.start(question, place)?;
        let items = read::items(db, &filter, after.as_ref(), page.limit()).await?;
        let place =
            |last: &StockItem| vec![last.key.sku.as_str().to_owned(), last.key.location.as_str().to_owned()];
        Ok(page.cut(question, items, place))
    }
}

fn place(words: &[String]) -> Option<ItemKey> {
    let [sku, location] = words else { return None };
    Some(ItemKey { sku: Sku::parse(sku).ok()?, location: Location::parse(location).ok()? })
}
