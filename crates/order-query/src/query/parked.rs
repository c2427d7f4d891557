//! Orders whose newer events are parked: one rule for all queries. What is shown of them is stale, and one that is
//! parked from its first event on is not said to be missing.

use std::collections::BTreeMap;
use std::sync::Arc;

use ordermesh_kernel::OrderId;
use uuid::Uuid;

use super::{QueryError, ReadModel};

/// What was parked when an answer began.
#[derive(Debug)]
pub(super) struct Parked(Arc<BTreeMap<String, String>>);

impl ReadModel {
    /// What is parked. Asked for before rows are read: an order that flows again meanwhile is told as stopped, never
    /// the other way round.
    pub(super) fn parked(&self) -> Parked {
        Parked(self.blocked.now())
    }

    /// Waits until another reason than `told` is to be given for the order.
    pub(super) async fn parked_otherwise(&self, order_id: OrderId, told: Option<&str>) {
        self.blocked.other_than(&order_id.to_string(), told).await;
    }
}

impl Parked {
    /// What is wrong with the first event of the order that is parked; `None` for one that keeps up.
    pub fn reason(&self, order_id: OrderId) -> Option<String> {
        self.of(order_id.as_uuid()).cloned()
    }

    /// Whether one of the orders is parked.
    pub fn any(&self, order_ids: impl IntoIterator<Item = Uuid>) -> bool {
        order_ids.into_iter().any(|id| self.of(&id).is_some())
    }

    /// What to say of an order of which there are no rows.
    pub fn absent(&self, order_id: OrderId) -> QueryError {
        match self.reason(order_id) {
            Some(reason) => QueryError::Parked { order_id, reason },
            None => QueryError::OrderNotFound(order_id),
        }
    }

    fn of(&self, order_id: &Uuid) -> Option<&String> {
        // As good as always nothing is parked, and no text is made for a look into an empty map.
        if self.0.is_empty() {
            return None;
        }
        self.0.get(&order_id.to_string())
    }
}
