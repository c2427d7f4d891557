//! What the events of an order's life change, and which of them are refused.

use wire::{
    FulfilmentStatus, HoldReason, LineProgress, LineQuantity, OrderStatus, PaymentStatus, StockStatus,
    WaitingForWhat,
};

use super::*;

/// The event of a payload that has nothing but a status, and what `change` gives it.
macro_rules! told {
    ($revision:expr, $kind:ident, |$it:ident| $change:expr) => {{
        let mut $it = wire::$kind::default();
        $it.status = Some(status());
        $change;
        event($revision, stringify!($kind), Payload::$kind($it))
    }};
}

fn status() -> OrderStatus {
    OrderStatus {
        state: OrderState::Confirmed.into(),
        stock: StockStatus::Committed.into(),
        payment: PaymentStatus::Captured.into(),
        fulfilment: FulfilmentStatus::Partial.into(),
        waiting_for: vec![wire::WaitingFor {
            what: WaitingForWhat::Dispatch.into(),
            since: None,
            deadline: None,
        }],
        captured: euro(1300),
        ..OrderStatus::default()
    }
}

fn placed() -> Option<OrderView> {
    let mut event = created();
    let Some(Payload::OrderCreated(created)) = &mut event.payload else { panic!("it is a creation") };
    for (line, line_id) in created.lines.iter_mut().zip(1..) {
        line.line_id = line_id;
    }
    Some(OrderView::after(None, &event).unwrap())
}

fn refused(event: &OrderEvent, why: &str) {
    let refusal = OrderView::after(placed(), event).unwrap_err();
    assert!(refusal.contains(why), "{refusal}");
}

fn line(event: &OrderEvent) -> String {
    TimelineEntry::of(ID, event, &OrderView::after(placed(), event).unwrap()).unwrap().summary
}

#[test]
fn every_event_is_copied_its_status_and_what_is_owed() {
    let order =
        OrderView::after(placed(), &told!(2, OrderConfirmed, |it| it.amount_due = euro(7))).unwrap().order;
    assert_eq!((order.status.clone(), order.state()), (Some(status()), OrderState::Confirmed));
    assert_eq!((order.amount_due, order.revision), (euro(7), 2));
}

#[test]
fn events_of_earlier_versions_say_by_themselves_where_the_order_stands() {
    let stands = |events: &[OrderEvent]| {
        let status = fold(events).order.status.unwrap();
        assert_eq!((status.waiting_for.as_slice(), &status.captured), (&[][..], &None));
        (status.state(), status.stock(), status.payment(), status.fulfilment())
    };
    let (pending, unpaid, nothing) = (StockStatus::Pending, PaymentStatus::Pending, FulfilmentStatus::None);
    assert_eq!(stands(&[created()]), (OrderState::Placed, pending, unpaid, nothing));
    let events = [created(), requested(""), cancelled("")];
    assert_eq!(stands(&events[..2]), (OrderState::Cancelling, pending, unpaid, nothing));
    assert_eq!(stands(&events), (OrderState::Cancelled, pending, unpaid, nothing));
    let mut free = created();
    let Some(Payload::OrderCreated(payload)) = &mut free.payload else { panic!("it is a creation") };
    payload.amount_due = euro(0);
    assert_eq!(stands(&[free]), (OrderState::Placed, pending, PaymentStatus::NotRequired, nothing));
}

#[test]
fn a_stored_order_of_an_earlier_version_is_completed_to_what_its_events_make_today() {
    for events in [vec![created()], vec![created(), requested("x"), cancelled("x")]] {
        let today = fold(&events);
        let mut before = today.order.clone();
        (before.status, before.progress) = (None, Vec::new());
        assert_eq!(OrderView::stored(before, today.personal.clone(), Default::default()), today);
        let again = OrderView::stored(today.order.clone(), today.personal.clone(), Default::default());
        assert_eq!(again, today);
    }
}

