//! BatchGetOrders: several orders by their ids.

use std::collections::HashSet;

use ordermesh_kernel::OrderId;
use uuid::Uuid;

use super::consistency::Consistency;
use super::{Answer, QueryError, ReadModel};
use crate::projection::order_view::OrderView;

/// Ids that one request may have.
pub const MAX_IDS: usize = 100;

/// Asks for several orders. An id that is given twice counts once.
#[derive(Debug, Clone)]
pub struct BatchGetOrders {
    /// The orders.
    pub order_ids: Vec<OrderId>,
    /// How new the answer must be.
    pub consistency: Consistency,
}

/// The orders that exist, and the ids of those that do not, both in the order of the request.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct OrdersById {
    /// The orders found.
    pub orders: Vec<OrderView>,
    /// The ids that no order has.
    pub missing: Vec<OrderId>,
}

impl BatchGetOrders {
    /// The orders.
    pub async fn run(self, model: &ReadModel) -> Result<Answer<OrdersById>, QueryError> {
        let freshness = model.reach(&self.consistency).await?;
        let mut seen = HashSet::new();
        let ids: Vec<Uuid> =
            self.order_ids.into_iter().map(Uuid::from).filter(|id| seen.insert(*id)).collect();
        let found = model.reader.get_all(&ids).await?;
        let mut value = OrdersById::default();
        for (id, view) in ids.into_iter().zip(found) {
            match view {
                Some(view) => value.orders.push(view),
                None => value.missing.push(OrderId::from(id)),
            }
        }
        Ok(Answer { value, freshness })
    }
}
