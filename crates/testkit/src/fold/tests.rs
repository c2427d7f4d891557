//! What a log adds up to, on histories made by hand.

use super::*;
use crate::order::{contact, euro};
use ordermesh_proto::order::v1::{OrderCancellationRequested, OrderCancelled, OrderPersonalData};

fn event(revision: i64, payload: Payload) -> OrderEvent {
    let mut event = OrderEvent { key: "o-1".to_owned(), key_revision: revision, ..OrderEvent::default() };
    event.occurred_time.get_or_insert_default().seconds = revision * 100;
    event.payload = Some(payload);
    event
}

fn history() -> Vec<OrderEvent> {
    let created = OrderCreated {
        order_id: "o-1".to_owned(),
        order_reference: "shop-1".to_owned(),
        buyer: Some(order_created::Buyer::CustomerId("mia".to_owned())),
        amount_due: Some(euro(900)),
        personal_data: Some(OrderPersonalData { contact: Some(contact()), ..OrderPersonalData::default() }),
        ..OrderCreated::default()
    };
    let requested = OrderCancellationRequested {
        reason: "too late".to_owned(),
        amount_due: Some(euro(0)),
        ..OrderCancellationRequested::default()
    };
    let cancelled = OrderCancelled {
        reason: "too late".to_owned(),
        amount_due: Some(euro(0)),
        ..OrderCancelled::default()
    };
    vec![
        event(1, Payload::OrderCreated(created)),
        event(2, Payload::OrderCancellationRequested(requested)),
        event(3, Payload::OrderCancelled(cancelled)),
    ]
}

#[test]
fn an_order_is_what_its_creation_says_with_its_personal_data() {
    let order = &fold_orders(&history()[..1])["o-1"];
    assert_eq!((order.state(), order.revision), (OrderState::Placed, 1));
    assert_eq!(order.buyer, Some(order::Buyer::CustomerId("mia".to_owned())));
    assert_eq!(order.personal_data.as_ref().unwrap().contact, Some(contact()));
    assert_eq!(order.placed_time, order.update_time);
    assert_eq!(order.cancel_reason, "");
}

#[test]
fn each_later_event_changes_what_it_says_and_no_more() {
    let history = history();
    let requested = &fold_orders(&history[..2])["o-1"];
    assert_eq!(requested.state(), OrderState::Cancelling);
    let order = &fold_orders(&history)["o-1"];
    assert_eq!((order.state(), order.revision), (OrderState::Cancelled, 3));
    assert_eq!((order.cancel_reason.as_str(), order.amount_due.clone()), ("too late", Some(euro(0))));
    assert_eq!(order.update_time, history[2].occurred_time);
    assert_eq!(order.placed_time, history[0].occurred_time);
    assert_eq!(order.order_reference, "shop-1");
}

#[test]
#[should_panic(expected = "not created")]
fn an_event_of_an_unknown_order_is_a_fault() {
    fold_orders(&history()[1..]);
}
