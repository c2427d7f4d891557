//! What the order feed tells is done here: one file a reaction. Commands go through the committer, many orders side by side
//! in one transaction, those of one order one after the other.

pub mod foreign;
mod on_lines_cancelled;
mod on_order_confirmed;
mod on_order_created;
mod on_order_ended;
mod on_return_received;
mod on_shipment_dispatched;

use async_trait::async_trait;
use ordermesh_feed::consume::{Delivery, Handler, HandlerError};
use ordermesh_feed::react::{Reaction, Reactions};
use ordermesh_proto::feed::v1::EventFilter;
use ordermesh_proto::order::v1::OrderEvent;

use crate::store::StockUnit;
use foreign::{Happened, OrderFact};

/// Follows the order feed.
pub struct OrderPolicy {
    reactions: Reactions<StockUnit>,
}

impl OrderPolicy {
    /// Reacts through `reactions`.
    pub fn new(reactions: Reactions<StockUnit>) -> Self {
        Self { reactions }
    }
}

#[async_trait]
impl Handler for OrderPolicy {
    type Event = OrderEvent;

    fn name(&self) -> &'static str {
        crate::NAME
    }

    fn filter(&self) -> EventFilter {
        EventFilter { types: foreign::TYPES.map(str::to_owned).to_vec(), ..EventFilter::default() }
    }

    fn reacts(&self) -> bool {
        true
    }

    async fn react(&self, events: &[OrderEvent], delivery: Delivery) -> Result<(), HandlerError> {
        let policy = |event: &OrderEvent| Ok(vec![reaction(foreign::fact(event)?)]);
        self.reactions.run(events, delivery, policy).await
    }
}

/// What follows from a fact.
fn reaction(fact: OrderFact) -> Reaction<StockUnit> {
    let order_id = fact.order_id;
    match fact.happened {
        Happened::Created(wanted) => on_order_created::react(order_id, wanted),
        Happened::Confirmed => on_order_confirmed::react(order_id),
        Happened::Ended => on_order_ended::react(order_id),
        Happened::LinesCancelled(keep) => on_lines_cancelled::react(order_id, keep),
        Happened::Dispatched(lines) => on_shipment_dispatched::react(order_id, lines),
        Happened::ReturnReceived { return_id, resaleable } => {
            on_return_received::react(order_id, return_id, resaleable)
        }
    }
}
