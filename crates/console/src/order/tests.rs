//! An order in the middle of its life, for people.

use ordermesh_proto::common::v1::Money;
use ordermesh_proto::order::v1 as wire;
use prost_types::Timestamp;
use wire::{
    FulfilmentStatus, HoldReason, OrderState, PaymentStatus, ReturnCondition, ReturnState, ShipmentState,
    StockStatus, WaitingForWhat,
};

use super::*;

const ID: &str = "0190a5c0-0000-7000-8000-000000000000";

fn at(seconds: i64) -> Option<Timestamp> {
    Some(Timestamp { seconds, nanos: 0 })
}

fn euro(minor_units: i64) -> Option<Money> {
    Some(Money { currency_code: "EUR".to_owned(), minor_units })
}

fn sam() -> Option<wire::Actor> {
    Some(wire::Actor { kind: Some(wire::actor::Kind::Staff("sam".to_owned())) })
}

fn waiting(what: WaitingForWhat) -> wire::WaitingFor {
    wire::WaitingFor { what: what.into(), since: at(60), deadline: None }
}

fn shipped() -> Order {
    let status = wire::OrderStatus {
        state: OrderState::Confirmed.into(),
        stock: StockStatus::Committed.into(),
        payment: PaymentStatus::Captured.into(),
        fulfilment: FulfilmentStatus::Partial.into(),
        waiting_for: vec![waiting(WaitingForWhat::Hold), waiting(WaitingForWhat::Dispatch)],
        captured: euro(900),
        refunded: euro(0),
        ..Default::default()
    };
    let line = |line_id, sku: &str| wire::OrderLine {
        line_id,
        sku: sku.to_owned(),
        quantity: 3,
        ..Default::default()
    };
    Order {
        order_id: ID.to_owned(),
        order_reference: "A-1".to_owned(),
        state: OrderState::Confirmed.into(),
        status: Some(status),
        lines: vec![line(1, "TEA"), line(2, "CUP")],
        progress: vec![wire::LineProgress { line_id: 1, cancelled: 1, shipped: 2, ..Default::default() }],
        amount_due: euro(900),
        ..Order::default()
    }
}

fn with_parts() -> Order {
    let lines = vec![wire::LineQuantity { line_id: 1, quantity: 2 }];
    let hold = wire::OrderHold {
        hold_id: "h-1".to_owned(),
        reason: HoldReason::Manual.into(),
        note: "looks\nodd".to_owned(),
        actor: sam(),
        placed_time: at(0),
    };
    let shipment = wire::Shipment {
        shipment_id: "s-1".to_owned(),
        lines: lines.clone(),
        carrier: "Post".to_owned(),
        tracking_number: "99.1".to_owned(),
        state: ShipmentState::Dispatched.into(),
        dispatched_time: at(0),
        ended_time: None,
    };
    let accepted =
        wire::ReceivedLine { line_id: 1, accepted_quantity: 1, condition: ReturnCondition::Damaged.into() };
    let sent_back = wire::OrderReturn {
        return_id: "r-1".to_owned(),
        lines,
        reason: "too bitter".to_owned(),
        state: ReturnState::Received.into(),
        received: vec![accepted],
        requested_time: at(0),
        ..Default::default()
    };
    let note = |note_id: &str, text: Option<&str>| wire::OrderNote {
        note_id: note_id.to_owned(),
        personal_data: text.map(|text| wire::OrderNoteText { text: text.to_owned() }),
        actor: sam(),
        added_time: at(0),
    };
    Order {
        holds: vec![hold],
        shipments: vec![shipment],
        returns: vec![sent_back],
        notes: vec![note("n-1", Some("call Mia")), note("n-2", None)],
        ..shipped()
    }
}

/// The line that begins with a word, its columns a space apart.
fn line(text: &str, first: &str) -> String {
    let line = text.lines().find(|line| line.starts_with(first)).unwrap_or_else(|| panic!("{first}: {text}"));
    line.split_whitespace().collect::<Vec<_>>().join(" ")
}

