//! GetOrderTimeline: what happened to an order, oldest first.

use ordermesh_kernel::OrderId;

use super::consistency::Consistency;
use super::page::{Fingerprint, Page, Place, no_token};
use super::page_reader::Turn;
use super::{Answer, QueryError, ReadModel, Rows};
use crate::projection::timeline::TimelineEntry;
use crate::store;

/// Entries a page when the request does not say.
pub const DEFAULT_PAGE: usize = 100;
/// Entries a page at most.
pub const MAX_PAGE: usize = 500;

/// Asks for a page of an order's timeline.
#[derive(Debug, Clone)]
pub struct GetOrderTimeline {
    /// The order.
    pub order_id: OrderId,
    /// Which page.
    pub page: Page,
    /// How new the answer must be.
    pub consistency: Consistency,
}

impl GetOrderTimeline {
    /// The page. Every order has at least the entry of its creation.
    pub async fn run(self, model: &ReadModel) -> Result<Answer<Rows<TimelineEntry>>, QueryError> {
        let fingerprint = Fingerprint::of(&["GetOrderTimeline", &self.order_id.to_string()]);
        let order_id = *self.order_id.as_uuid();
        let after = match self.page.start(fingerprint)? {
            None => 0,
            // An entry of this order: its revisions begin with 1.
            Some(place) if place.number > 0 && place.order_id == order_id => place.number,
            Some(_) => return Err(no_token()),
        };
        let mut freshness = model.reach(&self.consistency).await?;
        let stopped = model.parked();
        let limit = self.page.limit();
        let read = async move |turn: Turn| store::timeline(turn.database(), order_id, after, limit).await;
        let found = model.pages.read(read).await?;
        if found.is_empty() && after == 0 {
            return Err(stopped.absent(self.order_id));
        }
        freshness.stale |= stopped.any([order_id]);
        let place = |entry: &TimelineEntry| Place {
            currency: String::new(),
            number: entry.revision,
            order_id: entry.order_id,
        };
        let found = found.into_iter().map(|entry| (place(&entry), entry)).collect();
        let (rows, next_page_token) = self.page.cut(fingerprint, found, size);
        Ok(Answer { value: Rows { rows, next_page_token }, freshness })
    }
}

/// What an entry weighs in an answer, near enough.
fn size(entry: &TimelineEntry) -> usize {
    entry.summary.len() + entry.causation_id.len() + 200
}
