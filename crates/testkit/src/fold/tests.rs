//! What a log adds up to, on histories made by hand.

use super::*;
use crate::order::{contact, euro};
use ordermesh_proto::order::v1::{
    OrderCancellationRequested, OrderCancelled, OrderHold, OrderHoldPlaced, OrderHoldReleased, OrderLine,
    OrderLinesCancelled, OrderPersonalData, Shipment, ShipmentDelivered, ShipmentDispatched, ShipmentState,
    order, order_created,
};

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

fn confirmed() -> Option<OrderStatus> {
    Some(OrderStatus { state: OrderState::Confirmed.into(), ..OrderStatus::default() })
}

#[test]
fn events_of_the_first_version_say_by_themselves_where_the_order_stands() {
    let status = fold_orders(&history())["o-1"].status.clone().unwrap();
    assert_eq!((status.state(), status.stock()), (OrderState::Cancelled, StockStatus::Pending));
    assert_eq!((status.payment(), status.fulfilment()), (PaymentStatus::Pending, FulfilmentStatus::None));
}

#[test]
fn a_status_is_copied_and_progress_is_replaced_line_by_line() {
    let mut history = history();
    let Some(Payload::OrderCreated(created)) = &mut history[0].payload else { panic!("it is a creation") };
    created.lines = [1, 2].map(|line_id| OrderLine { line_id, quantity: 3, ..OrderLine::default() }).to_vec();
    let entry = LineProgress { line_id: 2, ordered: 3, cancelled: 1, ..LineProgress::default() };
    let lines = OrderLinesCancelled {
        status: confirmed(),
        progress: vec![entry.clone()],
        ..OrderLinesCancelled::default()
    };
    let order = fold_orders(&[history[0].clone(), event(2, Payload::OrderLinesCancelled(lines))])
        .remove("o-1")
        .unwrap();
    assert_eq!((order.state(), order.status), (OrderState::Confirmed, confirmed()));
    assert_eq!(order.progress, [LineProgress { line_id: 1, ordered: 3, ..LineProgress::default() }, entry]);
}

#[test]
fn parts_are_known_by_their_ids() {
    let shipment = |id: &str, state: ShipmentState| {
        Some(Shipment { shipment_id: id.to_owned(), state: state.into(), ..Shipment::default() })
    };
    let dispatched = |id| {
        let shipment = shipment(id, ShipmentState::Dispatched);
        Payload::ShipmentDispatched(ShipmentDispatched {
            status: confirmed(),
            shipment,
            ..Default::default()
        })
    };
    let hold = || Some(OrderHold { hold_id: "h-1".to_owned(), ..OrderHold::default() });
    let delivered = ShipmentDelivered {
        status: confirmed(),
        shipment: shipment("s-1", ShipmentState::Delivered),
        ..Default::default()
    };
    let placed = OrderHoldPlaced { status: confirmed(), hold: hold(), ..Default::default() };
    let released = OrderHoldReleased { status: confirmed(), hold: hold(), ..Default::default() };
    let log = [
        history()[0].clone(),
        event(2, dispatched("s-1")),
        event(3, dispatched("s-2")),
        event(4, Payload::ShipmentDelivered(delivered)),
        event(5, Payload::OrderHoldPlaced(placed)),
        event(6, Payload::OrderHoldReleased(released)),
    ];
    assert_eq!(fold_orders(&log[..5])["o-1"].holds.len(), 1);
    let order = &fold_orders(&log)["o-1"];
    let shipments: Vec<_> = order.shipments.iter().map(|it| (it.shipment_id.as_str(), it.state())).collect();
    assert_eq!(shipments, [("s-1", ShipmentState::Delivered), ("s-2", ShipmentState::Dispatched)]);
    assert_eq!(order.holds, []);
}
