//! CancelOrder: the whole order, at the wish of whoever may.

use ordermesh_feed::commit::Command;
use ordermesh_kernel::{OrderId, Timestamp};

use super::Refusal;
use crate::domain::{Actor, OrderState};
use crate::store::{OrdersUnit, Want};

/// Cancels an order.
#[derive(Debug)]
pub struct CancelOrder {
    /// The order.
    pub order_id: OrderId,
    /// Why, in the caller's words.
    pub reason: String,
    /// Refuse unless the order has this revision.
    pub expected_revision: Option<i64>,
    /// Who asks.
    pub actor: Actor,
}

/// An order that is cancelled, or on the way there.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct OrderCancellation {
    /// The order.
    pub order_id: OrderId,
    /// Number of the order's newest event.
    pub revision: i64,
    /// Where the order stands.
    pub state: OrderState,
}

impl Command<OrdersUnit> for CancelOrder {
    type Answer = OrderCancellation;
    type Refusal = Refusal;

    fn wants(&self) -> Vec<Want> {
        vec![Want::Order(self.order_id)]
    }

    fn decide(&self, unit: &mut OrdersUnit, now: Timestamp) -> Result<OrderCancellation, Refusal> {
        let head = unit.head(self.order_id).ok_or(Refusal::OrderNotFound(self.order_id))?;
        let events = head.cancel(self.reason.clone(), self.expected_revision, self.actor.clone(), now)?;
        let mut head = head.clone();
        events.iter().for_each(|event| head.apply(event));
        let answer = OrderCancellation { order_id: head.id, revision: head.revision, state: head.state };
        unit.change(head, &events);
        Ok(answer)
    }
}
