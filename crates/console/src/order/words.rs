//! The words of the contract's enums for people: `PLACED` for ORDER_STATE_PLACED.

use ordermesh_proto::order::v1::actor::Kind;
use ordermesh_proto::order::v1::{
    Actor, FulfilmentStatus, HoldReason, OrderState, PaymentStatus, RejectionReason, ReturnCondition,
    ReturnState, ShipmentState, StockStatus, WaitingForWhat,
};

macro_rules! words {
    ($($name:ident: $kind:ident, $prefix:literal;)+) => {$(
        /// The word of a value; the number of one that is newer than this program.
        pub fn $name(number: i32) -> String {
            match $kind::try_from(number) {
                Ok(value) => value.as_str_name().trim_start_matches($prefix).to_owned(),
                Err(_) => newer($prefix, number),
            }
        }
    )+};
}

words! {
    of_state: OrderState, "ORDER_STATE_";
    stock: StockStatus, "STOCK_STATUS_";
    payment: PaymentStatus, "PAYMENT_STATUS_";
    fulfilment: FulfilmentStatus, "FULFILMENT_STATUS_";
    waiting: WaitingForWhat, "WAITING_FOR_WHAT_";
    hold_reason: HoldReason, "HOLD_REASON_";
    rejection: RejectionReason, "REJECTION_REASON_";
    shipment_state: ShipmentState, "SHIPMENT_STATE_";
    return_state: ReturnState, "RETURN_STATE_";
    condition: ReturnCondition, "RETURN_CONDITION_";
}

/// A value that is newer than this program: its number, and what it is a value of.
fn newer(prefix: &str, number: i32) -> String {
    let words: Vec<_> = prefix.trim_end_matches('_').split('_').skip(1).collect();
    format!("{} {number}", words.join(" "))
}

/// A state such as `PLACED`; the number of a state that is newer than this program.
pub fn state(state: i32) -> String {
    of_state(state)
}

/// Who caused something, such as `staff sam`; `-` when nobody is known.
pub fn actor(actor: Option<&Actor>) -> String {
    match actor.and_then(|actor| actor.kind.as_ref()) {
        Some(Kind::Workload(name)) => format!("workload {name}"),
        Some(Kind::Staff(id)) => format!("staff {id}"),
        Some(Kind::Customer(id)) => format!("customer {id}"),
        Some(Kind::Policy(name)) => format!("policy {name}"),
        None => "-".to_owned(),
    }
}

/// Text that people wrote, on one line: a table has a line a row.
pub fn one_line(text: &str) -> String {
    text.split_whitespace().collect::<Vec<_>>().join(" ")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_state_that_is_newer_than_this_program_is_a_number() {
        assert_eq!(state(OrderState::Placed as i32), "PLACED");
        assert_eq!(state(99), "STATE 99");
        assert_eq!((payment(99), waiting(99)), ("STATUS 99".to_owned(), "FOR WHAT 99".to_owned()));
    }
}
