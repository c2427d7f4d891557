//! The facts that order publishes.

use std::sync::Arc;

use ordermesh_kernel::{Money, OrderId, Timestamp};

use super::{Actor, OrderTerms};

/// Something that happened to an order.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum OrderEvent {
    /// An order was placed.
    Created(Box<OrderCreated>),
    /// Somebody asked to cancel the order.
    CancellationRequested(OrderCancellationRequested),
    /// The order is cancelled; nothing is reserved and nothing is owed.
    Cancelled(OrderCancelled),
}

/// What every event of an order says.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Stamp {
    /// The order.
    pub order_id: OrderId,
    /// Who caused it.
    pub actor: Actor,
    /// What the customer owes after it. Payment steers towards the newest one and never adds up lines.
    pub amount_due: Money,
    /// The order's revision after it: the number of the event among those of its order, from 1 on.
    pub order_revision: i64,
    /// When it happened.
    pub occurred_time: Timestamp,
}

/// An order was placed.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct OrderCreated {
    /// What every event says.
    pub stamp: Stamp,
    /// What was agreed.
    pub terms: Arc<OrderTerms>,
}

/// Somebody asked to cancel the order.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct OrderCancellationRequested {
    /// What every event says.
    pub stamp: Stamp,
    /// Why, in the caller's words.
    pub reason: String,
}

/// The order is cancelled.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct OrderCancelled {
    /// What every event says.
    pub stamp: Stamp,
    /// Why, in the words of who asked.
    pub reason: String,
}

impl OrderEvent {
    /// Names of all events that order publishes.
    pub const NAMES: [&'static str; 3] = ["OrderCreated", "OrderCancellationRequested", "OrderCancelled"];

    /// The event's name in the feed.
    pub const fn name(&self) -> &'static str {
        match self {
            Self::Created(_) => Self::NAMES[0],
            Self::CancellationRequested(_) => Self::NAMES[1],
            Self::Cancelled(_) => Self::NAMES[2],
        }
    }

    /// What every event says.
    pub const fn stamp(&self) -> &Stamp {
        match self {
            Self::Created(created) => &created.stamp,
            Self::CancellationRequested(requested) => &requested.stamp,
            Self::Cancelled(cancelled) => &cancelled.stamp,
        }
    }
}
