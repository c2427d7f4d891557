//! Why order says no: a decision refused by a rule of the business, never a failure of the machine.

use std::fmt;

use ordermesh_kernel::{Currency, HoldId, Money, ReturnId, ShipmentId, word_enum};

use super::{LineQuantity, MAX_DISCOUNTS, MAX_LINES, OrderState, PaymentStatus, ReturnState, ShipmentState};

word_enum! {
    /// What an order has several of.
    pub enum Part {
        /// Holds in force.
        Holds = "holds",
        /// Notes.
        Notes = "notes",
        /// Shipments.
        Shipments = "shipments",
        /// Returns.
        Returns = "returns",
    }
}

/// Why a command is refused.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum Refusal {
    /// Nothing is bought.
    #[error("an order has at least one line")]
    NoLines,
    /// More lines than an order may have.
    #[error("an order has at most {MAX_LINES} lines, not {count}")]
    TooManyLines {
        /// How many there were.
        count: usize,
    },
    /// More discounts than an order may have.
    #[error("an order has at most {MAX_DISCOUNTS} discounts, not {count}")]
    TooManyDiscounts {
        /// How many there were.
        count: usize,
    },
    /// An amount is in another currency than the order.
    #[error("{field} is in {found}, but the order is in {expected}, the currency of its first line")]
    MixedCurrencies {
        /// Where.
        field: Field,
        /// The order's currency.
        expected: Currency,
        /// The amount's currency.
        found: Currency,
    },
    /// A price or charge is less than nothing.
    #[error("{field} is negative")]
    NegativeAmount {
        /// Where.
        field: Field,
    },
    /// A discount takes nothing off.
    #[error("{field} is not more than zero")]
    DiscountNotPositive {
        /// Where.
        field: Field,
    },
    /// A sum is larger than money can be counted.
    #[error("with {field}, an amount of the order gets larger than money can be counted")]
    AmountOverflow {
        /// Where the sum got too large.
        field: Field,
    },
    /// The discounts exceed the price of the goods.
    #[error("the discounts of {discount} exceed the goods of {goods}")]
    DiscountExceedsGoods {
        /// Sum of the discounts.
        discount: Money,
        /// Sum of the lines' amounts.
        goods: Money,
    },
    /// The caller showed the customer another total.
    #[error("the total is {computed}, not the expected {expected}")]
    TotalMismatch {
        /// What the caller expected.
        expected: Money,
        /// What the order costs.
        computed: Money,
    },
    /// The order has changed since the caller looked.
    #[error("the order has revision {actual}, not the expected {expected}")]
    RevisionMismatch {
        /// What the caller expected.
        expected: i64,
        /// What it is.
        actual: i64,
    },
    /// The order's state does not allow it.
    #[error("the order is {state}, which does not allow this")]
    StateForbids {
        /// The order's state.
        state: OrderState,
    },
    /// Pieces have left already, so that the order cannot be cancelled as a whole.
    #[error("pieces of the order have left, so that only what has not may be cancelled: {}", shown(.cancellable))]
    PartlyShipped {
        /// What may still be cancelled.
        cancellable: Vec<LineQuantity>,
    },
    /// The order is held.
    #[error("the order is held")]
    Held {
        /// The holds in force.
        holds: Vec<HoldId>,
    },
    /// What is owed was not captured yet.
    #[error("the payment is {}: what is owed is not captured yet", words(*.payment))]
    NotCaptured {
        /// Where the payment stands.
        payment: PaymentStatus,
    },
    /// No other attempt at the payment may be made now.
    #[error("the payment is {}, which allows no other attempt", words(*.payment))]
    NotRetryable {
        /// Where the payment stands.
        payment: PaymentStatus,
    },
    /// There is no such line.
    #[error("the order has no line {line_id}")]
    LineNotFound {
        /// The line asked for.
        line_id: i32,
    },
    /// More pieces than there are for this.
    #[error("line {line_id} has {left} left for this, not {wanted}")]
    QuantityExceeded {
        /// The line.
        line_id: i32,
        /// How many pieces were wanted.
        wanted: i32,
        /// How many there are.
        left: i32,
    },
    /// There is no such hold in force.
    #[error("the order has no hold {id}")]
    HoldNotFound {
        /// The hold asked for.
        id: HoldId,
    },
    /// There is no such shipment.
    #[error("the order has no shipment {id}")]
    ShipmentNotFound {
        /// The shipment asked for.
        id: ShipmentId,
    },
    /// The shipment has come to its end.
    #[error("the shipment is {state} already")]
    ShipmentEnded {
        /// Where it stands.
        state: ShipmentState,
    },
    /// There is no such return.
    #[error("the order has no return {id}")]
    ReturnNotFound {
        /// The return asked for.
        id: ReturnId,
    },
    /// The return's state does not allow it.
    #[error("the return is {state}, which does not allow this")]
    ReturnStateForbids {
        /// Where it stands.
        state: ReturnState,
    },
    /// The order has as many of these as an order may have.
    #[error("the order has {most} {part} already, the most that an order may have")]
    TooManyParts {
        /// Of what.
        part: Part,
        /// How many it may have.
        most: usize,
    },
}

