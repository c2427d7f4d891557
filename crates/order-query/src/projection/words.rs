//! The words of the contract's enums in rows, filters and summaries: PLACED for ORDER_STATE_PLACED.

use ordermesh_proto::order::v1::{
    FulfilmentStatus, HoldReason, LinesCancelReason, OrderState, PaymentStatus, RejectionReason, StockStatus,
    WaitingForWhat,
};

/// An enum of the contract whose values have words.
pub trait Word: TryFrom<i32> + Copy + 'static {
    /// What every name of it begins with in the contract.
    const PREFIX: &'static str;

    /// The value's name in the contract.
    fn name(self) -> &'static str;
}

macro_rules! words {
    ($($kind:ident: $prefix:literal),+ $(,)?) => {$(
        impl Word for $kind {
            const PREFIX: &'static str = $prefix;

            fn name(self) -> &'static str {
                self.as_str_name()
            }
        }
    )+};
}

words! {
    OrderState: "ORDER_STATE_",
    StockStatus: "STOCK_STATUS_",
    PaymentStatus: "PAYMENT_STATUS_",
    FulfilmentStatus: "FULFILMENT_STATUS_",
    WaitingForWhat: "WAITING_FOR_WHAT_",
    HoldReason: "HOLD_REASON_",
    RejectionReason: "REJECTION_REASON_",
    LinesCancelReason: "LINES_CANCEL_REASON_",
}

/// The word of a value.
pub fn word<W: Word>(value: W) -> &'static str {
    let name = value.name();
    name.strip_prefix(W::PREFIX).unwrap_or(name)
}

/// The value of a word, with or without the contract's prefix.
pub fn of_word<W: Word>(text: &str) -> Option<W> {
    let text = text.strip_prefix(W::PREFIX).unwrap_or(text);
    all().find(|value| word(*value) == text)
}

/// All values that have a meaning: not the one that stands for none.
pub fn all<W: Word>() -> impl Iterator<Item = W> {
    (1..).map_while(|number| W::try_from(number).ok())
}

/// The word of a value within a sentence: `out of stock`.
pub fn in_words<W: Word>(value: W) -> String {
    word(value).to_lowercase().replace('_', " ")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[track_caller]
    fn check<W: Word + PartialEq + std::fmt::Debug>(count: usize) {
        assert_eq!(all::<W>().count(), count);
        for value in all::<W>() {
            assert_eq!(of_word(word(value)), Some(value));
            assert_eq!(of_word(value.name()), Some(value));
            assert!(!word(value).starts_with(W::PREFIX) && value.name().starts_with(W::PREFIX));
        }
        assert_eq!(of_word::<W>("UNSPECIFIED"), None);
    }

    #[test]
    fn every_value_has_a_word_and_every_word_its_value() {
        check::<OrderState>(7);
        check::<StockStatus>(6);
        check::<PaymentStatus>(11);
        check::<FulfilmentStatus>(3);
        check::<WaitingForWhat>(10);
        check::<HoldReason>(4);
        check::<RejectionReason>(2);
        check::<LinesCancelReason>(2);
        assert_eq!(in_words(RejectionReason::OutOfStock), "out of stock");
    }
}
