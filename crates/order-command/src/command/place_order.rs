//! PlaceOrder: a new order at the agreed prices.

use std::time::Duration;

use ordermesh_feed::commit::Command;
use ordermesh_kernel::{Money, OrderId, OrderReference, Timestamp};

use super::Refusal;
use crate::domain::{Actor, Order, OrderDraft, OrderState, Totals};
use crate::store::{OrdersUnit, Want};

/// Places an order.
#[derive(Debug)]
pub struct PlaceOrder {
    /// What is asked for.
    pub draft: OrderDraft,
    /// Who asks.
    pub actor: Actor,
    /// How long the payment may take.
    pub payment_window: Duration,
}

/// An order that is placed.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct OrderPlaced {
    /// The new order.
    pub order_id: OrderId,
    /// The shop's number, or the order's id.
    pub order_reference: OrderReference,
    /// Number of the order's newest event.
    pub revision: i64,
    /// Where the order stands.
    pub state: OrderState,
    /// The computed sums.
    pub totals: Totals,
    /// What the customer owes.
    pub amount_due: Money,
    /// When it was placed.
    pub placed_time: Timestamp,
}

impl Command<OrdersUnit> for PlaceOrder {
    type Answer = OrderPlaced;
    type Refusal = Refusal;

    fn wants(&self) -> Vec<Want> {
        self.draft.order_reference.iter().cloned().map(Want::Reference).collect()
    }

    fn decide(&self, unit: &mut OrdersUnit, now: Timestamp) -> Result<OrderPlaced, Refusal> {
        let id = OrderId::new_v7(now);
        let (order, events) =
            Order::place(id, self.draft.clone(), self.actor.clone(), now, self.payment_window)?;
        // Last, since a batch may go without this look: the same request is refused for the same reason either way.
        if let Some(reference) = &self.draft.order_reference
            && let Some(order_id) = unit.reference_owner(reference)
        {
            return Err(Refusal::OrderReferenceTaken { reference: reference.clone(), order_id });
        }
        let answer = OrderPlaced {
            order_id: id,
            order_reference: order.terms.order_reference.clone(),
            revision: order.head.revision,
            state: order.head.state,
            totals: order.terms.totals,
            amount_due: order.head.amount_due,
            placed_time: order.placed_time,
        };
        unit.place(order, &events);
        Ok(answer)
    }
}