#[test]
fn a_line_has_its_progress_from_the_creation_on_and_events_replace_it() {
    let first = |line_id: i32, sku: &str| LineProgress {
        line_id,
        sku: sku.to_owned(),
        ordered: 1,
        ..LineProgress::default()
    };
    let expected = [first(1, "TEA"), first(2, "CUP"), first(3, "TEA")];
    assert_eq!(placed().unwrap().order.progress, expected);
    let entry = LineProgress { cancelled: 1, ..first(2, "CUP") };
    let event = told!(2, OrderLinesCancelled, |it| it.progress = vec![entry.clone()]);
    let order = OrderView::after(placed(), &event).unwrap().order;
    assert_eq!(order.progress, [expected[0].clone(), entry, expected[2].clone()]);
    refused(&told!(2, OrderLinesCancelled, |it| it.progress = vec![first(9, "TEA")]), "no line 9");
}

#[test]
fn a_later_event_of_a_part_that_the_order_does_not_have_is_refused() {
    let shipment = || Some(wire::Shipment { shipment_id: "s-1".to_owned(), ..Default::default() });
    let sent_back = || Some(wire::OrderReturn { return_id: "r-1".to_owned(), ..Default::default() });
    let hold = || Some(wire::OrderHold { hold_id: "h-1".to_owned(), ..Default::default() });
    refused(&told!(2, ShipmentDelivered, |it| it.shipment = shipment()), "no shipment s-1");
    refused(&told!(2, ShipmentLost, |it| it.shipment = shipment()), "no shipment s-1");
    refused(&told!(2, ReturnApproved, |it| it.order_return = sent_back()), "no return r-1");
    refused(&told!(2, ReturnReceived, |it| it.order_return = sent_back()), "no return r-1");
    refused(&told!(2, OrderHoldReleased, |it| it.hold = hold()), "no hold h-1");
    refused(&told!(2, ShipmentDispatched, |it| it.shipment = None), "it has no shipment");
}

#[test]
fn a_status_that_is_missing_or_newer_than_this_server_is_refused() {
    refused(&told!(2, OrderConfirmed, |it| it.status = None), "it has no status");
    let with = |change: fn(&mut OrderStatus)| {
        let mut status = status();
        change(&mut status);
        told!(2, OrderConfirmed, |it| it.status = Some(status))
    };
    refused(&with(|status| status.state = 0), "has no state");
    refused(&with(|status| status.state = 99), "the state 99");
    refused(&with(|status| status.stock = 99), "the stock 99");
    refused(&with(|status| status.payment = 99), "the payment 99");
    refused(&with(|status| status.fulfilment = 99), "the fulfilment 99");
    refused(&with(|status| status.waiting_for[0].what = 99), "the waiting_for 99");
}

#[test]
fn an_order_has_so_many_parts_and_no_more() {
    let mut view = placed();
    for number in 0..1000i64 {
        let revision = number + 2;
        let note = told!(revision, OrderNoteAdded, |it| it.note_id = format!("n-{number}"));
        view = Some(OrderView::after(view, &note).unwrap());
    }
    let one_more = told!(1002, OrderNoteAdded, |it| it.note_id = "n-1000".to_owned());
    assert_eq!(OrderView::after(view, &one_more).unwrap_err(), "the order has 1000 notes already");
    let mut view = placed();
    for number in 0..103i64 {
        let hold = wire::OrderHold { hold_id: format!("h-{number}"), ..Default::default() };
        view = Some(
            OrderView::after(view, &told!(number + 2, OrderHoldPlaced, |it| it.hold = Some(hold))).unwrap(),
        );
    }
    let hold = wire::OrderHold { hold_id: "h-103".to_owned(), ..Default::default() };
    let one_more = told!(105, OrderHoldPlaced, |it| it.hold = Some(hold));
    assert_eq!(OrderView::after(view, &one_more).unwrap_err(), "the order has 103 holds already");
}

#[test]
fn the_newest_news_of_a_payment_replaces_what_was_told_and_a_retry_takes_it_away() {
    let news = told!(2, OrderPaymentRecorded, |it| {
        it.action_url = "https://pay.example/3ds".to_owned();
        it.code = "insufficient_funds".to_owned();
        it.detail = "try another card".to_owned();
    });
    let told = |view: &OrderView| {
        let order = &view.order;
        [&order.payment_action_url, &order.payment_code, &order.payment_detail].map(String::clone)
    };
    let view = OrderView::after(placed(), &news).unwrap();
    assert_eq!(told(&view), ["https://pay.example/3ds", "insufficient_funds", "try another card"]);
    let retried = told!(3, PaymentRetryRequested, |it| it.attempt = 2);
    assert_eq!(told(&OrderView::after(Some(view.clone()), &retried).unwrap()), ["", "", ""]);
    let authorized = told!(3, OrderPaymentRecorded, |it| it.attempt = 1);
    assert_eq!(told(&OrderView::after(Some(view), &authorized).unwrap()), ["", "", ""]);
}

