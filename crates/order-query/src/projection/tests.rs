//! The fold and the timeline, on events made by hand.

use ordermesh_proto::common::v1::Money;
use ordermesh_proto::order::v1::{self as wire, OrderPersonalData, OrderState};
use uuid::Uuid;

use super::*;

mod life;

const ID: Uuid = Uuid::from_u128(0x0193_2c07_209c_7f5a_8d3e_4b2a_9c1d_0e6f);

fn euro(minor_units: i64) -> Option<Money> {
    Some(Money { currency_code: "EUR".to_owned(), minor_units })
}

fn event(revision: i64, kind: &str, payload: Payload) -> OrderEvent {
    OrderEvent {
        position: revision + 10,
        event_id: Uuid::from_u128(revision as u128).to_string(),
        r#type: kind.to_owned(),
        key: ID.to_string(),
        key_revision: revision,
        occurred_time: Some(prost_types::Timestamp { seconds: revision * 100, nanos: 5_000 }),
        causation_id: "cart-1".to_owned(),
        payload: Some(payload),
        ..OrderEvent::default()
    }
}

fn personal() -> OrderPersonalData {
    let contact = wire::Contact { email: "mia@example.org".to_owned(), ..Default::default() };
    OrderPersonalData { contact: Some(contact), ..Default::default() }
}

fn created() -> OrderEvent {
    let line = |sku: &str| wire::OrderLine { sku: sku.to_owned(), quantity: 1, ..Default::default() };
    let created = wire::OrderCreated {
        order_id: ID.to_string(),
        order_reference: "shop-1".to_owned(),
        buyer: Some(wire::order_created::Buyer::CustomerId("mia".to_owned())),
        payment_method_token: "tok_secret".to_owned(),
        lines: vec![line("TEA"), line("CUP"), line("TEA")],
        totals: Some(wire::OrderTotals { total: euro(1300), ..Default::default() }),
        amount_due: euro(1300),
        order_revision: 1,
        actor: Some(workload("shop")),
        personal_data: Some(personal()),
        ..Default::default()
    };
    event(1, "OrderCreated", Payload::OrderCreated(created))
}

fn workload(name: &str) -> wire::Actor {
    wire::Actor { kind: Some(wire::actor::Kind::Workload(name.to_owned())) }
}

fn requested(reason: &str) -> OrderEvent {
    let payload = wire::OrderCancellationRequested {
        reason: reason.to_owned(),
        amount_due: euro(0),
        ..Default::default()
    };
    event(2, "OrderCancellationRequested", Payload::OrderCancellationRequested(payload))
}

fn cancelled(reason: &str) -> OrderEvent {
    let payload =
        wire::OrderCancelled { reason: reason.to_owned(), amount_due: euro(0), ..Default::default() };
    event(3, "OrderCancelled", Payload::OrderCancelled(payload))
}

fn fold(events: &[OrderEvent]) -> OrderView {
    let after = |view, event: &OrderEvent| OrderView::after(view, event).map(Some);
    events.iter().try_fold(None, after).unwrap().unwrap()
}

fn summary(events: &[OrderEvent]) -> String {
    TimelineEntry::of(ID, events.last().unwrap(), &fold(events)).unwrap().summary
}

#[test]
fn a_created_order_is_what_its_event_says_with_the_personal_data_apart() {
    let view = fold(&[created()]);
    let order = &view.order;
    assert_eq!((order.order_id.as_str(), order.order_reference.as_str()), (&*ID.to_string(), "shop-1"));
    assert_eq!((order.state(), order.revision), (OrderState::Placed, 1));
    assert_eq!(order.buyer, Some(wire::order::Buyer::CustomerId("mia".to_owned())));
    assert_eq!((order.placed_time, order.update_time), (created().occurred_time, created().occurred_time));
    assert_eq!((order.amount_due.clone(), order.cancel_reason.as_str()), (euro(1300), ""));
    assert_eq!((&order.personal_data, &view.personal), (&None, &Some(personal())));
    assert_eq!(view.skus().into_iter().collect::<Vec<_>>(), ["CUP", "TEA"]);
    assert_eq!(view.into_wire().personal_data, Some(personal()));
}

#[test]
fn a_cancellation_changes_state_reason_debt_and_time_and_nothing_else() {
    let view = fold(&[created(), requested("too late")]);
    assert_eq!((view.order.state(), view.order.revision), (OrderState::Cancelling, 2));
    let order = fold(&[created(), requested("too late"), cancelled("too late")]).order;
    let mut expected = fold(&[created()]).order;
    expected.set_state(OrderState::Cancelled);
    expected.status.as_mut().unwrap().set_state(OrderState::Cancelled);
    expected.revision = 3;
    expected.amount_due = euro(0);
    expected.cancel_reason = "too late".to_owned();
    expected.update_time = cancelled("").occurred_time;
    assert_eq!(order, expected);
}

#[test]
fn an_event_that_makes_no_sense_is_refused() {
    let placed = || Some(fold(&[created()]));
    let unknown = OrderEvent { payload: None, r#type: "OrderPainted".to_owned(), ..requested("") };
    assert!(OrderView::after(placed(), &unknown).unwrap_err().contains("OrderPainted"));
    assert!(OrderView::after(placed(), &cancelled("")).unwrap_err().contains("revision 3"));
    assert!(OrderView::after(None, &requested("")).unwrap_err().contains("revision 2"));
    let orphan = OrderEvent { key_revision: 1, ..requested("") };
    assert_eq!(OrderView::after(None, &orphan).unwrap_err(), "the order was not created");
    assert!(OrderView::after(placed(), &created()).unwrap_err().contains("revision 1"));
    let again = OrderEvent { key_revision: 2, ..created() };
    assert_eq!(OrderView::after(placed(), &again).unwrap_err(), "the order was created before");
    let timeless = OrderEvent { occurred_time: None, ..created() };
    assert!(TimelineEntry::of(ID, &timeless, &fold(&[created()])).unwrap_err().contains("occurred_time"));
}

#[test]
fn an_entry_tells_what_happened_when_and_by_whom() {
    let entry = TimelineEntry::of(ID, &created(), &fold(&[created()])).unwrap();
    assert_eq!((entry.revision, entry.position, entry.kind.as_str()), (1, 11, "OrderCreated"));
    assert_eq!((entry.occurred_micros, entry.causation_id.as_str()), (100_000_005, "cart-1"));
    assert_eq!((entry.actor, entry.state), (Some(workload("shop")), OrderState::Placed));
}

#[test]
fn a_summary_is_one_line_with_the_callers_reason_and_no_personal_data_of_the_order() {
    assert_eq!(summary(&[created()]), "placed: 3 lines, 13.00 EUR");
    assert_eq!(summary(&[created(), requested("")]), "cancellation requested");
    let events = [created(), requested("x"), cancelled(" too\r\nlate\u{7} ")];
    assert_eq!(summary(&events), "cancelled: too late");
    assert!(!summary(&[created()]).contains("mia"));
}
