//! What a try of an operation has come to, as the worker reports it.

use ordermesh_kernel::Timestamp;

use super::Decline;

/// What a try of an operation has come to.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Report {
    /// The operation's number.
    pub operation: i32,
    /// The round that it was sent in; a report of an earlier one changes nothing.
    pub round: i32,
    /// When it was first sent under its key.
    pub first_sent: Timestamp,
    /// What it has come to.
    pub outcome: Outcome,
}

/// What the provider has told, or that it has not. Amounts are minor units of the payment's currency.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Outcome {
    /// The provider has an id for what is to be authorized, and no money has moved yet.
    Prepared {
        /// The id.
        reference: String,
    },
    /// The money is set aside.
    Authorized {
        /// How much.
        amount: i64,
    },
    /// The customer must do something.
    ActionRequired {
        /// Where.
        url: String,
    },
    /// The provider said no to the means of payment.
    Declined(Decline),
    /// The money is taken.
    Captured {
        /// How much.
        amount: i64,
    },
    /// Nothing is set aside any more.
    Voided,
    /// The money is given back.
    Refunded,
    /// The provider knows of it, and nothing was done.
    NotStarted,
    /// The provider is still at it.
    Pending,
    /// It was sent, and the answer did not come.
    Unknown {
        /// What happened, for people.
        detail: String,
    },
    /// Nothing was done, and it may be another time.
    NotNow {
        /// Why, for people.
        detail: String,
        /// The provider would answer the same for as long as it knows the key.
        key_is_spent: bool,
    },
    /// The provider says that it was not done.
    Failed {
        /// The provider's code.
        code: String,
        /// More about it, for people.
        detail: String,
    },
}
