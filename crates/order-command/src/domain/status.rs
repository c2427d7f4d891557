//! Where an order stands: its state, and the facets beside it.

use ordermesh_kernel::{Money, word_enum};

use super::Waiting;

word_enum! {
    /// Where an order stands in its life.
    pub enum OrderState {
        /// Accepted; stock and payment are under way.
        Placed = "placed",
        /// Stock is reserved and payment authorized.
        Confirmed = "confirmed",
        /// Every line is delivered, lost or cancelled and the money is at rest. Final.
        Completed = "completed",
        /// Not accepted by stock or payment. Final.
        Rejected = "rejected",
        /// The payment deadline passed. Final.
        Expired = "expired",
        /// Cancellation was asked for; stock and money are on their way back.
        Cancelling = "cancelling",
        /// Cancelled. Final.
        Cancelled = "cancelled",
    }

    /// What the order knows of its stock.
    pub enum StockStatus {
        /// Inventory has not answered.
        Pending = "pending",
        /// Every piece is reserved.
        Reserved = "reserved",
        /// The order is confirmed: the reservation is for good.
        Committed = "committed",
        /// There was not enough; nothing is reserved.
        Rejected = "rejected",
        /// Nothing is reserved any more.
        Released = "released",
        /// Reserved pieces were lost; their lines are cancelled, the others are reserved.
        Shortfall = "shortfall",
    }

    /// What the order knows of its payment.
    pub enum PaymentStatus {
        /// Nothing is owed from the start.
        NotRequired = "not_required",
        /// Payment has not answered.
        Pending = "pending",
        /// The customer must do something.
        ActionRequired = "action_required",
        /// The money is set aside.
        Authorized = "authorized",
        /// Less than what is owed was captured.
        PartlyCaptured = "partly_captured",
        /// What is owed was captured.
        Captured = "captured",
        /// The last attempt was declined.
        Declined = "declined",
        /// The authorization was given up; nothing was captured.
        Voided = "voided",
        /// The provider's answer is not known.
        Unknown = "unknown",
        /// A part of what was captured was given back.
        PartlyRefunded = "partly_refunded",
        /// All that was captured was given back.
        Refunded = "refunded",
    }

    /// How far the goods are.
    pub enum FulfilmentStatus {
        /// Nothing was dispatched.
        None = "none",
        /// Some pieces were dispatched.
        Partial = "partial",
        /// Every piece that is not cancelled was dispatched.
        Full = "full",
    }
}

impl OrderState {
    /// Whether an order that stands here is still wanted.
    pub const fn is_open(self) -> bool {
        matches!(self, Self::Placed | Self::Confirmed)
    }

    /// Whether no order ever leaves this state.
    pub const fn is_final(self) -> bool {
        !matches!(self, Self::Placed | Self::Confirmed | Self::Cancelling)
    }
}

impl StockStatus {
    /// Whether nothing is reserved and nothing will be.
    pub const fn is_at_rest(self) -> bool {
        matches!(self, Self::Rejected | Self::Released)
    }

    /// Whether what is left of the order is reserved.
    pub const fn is_reserved(self) -> bool {
        matches!(self, Self::Reserved | Self::Committed | Self::Shortfall)
    }
}

impl PaymentStatus {
    /// Whether no money is held and none will be.
    pub const fn is_at_rest(self) -> bool {
        matches!(self, Self::NotRequired | Self::Declined | Self::Voided | Self::Refunded)
    }

    /// Whether another attempt may be made.
    pub const fn allows_retry(self) -> bool {
        matches!(self, Self::Declined | Self::Voided)
    }
}

/// What payment has told of the money, each a sum over the life of the order.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct PaymentAmounts {
    /// What is set aside.
    pub authorized: Money,
    /// What was captured.
    pub captured: Money,
    /// What was given back.
    pub refunded: Money,
}

impl PaymentAmounts {
    /// Nothing yet, in the currency of `like`.
    pub const fn none(like: Money) -> Self {
        let zero = Money::zero(like.currency());
        Self { authorized: zero, captured: zero, refunded: zero }
    }

    /// What was captured and not given back, in minor units.
    pub const fn kept(&self) -> i64 {
        // Payment never gives back more than it captured.
        self.captured.minor_units().saturating_sub(self.refunded.minor_units())
    }
}

/// Where an order stands after an event, in all its facets.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Status {
    /// The state.
    pub state: OrderState,
    /// The stock.
    pub stock: StockStatus,
    /// The payment.
    pub payment: PaymentStatus,
    /// The goods.
    pub fulfilment: FulfilmentStatus,
    /// What it waits for; empty only when nothing more happens by itself.
    pub waiting_for: Vec<Waiting>,
    /// The money.
    pub amounts: PaymentAmounts,
}
