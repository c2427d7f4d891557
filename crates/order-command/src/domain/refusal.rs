//! Why order says no: a decision refused by a rule of the business, never a failure of the machine.

use std::fmt;

use ordermesh_kernel::{Currency, Money};

use super::{MAX_DISCOUNTS, MAX_LINES, OrderState};

/// Why a command is refused.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
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
            Self::StateForbids { .. } => return None,
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
            Self::StateForbids { .. } => return None,
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
        }
    }
}
