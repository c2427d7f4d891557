//! Holds: what keeps an order from being confirmed and dispatched until somebody, or a later fact, releases it.

use ordermesh_kernel::{HoldId, Timestamp, word_enum};

use super::Actor;

/// Holds by people that an order has at once at most; beside them it has one of each other reason.
pub const MAX_HOLDS: usize = 100;

word_enum! {
    /// Why an order is held.
    pub enum HoldReason {
        /// A person asked for it.
        Manual = "manual",
        /// The outcome of the payment is not known.
        PaymentUnknown = "payment_unknown",
        /// The capture failed.
        CaptureFailed = "capture_failed",
        /// A refund failed.
        RefundFailed = "refund_failed",
    }
}

/// A hold: it blocks confirmation and dispatch, and never a cancellation.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Hold {
    /// Identity.
    pub id: HoldId,
    /// Why.
    pub reason: HoldReason,
    /// More about it, for people.
    pub note: String,
    /// Who placed it.
    pub actor: Actor,
    /// Since when.
    pub placed_time: Timestamp,
}
