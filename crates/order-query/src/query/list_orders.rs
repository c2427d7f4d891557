//! ListOrders: a page of orders by filter.

use super::consistency::Consistency;
use super::filter::Filter;
use super::order_by::OrderBy;
use super::page::{Fingerprint, Page};
use super::page_reader::Turn;
use super::{Answer, QueryError, ReadModel, Rows};
use crate::projection::order_view::OrderView;
use crate::store;

/// Orders a page when the request does not say.
pub const DEFAULT_PAGE: usize = 50;
/// Orders a page at most.
pub const MAX_PAGE: usize = 200;

/// Asks for a page of orders.
#[derive(Debug, Clone)]
pub struct ListOrders {
    /// Which orders.
    pub filter: Filter,
    /// In which order.
    pub order_by: OrderBy,
    /// Which page.
    pub page: Page,
    /// How new the answer must be.
    pub consistency: Consistency,
}

impl ListOrders {
    /// The page.
    pub async fn run(self, model: &ReadModel) -> Result<Answer<Rows<OrderView>>, QueryError> {
        let order_by = format!("{:?}", self.order_by);
        let fingerprint = Fingerprint::of(&["ListOrders", self.filter.text(), &order_by]);
        let after = self.page.start(fingerprint)?;
        let mut freshness = model.reach(&self.consistency).await?;
        let stopped = model.parked();
        let read = async move |turn: Turn| {
            let (conditions, limit) = (self.filter.conditions(), self.page.limit());
            let found =
                store::orders(turn.database(), conditions, self.order_by, after.as_ref(), limit).await?;
            let (listed, next_page_token) = self.page.cut(fingerprint, found, |listed| listed.bytes);
            Ok((turn.load(&listed).await?, listed, next_page_token))
        };
        let (rows, listed, next_page_token) = model.pages.read(read).await?;
        freshness.stale |= stopped.any(listed.iter().map(|row| row.order_id));
        Ok(Answer { value: Rows { rows, next_page_token }, freshness })
    }
}
