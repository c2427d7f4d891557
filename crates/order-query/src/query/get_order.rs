//! GetOrder: one order by its id.

use ordermesh_kernel::OrderId;

use super::consistency::Consistency;
use super::{Answer, QueryError, ReadModel};
use crate::projection::order_view::OrderView;

/// An order, and why newer events of it are not in it.
#[derive(Debug, Clone, PartialEq)]
pub struct FoundOrder {
    /// The order.
    pub view: OrderView,
    /// What is wrong with the first of its events that are parked; `None` for an order that keeps up.
    pub parked: Option<String>,
}

/// Asks for one order.
#[derive(Debug, Clone)]
pub struct GetOrder {
    /// The order.
    pub order_id: OrderId,
    /// How new the answer must be.
    pub consistency: Consistency,
}

impl GetOrder {
    /// The order. Stale when newer events of it are parked.
    pub async fn run(self, model: &ReadModel) -> Result<Answer<FoundOrder>, QueryError> {
        let mut freshness = model.reach(&self.consistency).await?;
        let stopped = model.parked();
        let view = model.reader.get(*self.order_id.as_uuid()).await?;
        let view = view.ok_or_else(|| stopped.absent(self.order_id))?;
        let parked = stopped.reason(self.order_id);
        freshness.stale |= parked.is_some();
        Ok(Answer { value: FoundOrder { view, parked }, freshness })
    }
}
