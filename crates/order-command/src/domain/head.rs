//! The head of an order: the small part that every event changes, and all that a decision on an existing
//! order needs.

use std::fmt;

use ordermesh_kernel::{Currency, Money, OrderId, Timestamp};

use super::{Actor, OrderCancellationRequested, OrderCancelled, OrderEvent, Refusal, Stamp};

/// Where an order stands in its life.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum OrderState {
    /// Accepted; stock and payment are under way.
    Placed,
    /// Stock is reserved and payment authorized.
    Confirmed,
    /// Every line is delivered, lost or cancelled and the money is at rest. Final.
    Completed,
    /// Not accepted by stock or payment. Final.
    Rejected,
    /// The payment deadline passed. Final.
    Expired,
    /// Cancellation was asked for; stock and money are on their way back.
    Cancelling,
    /// Cancelled. Final.
    Cancelled,
}

impl OrderState {
    /// Every state.
    pub const ALL: [Self; 7] = [
        Self::Placed,
        Self::Confirmed,
        Self::Completed,
        Self::Rejected,
        Self::Expired,
        Self::Cancelling,
        Self::Cancelled,
    ];

    /// The state's word in lower case, as sentences and rows have it.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Placed => "placed",
            Self::Confirmed => "confirmed",
            Self::Completed => "completed",
            Self::Rejected => "rejected",
            Self::Expired => "expired",
            Self::Cancelling => "cancelling",
            Self::Cancelled => "cancelled",
        }
    }

    /// The state of that word.
    pub fn parse(word: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|state| state.as_str() == word)
    }

    /// Whether an order that stands here may still be cancelled.
    pub const fn allows_cancel(self) -> bool {
        matches!(self, Self::Placed | Self::Confirmed)
    }
}

impl fmt::Display for OrderState {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str(self.as_str())
    }
}

/// The small part of an order that every event changes.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct OrderHead {
    /// Identity of the order.
    pub id: OrderId,
    /// Where the order stands.
    pub state: OrderState,
    /// Number of the order's newest event.
    pub revision: i64,
    /// What the customer owes by now.
    pub amount_due: Money,
    /// Why the order was cancelled, in the caller's words; none unless it was.
    pub cancel_reason: Option<String>,
    /// When the order last changed.
    pub update_time: Timestamp,
}

impl OrderHead {
    /// The head of an order that was just placed, as its first event tells it.
    pub fn created(stamp: &Stamp) -> Self {
        Self {
            id: stamp.order_id,
            state: OrderState::Placed,
            revision: stamp.order_revision,
            amount_due: stamp.amount_due,
            cancel_reason: None,
            update_time: stamp.occurred_time,
        }
    }

    /// The currency of all amounts of the order.
    pub const fn currency(&self) -> Currency {
        self.amount_due.currency()
    }

    /// Cancels the order as a whole.
    ///
    /// Asked for and done in one decision while nothing that must be undone waits on the order: neither stock
    /// nor payment exists yet. Nothing is owed from the request on.
    pub fn cancel(
        &self,
        reason: String,
        expected_revision: Option<i64>,
        actor: Actor,
        now: Timestamp,
    ) -> Result<Vec<OrderEvent>, Refusal> {
        // The revision first: a caller who decided on an old order should hear that before anything else.
        self.expect_revision(expected_revision)?;
        if !self.state.allows_cancel() {
            return Err(Refusal::StateForbids { state: self.state });
        }
        let stamp = |step| Stamp {
            order_id: self.id,
            actor: actor.clone(),
            amount_due: Money::zero(self.currency()),
            order_revision: self.revision + step,
            occurred_time: now,
        };
        Ok(vec![
            OrderEvent::CancellationRequested(OrderCancellationRequested {
                stamp: stamp(1),
                reason: reason.clone(),
            }),
            OrderEvent::Cancelled(OrderCancelled { stamp: stamp(2), reason }),
        ])
    }

    /// Takes in what an event says: the only place where an order changes its state. A creation starts over.
    pub fn apply(&mut self, event: &OrderEvent) {
        let stamp = event.stamp();
        match event {
            OrderEvent::Created(_) => *self = Self::created(stamp),
            OrderEvent::CancellationRequested(requested) => {
                self.state = OrderState::Cancelling;
                self.cancel_reason = Some(requested.reason.clone());
            }
            OrderEvent::Cancelled(_) => self.state = OrderState::Cancelled,
        }
        self.revision = stamp.order_revision;
        self.amount_due = stamp.amount_due;
        self.update_time = stamp.occurred_time;
    }

    fn expect_revision(&self, expected: Option<i64>) -> Result<(), Refusal> {
        match expected {
            Some(expected) if expected != self.revision => {
                Err(Refusal::RevisionMismatch { expected, actual: self.revision })
            }
            _ => Ok(()),
        }
    }
}
