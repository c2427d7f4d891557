//! Cancelling an order: from which state and revision, and what it leaves behind.

use ordermesh_order_command::domain::{Actor, Order, OrderEvent, OrderHead, OrderState, Refusal};

use crate::support::{at, money, place, tea};

fn head(state: OrderState) -> OrderHead {
    let (order, _) = place(tea()).unwrap();
    OrderHead { state, ..order.head }
}

fn cancel(head: &OrderHead, expected_revision: Option<i64>) -> Result<Vec<OrderEvent>, Refusal> {
    head.cancel("changed my mind".to_owned(), expected_revision, Actor::Customer("mia".to_owned()), at(60))
}

#[test]
fn cancelling_asks_and_cancels_in_one_decision_and_nothing_is_owed_after_either() {
    let events = cancel(&head(OrderState::Placed), None).unwrap();
    assert_eq!(events.iter().map(OrderEvent::name).collect::<Vec<_>>(), OrderEvent::NAMES[1..]);
    for (event, revision) in events.iter().zip(2..) {
        let stamp = event.stamp();
        assert_eq!((stamp.order_revision, stamp.amount_due), (revision, money("0.00 EUR")));
        assert_eq!((stamp.actor.to_string().as_str(), stamp.occurred_time), ("customer mia", at(60)));
    }
}

#[test]
fn a_cancelled_order_owes_nothing_and_keeps_its_reason_and_its_terms() {
    let (mut order, mut events) = place(tea()).unwrap();
    let terms = order.terms.clone();
    for event in cancel(&order.head, Some(1)).unwrap() {
        order.apply(&event);
        events.push(event);
    }
    assert_eq!((order.head.state, order.head.revision), (OrderState::Cancelled, 3));
    assert_eq!(order.head.cancel_reason.as_deref(), Some("changed my mind"));
    assert_eq!((order.head.amount_due, order.head.update_time), (money("0.00 EUR"), at(60)));
    assert_eq!((&order.terms, order.placed_time), (&terms, at(0)));
    assert_eq!(Order::fold(&events), Some(order));
}

#[test]
fn between_request_and_cancellation_the_order_is_cancelling() {
    let mut head = head(OrderState::Confirmed);
    let events = cancel(&head, None).unwrap();
    head.apply(&events[0]);
    assert_eq!((head.state, head.revision), (OrderState::Cancelling, 2));
    assert_eq!(cancel(&head, None), Err(Refusal::StateForbids { state: OrderState::Cancelling }));
}

#[test]
fn only_a_placed_or_confirmed_order_can_be_cancelled() {
    for state in OrderState::ALL {
        let outcome = cancel(&head(state), None);
        if matches!(state, OrderState::Placed | OrderState::Confirmed) {
            assert!(outcome.is_ok(), "{state}");
        } else {
            let refusal = outcome.unwrap_err();
            assert_eq!(refusal, Refusal::StateForbids { state });
            assert_eq!(refusal.to_string(), format!("the order is {state}, which does not allow this"));
            assert_eq!(refusal.field(), None);
        }
    }
}

#[test]
fn another_revision_than_the_expected_is_refused_before_the_state_is_looked_at() {
    for state in [OrderState::Placed, OrderState::Cancelled] {
        let refusal = cancel(&head(state), Some(7)).unwrap_err();
        assert_eq!(refusal, Refusal::RevisionMismatch { expected: 7, actual: 1 });
        assert_eq!(refusal.field().as_deref(), Some("expected_revision"));
    }
}

#[test]
fn a_creation_starts_an_order_over() {
    let (order, events) = place(tea()).unwrap();
    let mut other = order.clone();
    for event in cancel(&order.head, None).unwrap().iter().chain(&events) {
        other.apply(event);
    }
    assert_eq!(other, order);
    let mut head = head(OrderState::Expired);
    head.apply(&events[0]);
    assert_eq!(head, order.head);
}

#[test]
fn every_state_is_read_from_its_own_word() {
    for state in OrderState::ALL {
        assert_eq!(OrderState::parse(state.as_str()), Some(state));
    }
    assert_eq!(OrderState::parse("Placed"), None);
}
