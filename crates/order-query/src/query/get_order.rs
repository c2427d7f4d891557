//! GetOrder: one order by its id.

use ordermesh_kernel::OrderId;

use super::consistency::Consistency;
use super::{Answer, QueryError, ReadModel};
use crate::projection::order_view::OrderView;

/// Asks for one order.
#[derive(Debug, Clone)]
pub struct GetOrder {
    /// The order.
    pub order_id: OrderId,
    /// How new the answer must be.
    pub consistency: Consistency,
}

impl GetOrder {
    /// The order.
    pub async fn run(self, model: &ReadModel) -> Result<Answer<OrderView>, QueryError> {
        let freshness = model.reach(&self.consistency).await?;
        let view = model.reader.get(*self.order_id.as_uuid()).await?;
        Ok(Answer { value: view.ok_or(QueryError::OrderNotFound(self.order_id))?, freshness })
    }
}
