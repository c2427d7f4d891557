//! The facts that payment publishes.

use ordermesh_kernel::{Money, OrderId, Timestamp};

use super::Decline;

/// Something that happened to a payment.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct PaymentEvent {
    /// What every event says.
    pub stamp: Stamp,
    /// What happened.
    pub what: What,
}

/// What every event of a payment says.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Stamp {
    /// The payment: the order's id.
    pub payment_id: OrderId,
    /// Number of the event among those of its payment, from 1 on.
    pub revision: i64,
    /// Number of the attempt; 0 when there is none.
    pub attempt: i32,
    /// The money after it.
    pub amounts: Amounts,
    /// The order's revision that payment has steered for.
    pub order_revision: i64,
    /// When it happened.
    pub occurred_time: Timestamp,
}

/// What has become of the money.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Amounts {
    /// What is set aside, or was until it was captured.
    pub authorized: Money,
    /// What was captured.
    pub captured: Money,
    /// What was given back of it.
    pub refunded: Money,
}

/// What happened.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum What {
    /// The money is set aside.
    Authorized,
    /// The customer must do something.
    ActionRequired {
        /// Where.
        url: String,
    },
    /// An attempt was declined.
    Declined(Decline),
    /// The provider's answer to an authorization is not known.
    OutcomeUnknown {
        /// What happened, for people.
        detail: String,
    },
    /// Money was captured.
    Captured {
        /// How much now.
        amount: Money,
    },
    /// A capture failed.
    CaptureFailed {
        /// The provider's code, or one of ours.
        code: String,
        /// More about it, for people.
        detail: String,
    },
    /// The authorization was given up.
    Voided {
        /// There was nothing to give up.
        nothing_to_void: bool,
    },
    /// Money was given back.
    Refunded {
        /// How much now.
        amount: Money,
    },
    /// A refund failed.
    RefundFailed {
        /// The provider's code, or one of ours.
        code: String,
        /// More about it, for people.
        detail: String,
    },
}

impl What {
    /// The event's name in the feed.
    pub const fn name(&self) -> &'static str {
        match self {
            Self::Authorized => "PaymentAuthorized",
            Self::ActionRequired { .. } => "PaymentActionRequired",
            Self::Declined(_) => "PaymentDeclined",
            Self::OutcomeUnknown { .. } => "PaymentOutcomeUnknown",
            Self::Captured { .. } => "PaymentCaptured",
            Self::CaptureFailed { .. } => "PaymentCaptureFailed",
            Self::Voided { .. } => "PaymentVoided",
            Self::Refunded { .. } => "PaymentRefunded",
            Self::RefundFailed { .. } => "RefundFailed",
        }
    }
}