#[test]
fn what_a_note_says_is_apart_from_the_order_and_in_no_summary() {
    let note = |text: Option<&str>| {
        told!(2, OrderNoteAdded, |it| {
            it.note_id = "n-1".to_owned();
            it.personal_data = text.map(|text| wire::OrderNoteText { text: text.to_owned() });
        })
    };
    let event = note(Some("call Mia"));
    let view = OrderView::after(placed(), &event).unwrap();
    assert_eq!(view.order.notes[0].personal_data, None);
    assert_eq!(view.order.notes[0].added_time, event.occurred_time);
    assert_eq!(view.clone().into_wire().notes[0].personal_data.as_ref().unwrap().text, "call Mia");
    assert_eq!(line(&event), "note added");
    let erased = OrderView::after(placed(), &note(None)).unwrap().into_wire();
    assert_eq!(erased.notes[0].personal_data, None);
}

#[test]
fn a_summary_names_the_first_lines_and_counts_the_rest() {
    let piece = |line_id, quantity| LineQuantity { line_id, quantity };
    let shipment = |lines: Vec<LineQuantity>| {
        let shipment = wire::Shipment {
            shipment_id: "s-1".to_owned(),
            lines,
            carrier: "Post".to_owned(),
            tracking_number: "A 1".to_owned(),
            ..Default::default()
        };
        line(&told!(2, ShipmentDispatched, |it| it.shipment = Some(shipment)))
    };
    assert_eq!(shipment(vec![piece(1, 1)]), "dispatched: 1 × TEA by Post, tracking number A 1");
    let many = vec![piece(1, 1), piece(2, 2), piece(3, 3), piece(8, 1)];
    let expected = "dispatched: 1 × TEA, 2 × CUP, 3 × TEA and 1 more line by Post, tracking number A 1";
    assert_eq!(shipment(many), expected);
}

#[test]
fn a_summary_quotes_why_on_the_same_line() {
    let rejected = told!(2, OrderRejected, |it| {
        it.set_reason(wire::RejectionReason::OutOfStock);
        it.detail = "TEA\nis gone".to_owned();
    });
    assert_eq!(line(&rejected), "rejected, out of stock: TEA is gone");
    let hold = || {
        let mut hold =
            wire::OrderHold { hold_id: "h-1".to_owned(), note: "fraud?".to_owned(), ..Default::default() };
        hold.set_reason(HoldReason::Manual);
        Some(hold)
    };
    assert_eq!(line(&told!(2, OrderHoldPlaced, |it| it.hold = hold())), "held, manual: fraud?");
    let declined = told!(2, OrderPaymentRecorded, |it| {
        it.status.as_mut().unwrap().set_payment(PaymentStatus::Declined);
        (it.attempt, it.code, it.detail) = (2, "stolen_card".to_owned(), "final".to_owned());
    });
    assert_eq!(line(&declined), "payment declined, attempt 2, stolen_card: final");
    let lost = |lines| wire::Shipment { shipment_id: "s-1".to_owned(), lines, ..Default::default() };
    let lines = vec![LineQuantity { line_id: 2, quantity: 1 }];
    let left = told!(2, ShipmentDispatched, |it| it.shipment = Some(lost(lines.clone())));
    let event = told!(3, ShipmentLost, |it| {
        (it.shipment, it.reason) = (Some(lost(lines)), "fell off the lorry".to_owned());
    });
    let view = OrderView::after(OrderView::after(placed(), &left).ok(), &event).unwrap();
    let entry = TimelineEntry::of(ID, &event, &view).unwrap();
    assert_eq!(entry.summary, "lost on the way, 1 × CUP: fell off the lorry");
    assert_eq!(line(&told!(2, OrderPaymentRecorded, |it| it.attempt = 1)), "payment captured, 13.00 EUR");
    assert_eq!(
        line(&told!(2, OrderStockRecorded, |it| it.detail = "at once".to_owned())),
        "stock committed: at once"
    );
}
