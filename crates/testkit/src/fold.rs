//! The orders that a log makes, computed in the plainest way: what every read model must agree with.

use std::collections::BTreeMap;

use ordermesh_proto::order::v1::order_event::Payload;
use ordermesh_proto::order::v1::{Order, OrderCreated, OrderEvent, OrderState, order, order_created};

/// All orders of a log, read from its beginning, by id. Panics on an event that no order goes before.
pub fn fold_orders(log: &[OrderEvent]) -> BTreeMap<String, Order> {
    let mut orders = BTreeMap::new();
    for event in log {
        apply(&mut orders, event);
    }
    orders
}

fn apply(orders: &mut BTreeMap<String, Order>, event: &OrderEvent) {
    let Some(payload) = &event.payload else { panic!("event {} has no payload", event.position) };
    if let Payload::OrderCreated(created) = payload {
        orders.insert(event.key.clone(), placed(created, event));
    }
    let order = orders.get_mut(&event.key);
    let order =
        order.unwrap_or_else(|| panic!("event {} is of an order that was not created", event.position));
    match payload {
        Payload::OrderCreated(_) => {}
        Payload::OrderCancellationRequested(requested) => {
            order.set_state(OrderState::Cancelling);
            order.cancel_reason.clone_from(&requested.reason);
            order.amount_due.clone_from(&requested.amount_due);
        }
        Payload::OrderCancelled(cancelled) => {
            order.set_state(OrderState::Cancelled);
            order.cancel_reason.clone_from(&cancelled.reason);
            order.amount_due.clone_from(&cancelled.amount_due);
        }
    }
    order.revision = event.key_revision;
    order.update_time = event.occurred_time;
}

fn placed(created: &OrderCreated, event: &OrderEvent) -> Order {
    let created = created.clone();
    Order {
        order_id: created.order_id,
        order_reference: created.order_reference,
        buyer: created.buyer.map(|buyer| match buyer {
            order_created::Buyer::CustomerId(id) => order::Buyer::CustomerId(id),
            order_created::Buyer::Guest(guest) => order::Buyer::Guest(guest),
        }),
        state: OrderState::Placed.into(),
        lines: created.lines,
        shipping: created.shipping,
        discounts: created.discounts,
        prices_include_tax: created.prices_include_tax,
        totals: created.totals,
        amount_due: created.amount_due,
        billing_account_id: created.billing_account_id,
        placed_time: event.occurred_time,
        update_time: event.occurred_time,
        revision: event.key_revision,
        cancel_reason: String::new(),
        personal_data: created.personal_data,
    }
}

#[cfg(test)]
mod tests {
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
            personal_data: Some(OrderPersonalData {
                contact: Some(contact()),
                ..OrderPersonalData::default()
            }),
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
}