/// A payment's status in a sentence: `action required`.
fn words(payment: PaymentStatus) -> String {
    payment.as_str().replace('_', " ")
}

/// Lines and pieces as a person reads them: `2 of line 1, 1 of line 3`.
fn shown(lines: &[LineQuantity]) -> String {
    let shown: Vec<_> =
        lines.iter().map(|line| format!("{} of line {}", line.quantity, line.line_id)).collect();
    if shown.is_empty() { "nothing".to_owned() } else { shown.join(", ") }
}

impl Refusal {
    /// Path of the request's field that is at fault, such as `lines[3].unit_price`; none when it is not the
    /// request but the order that stands against it.
    pub fn field(&self) -> Option<String> {
        let field = match self {
            Self::NoLines | Self::TooManyLines { .. } => Field::Lines,
            Self::TooManyDiscounts { .. } | Self::DiscountExceedsGoods { .. } => Field::Discounts,
            Self::MixedCurrencies { field, .. }
            | Self::NegativeAmount { field }
            | Self::DiscountNotPositive { field }
            | Self::AmountOverflow { field } => *field,
            Self::TotalMismatch { .. } => Field::ExpectedTotal,
            Self::RevisionMismatch { .. } => Field::ExpectedRevision,
            // What stands against it is the order.
            _ => return None,
        };
        Some(field.to_string())
    }

    /// The rule that the field breaks, to be read after its path: `must be in EUR`. None when there is no field.
    pub fn rule(&self) -> Option<String> {
        Some(match self {
            Self::NoLines => "must have at least one entry".to_owned(),
            Self::TooManyLines { count } => format!("must have at most {MAX_LINES} entries, not {count}"),
            Self::TooManyDiscounts { count } => {
                format!("must have at most {MAX_DISCOUNTS} entries, not {count}")
            }
            Self::MixedCurrencies { expected, .. } => format!("must be in {expected}"),
            Self::NegativeAmount { .. } => "must not be negative".to_owned(),
            Self::DiscountNotPositive { .. } => "must be more than zero".to_owned(),
            Self::AmountOverflow { .. } => "makes an amount larger than money can be counted".to_owned(),
            Self::DiscountExceedsGoods { goods, .. } => format!("must not exceed the goods of {goods}"),
            Self::TotalMismatch { computed, .. } => format!("is not the computed total {computed}"),
            Self::RevisionMismatch { .. } => "is not the revision of the order".to_owned(),
            _ => return None,
        })
    }
}

/// A field of a request, shown as its path with indices from 0 on.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Field {
    /// All lines.
    Lines,
    /// The unit price of the line with this index.
    UnitPrice(usize),
    /// The shipping charge.
    Shipping,
    /// All discounts.
    Discounts,
    /// The amount of the discount with this index.
    Discount(usize),
    /// The total that the caller expects.
    ExpectedTotal,
    /// The revision that the caller expects.
    ExpectedRevision,
    /// The amounts that payment tells.
    Amounts,
}

impl fmt::Display for Field {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Lines => formatter.write_str("lines"),
            Self::UnitPrice(index) => write!(formatter, "lines[{index}].unit_price"),
            Self::Shipping => formatter.write_str("shipping.amount"),
            Self::Discounts => formatter.write_str("discounts"),
            Self::Discount(index) => write!(formatter, "discounts[{index}].amount"),
            Self::ExpectedTotal => formatter.write_str("expected_total"),
            Self::ExpectedRevision => formatter.write_str("expected_revision"),
            Self::Amounts => formatter.write_str("amounts"),
        }
    }
}
