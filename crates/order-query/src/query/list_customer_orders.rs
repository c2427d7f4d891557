//! ListCustomerOrders: a page of one customer's orders, newest first.

use ordermesh_kernel::CustomerId;

use super::consistency::Consistency;
use super::page::{Fingerprint, Page};
use super::page_reader::Turn;
use super::{Answer, QueryError, ReadModel, Rows};
use crate::projection::order_view::OrderView;
use crate::store;

/// Asks for a page of one customer's orders.
#[derive(Debug, Clone)]
pub struct ListCustomerOrders {
    /// The customer.
    pub customer_id: CustomerId,
    /// Which page.
    pub page: Page,
    /// How new the answer must be.
    pub consistency: Consistency,
}

impl ListCustomerOrders {
    /// The page. A customer that nobody knows has no orders.
    pub async fn run(self, model: &ReadModel) -> Result<Answer<Rows<OrderView>>, QueryError> {
        let fingerprint = Fingerprint::of(&["ListCustomerOrders", self.customer_id.as_str()]);
        let after = self.page.start(fingerprint)?;
        let mut freshness = model.reach(&self.consistency).await?;
        let stopped = model.parked();
        let read = async move |turn: Turn| {
            let (customer_id, limit) = (self.customer_id.as_str(), self.page.limit());
            let found = store::customer_orders(turn.database(), customer_id, after.as_ref(), limit).await?;
            let (listed, next_page_token) = self.page.cut(fingerprint, found, |listed| listed.bytes);
            Ok((turn.load(&listed).await?, listed, next_page_token))
        };
        let (rows, listed, next_page_token) = model.pages.read(read).await?;
        freshness.stale |= stopped.any(listed.iter().map(|row| row.order_id));
        Ok(Answer { value: Rows { rows, next_page_token }, freshness })
    }
}
