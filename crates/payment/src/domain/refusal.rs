//! Why payment says no.

use ordermesh_kernel::{Currency, OrderId, Timestamp};

use super::PaymentStatus;

/// Why a command is refused.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum Refusal {
    /// There is no such payment.
    #[error("there is no payment {0}")]
    PaymentNotFound(OrderId),
    /// The operation is not open.
    #[error("the payment {payment} has no open operation {operation}")]
    OperationNotOpen {
        /// The payment.
        payment: OrderId,
        /// The operation's number.
        operation: i32,
    },
    /// A worker has it.
    #[error("the operation {operation} is on its way to the provider just now")]
    OperationRunning {
        /// The operation's number.
        operation: i32,
        /// When another worker may take over.
        until: Timestamp,
    },
    /// It has not failed.
    #[error("the operation {operation} has not failed, and its outcome is not unknown")]
    OperationNotFailed {
        /// The operation's number.
        operation: i32,
    },
    /// Nothing of the attempt has reached the provider.
    #[error("nothing of the operation {operation} has reached the provider yet")]
    AttemptNotStarted {
        /// The operation's number.
        operation: i32,
    },
    /// Nobody waits for the customer.
    #[error("the payment is {}, and does not wait for the customer", status.words())]
    ActionNotRequired {
        /// Where the payment stands.
        status: PaymentStatus,
    },
    /// The customer acts at the provider.
    #[error("the customer acts at the provider, which tells by itself")]
    ActionElsewhere,
    /// The order's money has changed its currency.
    #[error("the order owes {found}, but its payment is in {expected}")]
    MixedCurrencies {
        /// The payment's currency.
        expected: Currency,
        /// The order's.
        found: Currency,
    },
}
