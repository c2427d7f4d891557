//! Facts and times to start from.

use std::time::Duration;

use ordermesh_kernel::{Currency, Money, OrderId, PaymentMethodToken, Timestamp};
use ordermesh_payment::domain::{OrderFact, OrderFactKind, Outcome, Payment, PaymentEvent, Report, Terms};
use uuid::Uuid;

pub const TERMS: Terms = Terms {
    first_wait: Duration::from_secs(1),
    longest_wait: Duration::from_secs(60),
    action_wait: Duration::from_secs(300),
    key_lifetime: Duration::from_secs(24 * 3600),
};

pub fn at(second: i64) -> Timestamp {
    Timestamp::from_second(1_800_000_000 + second).unwrap()
}

pub fn euro(minor: i64) -> Money {
    Money::new(minor, Currency::parse("EUR").unwrap())
}

pub fn token(text: &str) -> PaymentMethodToken {
    PaymentMethodToken::parse(text).unwrap()
}

pub fn order_id() -> OrderId {
    OrderId::from(Uuid::from_u128(7))
}

pub fn fact(order_revision: i64, due: i64, kind: OrderFactKind) -> OrderFact {
    OrderFact {
        order_id: order_id(),
        order_revision,
        amount_due: euro(due),
        correlation_id: "cart-1".to_owned(),
        kind,
    }
}

pub fn created(due: i64) -> OrderFact {
    fact(1, due, OrderFactKind::Created { token: Some(token("tok_approve")) })
}

/// A payment that has heard of these facts, and what it has published.
pub fn payment(facts: &[OrderFact]) -> (Payment, Vec<PaymentEvent>) {
    let mut payment = Payment::begin(&facts[0], at(0)).unwrap();
    let events = facts.iter().flat_map(|fact| payment.observe(fact, &TERMS, at(0)).unwrap()).collect();
    (payment, events)
}

/// The provider's answer to the open operation.
pub fn answer(payment: &mut Payment, outcome: Outcome) -> Vec<PaymentEvent> {
    answer_at(payment, outcome, 0)
}

pub fn answer_at(payment: &mut Payment, outcome: Outcome, second: i64) -> Vec<PaymentEvent> {
    let operation = payment.operation.as_ref().expect("an operation is open");
    let (number, round) = (operation.number, operation.round);
    let first_sent = operation.first_sent.unwrap_or(at(second));
    let report = Report { operation: number, round, first_sent, outcome };
    payment.record(&report, &TERMS, at(second))
}

pub fn names(events: &[PaymentEvent]) -> Vec<&'static str> {
    events.iter().map(|event| event.what.name()).collect()
}
