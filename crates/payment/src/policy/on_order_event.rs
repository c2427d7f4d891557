//! On every event of an order: observe it. What is not newer than what is known changes nothing, so that repeated and late
//! events are harmless.

use async_trait::async_trait;
use ordermesh_feed::commit::Committer;
use ordermesh_feed::consume::{Delivery, Handler, HandlerError};
use ordermesh_feed::react::{Reaction, Reactions};
use ordermesh_proto::order::v1::OrderEvent;

use super::foreign;
use crate::NAME;
use crate::command::observe_order::ObserveOrder;
use crate::domain::Terms;
use crate::store::PaymentsUnit;
use crate::worker::Wake;

/// Follows the order feed.
pub struct OnOrderEvent {
    reactions: Reactions<PaymentsUnit>,
    terms: Terms,
    wake: Wake,
}

impl OnOrderEvent {
    /// Commands go through `committer`; then the worker is woken.
    pub fn new(committer: Committer<PaymentsUnit>, terms: Terms, wake: Wake) -> Self {
        Self { reactions: Reactions::new(committer, NAME), terms, wake }
    }

    fn react_to(&self, event: &OrderEvent) -> Result<Vec<Reaction<PaymentsUnit>>, String> {
        let fact = foreign::fact(event)?;
        let observe = |fact| Reaction::new("ObserveOrder", ObserveOrder { fact, terms: self.terms });
        Ok(fact.map(observe).into_iter().collect())
    }
}

#[async_trait]
impl Handler for OnOrderEvent {
    type Event = OrderEvent;

    fn name(&self) -> &'static str {
        NAME
    }

    fn reacts(&self) -> bool {
        true
    }

    async fn react(&self, events: &[OrderEvent], delivery: Delivery) -> Result<(), HandlerError> {
        let reacted = self.reactions.run(events, delivery, |event| self.react_to(event)).await;
        self.wake.wake();
        reacted
    }
}