#[test]
fn an_order_shows_where_it_stands_in_all_facets_and_what_it_waits_for() {
    let shown = order(&shipped(), Personal::Masked);
    for expected in ["state CONFIRMED", "stock COMMITTED", "payment CAPTURED", "fulfilment PARTIAL"] {
        assert_eq!(line(&shown, &format!("{} ", expected.split(' ').next().unwrap())), expected);
    }
    let waits = "waiting for HOLD, somebody who releases the hold, since 1970-01-01T00:01:00.000Z";
    assert_eq!(line(&shown, "waiting for"), waits);
    assert_eq!(shown.matches("waiting for").count(), 2);
    assert_eq!(line(&shown, "captured"), "captured 9.00 EUR");
    assert!(!shown.contains("refunded") && !shown.contains("authorized"), "{shown}");
    assert!(line(&shown, "1 ").starts_with("1 TEA 3 1 cancelled, 2 shipped"), "{shown}");
    assert!(line(&shown, "2 ").starts_with("2 CUP 3 - "), "{shown}");
    for table in ["SHIPMENT", "HOLD ", "RETURN", "NOTE"] {
        assert!(!shown.contains(table), "{shown}");
    }
}

#[test]
fn a_wait_with_an_end_says_when_that_is() {
    let mut placed = shipped();
    let wait = wire::WaitingFor { deadline: at(3600), ..waiting(WaitingForWhat::PaymentAction) };
    placed.status.as_mut().unwrap().waiting_for = vec![wait];
    placed.payment_action_url = "https://pay.example/3ds".to_owned();
    let shown = order(&placed, Personal::Masked);
    assert!(line(&shown, "waiting for").ends_with("until 1970-01-01T01:00:00.000Z at most"), "{shown}");
    assert_eq!(line(&shown, "pay at"), "pay at https://pay.example/3ds");
}

#[test]
fn holds_shipments_returns_and_notes_are_a_table_each() {
    let shown = order(&with_parts(), Personal::Masked);
    let epoch = "1970-01-01T00:00:00.000Z";
    assert_eq!(line(&shown, "h-1"), format!("h-1 MANUAL {epoch} staff sam looks odd"));
    assert_eq!(line(&shown, "s-1"), format!("s-1 DISPATCHED 2 × TEA Post 99.1 {epoch} -"));
    assert_eq!(line(&shown, "r-1"), format!("r-1 RECEIVED 2 × TEA 1 × TEA damaged {epoch} too bitter"));
}

#[test]
fn what_a_note_says_is_masked_unless_it_is_asked_for() {
    let masked = order(&with_parts(), Personal::Masked);
    assert!(line(&masked, "n-1").ends_with("staff sam ***") && !masked.contains("Mia"), "{masked}");
    let shown = order(&with_parts(), Personal::Shown);
    assert!(line(&shown, "n-1").ends_with("staff sam call Mia"), "{shown}");
    assert!(line(&shown, "n-2").ends_with("(erased)"), "{shown}");
}

#[test]
fn a_row_of_a_list_fits_120_characters() {
    let mut long = shipped();
    long.order_reference = "x".repeat(64);
    long.state = OrderState::Cancelling.into();
    long.placed_time = at(0);
    long.totals = Some(OrderTotals { total: euro(123_456_789), ..OrderTotals::default() });
    let whats = [WaitingForWhat::PaymentAction, WaitingForWhat::StockRelease, WaitingForWhat::Refund];
    long.status.as_mut().unwrap().waiting_for = whats.map(waiting).to_vec();
    let shown = list(&[long, shipped()]);
    assert!(shown.lines().all(|line| line.chars().count() <= 120), "{shown}");
    let row = format!("{ID} xxxxxxxxxxxxxxx… CANCELLING PAYMENT_ACTION +2 1970-01-01 00:00 1234567.89 EUR");
    assert_eq!(line(&shown, ID), row);
    assert!(shown.lines().last().unwrap().contains("HOLD, DISPATCH"), "{shown}");
}

#[test]
fn a_rejected_order_says_why() {
    let rejected = Order { rejection_reason: 1, rejection_detail: "TEA".to_owned(), ..shipped() };
    let shown = order(&rejected, Personal::Masked);
    assert_eq!(line(&shown, "rejected because"), "rejected because OUT_OF_STOCK: TEA");
}

#[test]
fn an_order_of_a_server_that_knows_no_facets_has_a_state_only() {
    let shown = order(&Order { status: None, ..shipped() }, Personal::Masked);
    assert_eq!(line(&shown, "state"), "state CONFIRMED");
    assert!(!shown.contains("fulfilment") && !shown.contains("waiting for"), "{shown}");
}
