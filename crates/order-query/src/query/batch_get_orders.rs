//! BatchGetOrders: several orders by their ids.

use std::collections::{HashMap, HashSet};

use ordermesh_kernel::OrderId;
use uuid::Uuid;

use super::consistency::Consistency;
use super::page::{PAGE_BYTES, fill};
use super::page_reader::Turn;
use super::{Answer, QueryError, ReadModel};
use crate::projection::order_view::OrderView;
use crate::store::{self, Listed};

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

/// The orders that exist, the ids of those that do not, and what is left to ask for, each in the order of the request.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct OrdersById {
    /// The orders found.
    pub orders: Vec<OrderView>,
    /// The ids that no order has.
    pub missing: Vec<OrderId>,
    /// The ids of orders whose newer events are parked: found as they were before, or not shown at all.
    pub parked: Vec<OrderId>,
    /// The ids that were not looked up, since the answer was full.
    pub remaining: Vec<OrderId>,
}

impl BatchGetOrders {
    /// The orders, as many as an answer has room for.
    pub async fn run(self, model: &ReadModel) -> Result<Answer<OrdersById>, QueryError> {
        let mut freshness = model.reach(&self.consistency).await?;
        let mut seen = HashSet::new();
        let mut ids = self.order_ids;
        ids.retain(|id| seen.insert(*id.as_uuid()));
        let stopped = model.parked();
        let read = async move |turn: Turn| {
            let listed = store::listed(turn.database(), ids.iter().map(|id| *id.as_uuid()).collect()).await?;
            let listed: HashMap<Uuid, Listed> = listed.into_iter().map(|row| (row.order_id, row)).collect();
            let row = |id: &OrderId| listed.get(id.as_uuid()).copied();
            let count = fill(ids.iter().map(|id| row(id).map_or(0, |row| row.bytes)), PAGE_BYTES);
            let remaining = ids.split_off(count);
            let orders = turn.load(&ids.iter().filter_map(row).collect::<Vec<_>>()).await?;
            let missing: Vec<_> = ids.iter().copied().filter(|id| row(id).is_none()).collect();
            Ok((orders, ids, missing, remaining))
        };
        let (orders, ids, mut missing, remaining) = model.pages.read(read).await?;
        let parked: Vec<_> = ids.into_iter().filter(|id| stopped.reason(*id).is_some()).collect();
        missing.retain(|id| !parked.contains(id));
        freshness.stale |= !parked.is_empty();
        Ok(Answer { value: OrdersById { orders, missing, parked, remaining }, freshness })
    }
}
