//! When payment authorizes, declines, captures, voids, refunds or does not know: order takes note, and goes on.

use async_trait::async_trait;
use ordermesh_feed::consume::{Delivery, Handler, HandlerError};
use ordermesh_feed::react::{Reaction, Reactions};
use ordermesh_proto::payment::v1::PaymentEvent;

use super::foreign::payment_fact;
use crate::command::Target;
use crate::command::record_payment::RecordPayment;
use crate::domain::Actor;
use crate::store::OrdersUnit;

/// Follows the payment feed.
pub struct OnPayment {
    reactions: Reactions<OrdersUnit>,
    max_attempts: i32,
}

impl OnPayment {
    /// Reacts by these commands. So many attempts may be declined before an order is rejected.
    pub fn new(reactions: Reactions<OrdersUnit>, max_attempts: i32) -> Self {
        Self { reactions, max_attempts }
    }

    fn reactions(&self, event: &PaymentEvent) -> Result<Vec<Reaction<OrdersUnit>>, String> {
        let (order_id, fact) = payment_fact(event)?;
        let actor = Actor::Workload("payment".to_owned());
        let target = Target { order_id, expected_revision: None, actor };
        let max_attempts = self.max_attempts;
        Ok(vec![Reaction::new("RecordPayment", RecordPayment { target, fact, max_attempts })])
    }
}

#[async_trait]
impl Handler for OnPayment {
    type Event = PaymentEvent;

    fn name(&self) -> &'static str {
        "order-command payment"
    }

    fn reacts(&self) -> bool {
        true
    }

    async fn react(&self, events: &[PaymentEvent], delivery: Delivery) -> Result<(), HandlerError> {
        self.reactions.run(events, delivery, |event| self.reactions(event)).await
    }
}
