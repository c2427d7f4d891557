//! When inventory reserves, rejects, releases or loses the stock of an order: order takes note, and goes on.

use async_trait::async_trait;
use ordermesh_feed::consume::{Delivery, Handler, HandlerError};
use ordermesh_feed::react::{Reaction, Reactions};
use ordermesh_proto::feed::v1::EventFilter;
use ordermesh_proto::inventory::v1::InventoryEvent;

use super::foreign::stock_fact;
use crate::command::Target;
use crate::command::record_stock::RecordStock;
use crate::domain::Actor;
use crate::store::OrdersUnit;

/// What order listens to.
const EVENTS: [&str; 4] = ["StockReserved", "StockRejected", "StockReleased", "StockShortfallDetected"];

/// Follows the inventory feed.
pub struct OnStock {
    reactions: Reactions<OrdersUnit>,
}

impl OnStock {
    /// Reacts by these commands.
    pub fn new(reactions: Reactions<OrdersUnit>) -> Self {
        Self { reactions }
    }
}

#[async_trait]
impl Handler for OnStock {
    type Event = InventoryEvent;

    fn name(&self) -> &'static str {
        "order-command inventory"
    }

    fn filter(&self) -> EventFilter {
        EventFilter { types: EVENTS.map(str::to_owned).to_vec(), ..EventFilter::default() }
    }

    fn reacts(&self) -> bool {
        true
    }

    async fn react(&self, events: &[InventoryEvent], delivery: Delivery) -> Result<(), HandlerError> {
        self.reactions.run(events, delivery, reactions).await
    }
}

fn reactions(event: &InventoryEvent) -> Result<Vec<Reaction<OrdersUnit>>, String> {
    let Some((order_id, fact)) = stock_fact(event)? else { return Ok(vec![]) };
    let actor = Actor::Workload("inventory".to_owned());
    let target = Target { order_id, expected_revision: None, actor };
    Ok(vec![Reaction::new("RecordStock", RecordStock { target, fact })])
}
