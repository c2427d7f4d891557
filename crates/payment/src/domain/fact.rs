//! What orders tell, in payment's own words.

use ordermesh_kernel::{Money, OrderId, PaymentMethodToken};

/// What an event of an order means to its payment.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct OrderFact {
    /// The order.
    pub order_id: OrderId,
    /// The order's revision; facts that are not newer than the known one change nothing.
    pub order_revision: i64,
    /// What the customer owes by now.
    pub amount_due: Money,
    /// Shared by all that follows from the outside request behind it.
    pub correlation_id: String,
    /// What happened.
    pub kind: OrderFactKind,
}

/// What happened to an order.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum OrderFactKind {
    /// It was placed.
    Created {
        /// The means of payment, if the shop has sent one.
        token: Option<PaymentMethodToken>,
    },
    /// Another means of payment is to be tried.
    RetryRequested {
        /// The means of payment.
        token: PaymentMethodToken,
        /// The number that the attempt shall have.
        attempt: i32,
    },
    /// It will be fulfilled: the money may be taken.
    Confirmed,
    /// It will not be fulfilled: all money goes back.
    Ended,
    /// Something else; only what is owed counts.
    Changed,
}
