//! The checker is checked: a sound system has no offence, and each way to break it is found and named.

#![expect(clippy::unwrap_used, reason = "a test may panic, and its helpers too")]

use std::collections::BTreeMap;

use ordermesh_proto::common::v1::Money;
use ordermesh_proto::inventory::v1::{Reservation, ReservationLine, ReservationState, StockItem};
use ordermesh_proto::order::v1::{
    HoldReason, LineProgress, Order, OrderHold, OrderNote, OrderReturn, OrderState, OrderStatus,
    PaymentStatus, RejectionReason, Shipment, ShipmentState, StockStatus, WaitingFor, WaitingForWhat,
};
use ordermesh_proto::payment::v1::{Payment, PaymentAmounts, PaymentOperation, PaymentOperationState};
use ordermesh_verify::snapshot::{Confirmation, FeedFault, OrderHistory, PaymentHistory};
use ordermesh_verify::{Snapshot, judge};

const ORDER: &str = "01932c07-209c-7f5a-8d3e-4b2a9c1d0e6f";

fn eur(minor_units: i64) -> Option<Money> {
    Some(Money { currency_code: "EUR".to_owned(), minor_units })
}

fn amounts(authorized: i64, captured: i64, refunded: i64) -> PaymentAmounts {
    PaymentAmounts { authorized: eur(authorized), captured: eur(captured), refunded: eur(refunded) }
}

fn line(shipped: i32) -> LineProgress {
    LineProgress { line_id: 1, sku: "TEA".to_owned(), ordered: 3, shipped, ..LineProgress::default() }
}

/// What the read server shows beside where the order stands.
fn shown() -> Order {
    let shipment = Shipment {
        shipment_id: "parcel".to_owned(),
        state: ShipmentState::Dispatched.into(),
        ..Shipment::default()
    };
    Order { order_id: ORDER.to_owned(), shipments: vec![shipment], ..Order::default() }
}

/// A confirmed order of three pieces at 4.50, one of which has left; seven came in.
fn sound() -> Snapshot {
    let waiting = WaitingFor { what: WaitingForWhat::Dispatch.into(), ..WaitingFor::default() };
    let mut status = OrderStatus {
        waiting_for: vec![waiting],
        authorized: eur(0),
        captured: eur(1350),
        ..OrderStatus::default()
    };
    status.set_state(OrderState::Confirmed);
    status.set_stock(StockStatus::Committed);
    status.set_payment(PaymentStatus::Captured);
    let lines = BTreeMap::from([(1, line(1))]);
    let history = OrderHistory {
        revision: 6,
        states: vec![OrderState::Placed, OrderState::Confirmed],
        status: status.clone(),
        amount_due: 1350,
        lines,
        confirmed: Some(Confirmation {
            reserved: true,
            payment: PaymentStatus::Authorized,
            amount_due: 1350,
            authorized: 1350,
            captured: 0,
            refunded: 0,
            held: false,
        }),
        shown: shown(),
        ..OrderHistory::default()
    };
    let view = Order {
        state: OrderState::Confirmed.into(),
        revision: 6,
        amount_due: eur(1350),
        status: Some(status),
        progress: vec![line(1)],
        ..shown()
    };
    let place = ("TEA".to_owned(), "main".to_owned());
    let item = StockItem {
        sku: place.0.clone(),
        location: place.1.clone(),
        on_hand: 6,
        reserved: 2,
        available: 4,
        ..StockItem::default()
    };
    let reservation = Reservation {
        reservation_id: ORDER.to_owned(),
        order_id: ORDER.to_owned(),
        state: ReservationState::Committed.into(),
        lines: vec![ReservationLine {
            line_id: 1,
            sku: place.0.clone(),
            location: place.1.clone(),
            quantity: 3,
            reserved: 2,
            consumed: 1,
            ..ReservationLine::default()
        }],
        ..Reservation::default()
    };
    let payment = Payment {
        payment_id: ORDER.to_owned(),
        revision: 2,
        amounts: Some(amounts(0, 1350, 0)),
        amount_due: eur(1350),
        ..Payment::default()
    };
    let told = PaymentHistory {
        revision: 2,
        amounts: amounts(0, 1350, 0),
        has_beginning: true,
        most_authorized: 1350,
        charged_twice: false,
    };
    let id = || ORDER.to_owned();
    Snapshot {
        orders: BTreeMap::from([(id(), history)]),
        views: BTreeMap::from([(id(), view)]),
        stock: BTreeMap::from([(place.clone(), item)]),
        stock_changes: BTreeMap::from([(place, 7)]),
        reservations: BTreeMap::from([(id(), reservation)]),
        payments: BTreeMap::from([(id(), payment)]),
        payment_histories: BTreeMap::from([(id(), told)]),
        ..Snapshot::default()
    }
}

fn order(snapshot: &mut Snapshot) -> &mut OrderHistory {
    snapshot.orders.get_mut(ORDER).unwrap()
}

fn status(snapshot: &mut Snapshot) -> &mut OrderStatus {
    &mut order(snapshot).status
}

fn lines(snapshot: &mut Snapshot) -> &mut LineProgress {
    order(snapshot).lines.get_mut(&1).unwrap()
}

fn view(snapshot: &mut Snapshot) -> &mut Order {
    snapshot.views.get_mut(ORDER).unwrap()
}

fn item(snapshot: &mut Snapshot) -> &mut StockItem {
    snapshot.stock.values_mut().next().unwrap()
}

fn reservation(snapshot: &mut Snapshot) -> &mut Reservation {
    snapshot.reservations.get_mut(ORDER).unwrap()
}

fn payment(snapshot: &mut Snapshot) -> &mut Payment {
    snapshot.payments.get_mut(ORDER).unwrap()
}

fn told(snapshot: &mut Snapshot) -> &mut PaymentHistory {
    snapshot.payment_histories.get_mut(ORDER).unwrap()
}

/// What the order waits for, and nothing else.
fn wait(snapshot: &mut Snapshot, what: &[WaitingForWhat]) {
    let waiting = |what: &WaitingForWhat| WaitingFor { what: (*what).into(), ..WaitingFor::default() };
    status(snapshot).waiting_for = what.iter().map(waiting).collect();
}

/// Payment has never heard of the order.
fn unpaid(snapshot: &mut Snapshot) {
    snapshot.payments.clear();
    snapshot.payment_histories.clear();
}

/// The order waits for what has a deadline.
fn wait_until(snapshot: &mut Snapshot, seconds: i64) {
    wait(snapshot, &[WaitingForWhat::Dispatch]);
    let second = status(snapshot).waiting_for[0].deadline.get_or_insert_default();
    second.seconds = seconds;
}

/// Payment is at something.
fn work(snapshot: &mut Snapshot) {
    let open = PaymentOperation { state: PaymentOperationState::Open.into(), ..PaymentOperation::default() };
    payment(snapshot).operations = vec![open];
}

/// The order is held, and says so.
fn hold(snapshot: &mut Snapshot, reason: HoldReason) {
    let hold = OrderHold { hold_id: "hold".to_owned(), reason: reason.into(), ..OrderHold::default() };
    order(snapshot).shown.holds = vec![hold];
    let waiting = WaitingFor { what: WaitingForWhat::Hold.into(), ..WaitingFor::default() };
    status(snapshot).waiting_for.push(waiting);
}

/// Makes the order one that is only placed: nothing has left, and no money is there.
fn place(snapshot: &mut Snapshot) {
    let placed = order(snapshot);
    placed.states.truncate(1);
    placed.confirmed = None;
    placed.lines = BTreeMap::from([(1, line(0))]);
    placed.status.set_state(OrderState::Placed);
    placed.status.set_stock(StockStatus::Reserved);
    placed.status.set_payment(PaymentStatus::Pending);
    placed.status.captured = eur(0);
    payment(snapshot).amounts = Some(amounts(0, 0, 0));
    told(snapshot).amounts = amounts(0, 0, 0);
    let item = item(snapshot);
    (item.on_hand, item.reserved) = (7, 3);
    let reservation = reservation(snapshot);
    reservation.set_state(ReservationState::Held);
    (reservation.lines[0].reserved, reservation.lines[0].consumed) = (3, 0);
    wait(snapshot, &[WaitingForWhat::PaymentRetry]);
    show(snapshot);
}

/// So many of the pieces are lost, and the rest is reserved.
fn lose(snapshot: &mut Snapshot, lost: i32) {
    let line = &mut reservation(snapshot).lines[0];
    (line.lost, line.consumed, line.reserved) = (lost, 0, 3 - lost);
    snapshot.stock_changes.values_mut().for_each(|change| *change -= i64::from(lost));
    let item = item(snapshot);
    (item.on_hand, item.reserved) = (7 - i64::from(lost), 3 - i64::from(lost));
    item.available = 4;
}

/// The read server shows what the events tell.
fn show(snapshot: &mut Snapshot) {
    let history = order(snapshot).clone();
    let shown = Order {
        revision: history.revision,
        state: history.state().into(),
        amount_due: eur(history.amount_due),
        progress: history.lines.values().cloned().collect(),
        status: Some(history.status),
        ..history.shown
    };
    *view(snapshot) = shown;
}

/// Makes the order a cancelled one whose stock and money are still where they were.
fn cancel(snapshot: &mut Snapshot) {
    let order = order(snapshot);
    order.states.extend([OrderState::Cancelling, OrderState::Cancelled]);
    order.amount_due = 0;
    order.status.set_state(OrderState::Cancelled);
    order.status.waiting_for.clear();
}

/// What was done for the cancelled order: its stock and money are where they belong.
fn give_back(snapshot: &mut Snapshot) {
    payment(snapshot).amount_due = eur(0);
    lines(snapshot).shipped = 0;
    let reservation = reservation(snapshot);
    reservation.set_state(ReservationState::Released);
    let line = &mut reservation.lines[0];
    (line.reserved, line.consumed, line.released) = (0, 0, 3);
    let item = item(snapshot);
    (item.on_hand, item.reserved, item.available) = (7, 0, 7);
    payment(snapshot).amounts = Some(amounts(0, 1350, 1350));
    told(snapshot).amounts = amounts(0, 1350, 1350);
    status(snapshot).refunded = eur(1350);
    show(snapshot);
}

#[test]
fn a_sound_system_has_no_offence_and_is_counted() {
    let verdict = judge(&sound());
    assert_eq!(verdict.offences, []);
    assert_eq!((verdict.orders, verdict.open_orders), (1, 1));
    assert_eq!((verdict.stock_items, verdict.reservations, verdict.payments), (1, 1, 1));
}

type Break = fn(&mut Snapshot);

const SHOWN: &str = "read model: it equals a fold of the feed";

/// Each way to break the system, and the invariant that must be named.
const BROKEN: &[(&str, Break)] = &[
    ("feed: every event can be read, all and those of a key are numbered without a gap", |system| {
        system.feed_faults.push(FeedFault {
            feed: "inventory",
            key: "k".to_owned(),
            detail: "3 follows 1".to_owned(),
        });
    }),
    ("feed: every event can be read, all and those of a key are numbered without a gap", |system| {
        [4, 5, 7].into_iter().for_each(|position| system.heard("order", position, ORDER));
    }),
    ("order: its events are numbered 1, 2, 3, …", |system| order(system).wrong_revision = Some((1, 3))),
    ("order: only legal transitions", |system| order(system).states.push(OrderState::Placed)),
    ("order: it begins with its placing", |system| {
        order(system).states.remove(0);
    }),
    ("order: what is owed never grows", |system| order(system).amount_grew = Some((1, 2))),
    ("order: a closed order owes nothing", |system| {
        cancel(system);
        order(system).amount_due = 1;
    }),
    ("order: no state that is not final without a reason", |system| status(system).waiting_for.clear()),
    ("order: at its confirmation stock was reserved and payment authorized", |system| {
        order(system).confirmed.as_mut().unwrap().reserved = false;
    }),
    ("order: at its confirmation stock was reserved and payment authorized", |system| {
        order(system).confirmed.as_mut().unwrap().authorized = 1349;
    }),
    ("order: at its confirmation stock was reserved and payment authorized", |system| {
        order(system).confirmed.as_mut().unwrap().payment = PaymentStatus::Declined;
    }),
    ("order: at its confirmation stock was reserved and payment authorized", |system| {
        let confirmed = order(system).confirmed.as_mut().unwrap();
        (confirmed.payment, confirmed.captured, confirmed.refunded) =
            (PaymentStatus::PartlyRefunded, 1350, 1);
    }),
    ("order: at its confirmation stock was reserved and payment authorized", |system| {
        let confirmed = order(system).confirmed.as_mut().unwrap();
        (confirmed.payment, confirmed.amount_due) = (PaymentStatus::Pending, 0);
    }),
    ("order: it is not confirmed while it is held", |system| {
        order(system).confirmed.as_mut().unwrap().held = true;
    }),
    ("order: a deadline that has passed is acted upon", |system| {
        wait_until(system, 1000);
        system.time = 1661;
    }),
    ("order: held is what has a hold", |system| {
        wait(system, &[WaitingForWhat::Dispatch, WaitingForWhat::Hold]);
    }),
    ("order: held is what has a hold", |system| hold(system, HoldReason::Unspecified)),
    ("order: held is what has a hold", |system| {
        hold(system, HoldReason::Manual);
        wait(system, &[WaitingForWhat::Dispatch]);
    }),
    ("order: cancelled + shipped ≤ ordered", |system| lines(system).cancelled = 3),
    ("order: delivered + lost ≤ shipped", |system| lines(system).lost = 2),
    ("order: returned ≤ delivered", |system| lines(system).returned = 1),
    ("order: counts are never negative", |system| lines(system).delivered = -1),
    (SHOWN, |system| system.views.clear()),
    (SHOWN, |system| view(system).revision = 5),
    (SHOWN, |system| view(system).set_state(OrderState::Placed)),
    (SHOWN, |system| view(system).amount_due = eur(1)),
    (SHOWN, |system| view(system).progress.clear()),
    (SHOWN, |system| view(system).status = None),
    (SHOWN, |system| {
        let ghost = view(system).clone();
        system.views.insert("ghost".to_owned(), ghost);
    }),
    (SHOWN, |system| view(system).holds.push(OrderHold::default())),
    (SHOWN, |system| order(system).shown.holds.push(OrderHold::default())),
    (SHOWN, |system| view(system).shipments.clear()),
    (SHOWN, |system| view(system).shipments[0].set_state(ShipmentState::Lost)),
    (SHOWN, |system| order(system).shown.returns.push(OrderReturn::default())),
    (SHOWN, |system| order(system).shown.notes.push(OrderNote::default())),
    (SHOWN, |system| view(system).payment_deadline.get_or_insert_default().seconds = 1),
    (SHOWN, |system| view(system).set_rejection_reason(RejectionReason::OutOfStock)),
    (SHOWN, |system| view(system).cancel_reason = "none".to_owned()),
    (SHOWN, |system| view(system).payment_code = "stolen_card".to_owned()),
    (SHOWN, |system| view(system).payment_action_url = "https://bank.example".to_owned()),
    (SHOWN, |system| view(system).order_reference = "another".to_owned()),
    ("stock: never negative", |system| item(system).available = -1),
    ("stock: on hand = available + reserved", |system| item(system).available += 1),
    ("stock: reserved is what the reservations hold", |system| {
        item(system).reserved += 1;
        item(system).available -= 1;
    }),
    ("stock: reserved is what the reservations hold", |system| system.stock.clear()),
    ("stock: on hand is what came less what left", |system| {
        system.stock_changes.values_mut().for_each(|change| *change += 1);
    }),
    ("reservation: quantity = reserved + consumed + released + lost", |system| {
        reservation(system).lines[0].lost = 1;
    }),
    ("reservation: no more comes back than has left", |system| reservation(system).lines[0].restocked = 2),
    ("reservation: one that is over holds nothing", |system| {
        reservation(system).set_state(ReservationState::Released);
    }),
    ("reservation: its order exists", |system| reservation(system).order_id = "nobody".to_owned()),
    ("payment: its amounts are those of its newest event", |system| {
        payment(system).amounts = Some(amounts(0, 1350, 1));
    }),
    ("payment: its amounts are those of its newest event", |system| told(system).revision = 1),
    ("payment: what was told is kept", |system| system.payments.clear()),
    ("payment: amounts are never negative", |system| payment(system).amounts = Some(amounts(-1, 0, 0))),
    ("payment: at most one operation is open", |system| {
        let open =
            PaymentOperation { state: PaymentOperationState::Open.into(), ..PaymentOperation::default() };
        payment(system).operations = vec![open.clone(), open];
    }),
    ("payment: refunded ≤ captured", |system| told(system).amounts = amounts(0, 1350, 1351)),
    ("payment: captured ≤ authorized", |system| told(system).most_authorized = 1349),
    ("payment: at most one effective charge an order", |system| told(system).charged_twice = true),
    ("payment: its order exists", |system| {
        let ghost = payment(system).clone();
        system.payments.insert("ghost".to_owned(), ghost);
    }),
    ("across: a closed order holds no stock", cancel),
    ("across: a confirmed order has its reservation", |system| drop(system.reservations.remove(ORDER))),
    ("across: a confirmed order has its reservation", |system| {
        reservation(system).set_state(ReservationState::Held);
    }),
    ("across: what was dispatched has left the stock", |system| {
        let line = &mut reservation(system).lines[0];
        (line.reserved, line.consumed) = (3, 0);
    }),
    ("across: what will be dispatched is reserved", |system| {
        let line = &mut reservation(system).lines[0];
        (line.reserved, line.released) = (1, 1);
    }),
    ("across: an order that waits for its stock is answered", |system| {
        place(system);
        wait(system, &[WaitingForWhat::Stock]);
    }),
    ("across: an order that waits for its stock is answered", |system| {
        place(system);
        wait(system, &[WaitingForWhat::Stock]);
        reservation(system).set_state(ReservationState::Rejected);
    }),
    ("across: an order that waits for its stock is answered", |system| {
        place(system);
        wait(system, &[WaitingForWhat::Stock]);
        system.reservations.clear();
    }),
    ("across: a closed order holds no stock", |system| {
        cancel(system);
        wait(system, &[WaitingForWhat::StockRelease]);
    }),
    ("across: a closed order holds no stock", |system| {
        cancel(system);
        order(system).states.pop();
        wait(system, &[WaitingForWhat::StockRelease]);
    }),
    ("across: an order that waits for the release of its stock is answered", |system| {
        cancel(system);
        give_back(system);
        wait(system, &[WaitingForWhat::StockRelease]);
    }),
    ("across: what will be dispatched is reserved", |system| {
        place(system);
        let line = &mut reservation(system).lines[0];
        (line.reserved, line.released) = (2, 1);
    }),
    // Lost pieces that the order has neither dispatched nor cancelled.
    ("across: what will be dispatched is reserved", |system| lose(system, 2)),
    ("across: what was dispatched has left the stock", |system| {
        lose(system, 1);
        lines(system).shipped = 2;
    }),
    ("across: what was dispatched has left the stock", |system| {
        let line = &mut reservation(system).lines[0];
        (line.reserved, line.consumed) = (1, 2);
    }),
    ("across: a confirmed order has its reservation", |system| {
        lose(system, 3);
        lines(system).shipped = 2;
        reservation(system).set_state(ReservationState::Released);
    }),
    ("across: a confirmed order has its reservation", |system| {
        give_back(system);
        lines(system).cancelled = 3;
    }),
    ("across: payment works on what an order waits for", |system| {
        place(system);
        wait(system, &[WaitingForWhat::Payment]);
    }),
    ("across: payment works on what an order waits for", |system| {
        place(system);
        wait(system, &[WaitingForWhat::PaymentAction]);
    }),
    ("across: payment works on what an order waits for", |system| {
        place(system);
        work(system);
    }),
    ("across: payment works on what an order waits for", |system| {
        wait(system, &[WaitingForWhat::Capture]);
        // A hold for something else is no excuse.
        hold(system, HoldReason::Manual);
    }),
    ("across: at rest captured - refunded is what is owed", |system| {
        cancel(system);
        wait(system, &[WaitingForWhat::Refund]);
    }),
    ("across: at rest captured - refunded is what is owed", |system| {
        wait(system, &[WaitingForWhat::Capture]);
        order(system).amount_due = 1351;
    }),
    ("across: at rest captured - refunded is what is owed", |system| {
        place(system);
        payment(system).amounts = Some(amounts(1350, 1, 0));
    }),
    ("across: at rest captured - refunded is what is owed", |system| {
        order(system).amount_due = 0;
        payment(system).amounts = Some(amounts(1350, 0, 0));
    }),
    ("across: order and payment agree on what is owed", |system| payment(system).amount_due = eur(1349)),
    ("across: order and payment agree on the money", |system| {
        work(system);
        wait(system, &[WaitingForWhat::Refund]);
        status(system).refunded = eur(1);
    }),
    ("across: order and payment agree on the money", |system| {
        status(system).set_payment(PaymentStatus::NotRequired);
        status(system).captured = eur(0);
    }),
    ("across: an order that must be paid has its payment", unpaid),
    ("across: an order that must be paid has its payment", |system| {
        unpaid(system);
        wait(system, &[WaitingForWhat::Payment]);
    }),
    ("across: order and payment agree on the money", |system| status(system).refunded = eur(1)),
    ("across: at rest captured - refunded is what is owed", |system| order(system).amount_due = 1349),
    ("across: at rest captured - refunded is what is owed", cancel),
];

#[test]
fn each_way_to_break_it_is_found_and_named() {
    for (number, (invariant, break_it)) in BROKEN.iter().enumerate() {
        let mut system = sound();
        break_it(&mut system);
        let found = judge(&system).offences;
        assert!(
            found.iter().any(|offence| offence.invariant == *invariant),
            "{number}: {invariant} was not found, only {found:?}"
        );
    }
}

/// What the system is after this, which must be sound.
fn sound_after(change: impl FnOnce(&mut Snapshot)) {
    let mut system = sound();
    change(&mut system);
    show(&mut system);
    assert_eq!(judge(&system).offences, []);
}

#[test]
fn what_is_still_on_its_way_is_no_offence_while_payment_is_at_it() {
    // The refund of a cancelled order, whose stock is back.
    sound_after(|system| {
        cancel(system);
        give_back(system);
        payment(system).amounts = Some(amounts(0, 1350, 0));
        told(system).amounts = amounts(0, 1350, 0);
        status(system).refunded = eur(0);
        wait(system, &[WaitingForWhat::Refund]);
        work(system);
    });
    // The same, which needs a person.
    sound_after(|system| {
        order(system).amount_due = 1349;
        payment(system).amount_due = eur(1349);
        wait(system, &[WaitingForWhat::Refund]);
        hold(system, HoldReason::RefundFailed);
    });
    // The answer to an authorization, and what the customer does about one.
    for what in [WaitingForWhat::Payment, WaitingForWhat::PaymentAction] {
        sound_after(|system| {
            place(system);
            wait(system, &[what]);
            work(system);
        });
    }
    // Another means of payment: nobody is at anything.
    sound_after(place);
}

#[test]
fn an_order_may_wait_past_its_deadline_for_as_long_as_payment_may_not_be_heard_and_clocks_differ() {
    sound_after(|system| {
        wait_until(system, 1000);
        system.time = 1660;
    });
}

#[test]
fn an_order_may_be_confirmed_by_money_that_was_captured_already_or_when_nothing_is_owed() {
    sound_after(|system| {
        let confirmed = order(system).confirmed.as_mut().unwrap();
        (confirmed.payment, confirmed.authorized) = (PaymentStatus::PartlyRefunded, 0);
        (confirmed.captured, confirmed.refunded) = (1400, 50);
    });
    sound_after(|system| {
        let confirmed = order(system).confirmed.as_mut().unwrap();
        (confirmed.payment, confirmed.amount_due) = (PaymentStatus::Declined, 0);
    });
    // Captured at once, and not confirmed since a person holds it.
    sound_after(|system| {
        place(system);
        payment(system).amounts = Some(amounts(1350, 1350, 0));
        told(system).amounts = amounts(1350, 1350, 0);
        (status(system).authorized, status(system).captured) = (eur(1350), eur(1350));
        wait(system, &[]);
        hold(system, HoldReason::Manual);
    });
}

#[test]
fn pieces_that_were_missed_when_they_had_left_already_are_shipped_and_lost() {
    // One was missed, and is the one that left: the others are reserved.
    sound_after(|system| lose(system, 1));
    // All were missed and have left: nothing is left of the reservation.
    sound_after(|system| {
        lose(system, 3);
        reservation(system).set_state(ReservationState::Released);
        lines(system).shipped = 3;
    });
    // One of them came back.
    sound_after(|system| {
        lose(system, 1);
        (lines(system).delivered, lines(system).returned) = (1, 1);
        reservation(system).lines[0].restocked = 1;
        system.stock_changes.values_mut().for_each(|change| *change += 1);
        (item(system).on_hand, item(system).available) = (7, 5);
    });
}

#[test]
fn what_orders_wait_for_is_counted() {
    let mut system = sound();
    wait(&mut system, &[WaitingForWhat::StockRelease, WaitingForWhat::Delivery]);
    let mut closed = order(&mut system).clone();
    closed.states.push(OrderState::Completed);
    closed.status.waiting_for.truncate(1);
    system.orders.insert("closed".to_owned(), closed);
    let verdict = judge(&system);
    let count = |name: &str| (name.to_owned(), 1);
    assert_eq!(verdict.waiting, BTreeMap::from([count("delivery"), count("stock_release")]));
    assert_eq!(verdict.waiting_when_final, BTreeMap::from([count("stock_release")]));
}

#[test]
fn stock_that_moved_while_it_was_read_is_neither_right_nor_wrong() {
    let mut system = sound();
    item(&mut system).reserved = 5;
    item(&mut system).available = 1;
    system.stock_changes.clear();
    system.moving_stock = system.stock.keys().cloned().collect();
    let verdict = judge(&system);
    assert_eq!(verdict.offences, []);
    assert_eq!((verdict.unjudged.len(), verdict.unjudged_subjects()), (2, 1), "{:?}", verdict.unjudged);
}

#[test]
fn a_payment_that_was_told_of_after_it_was_asked_is_neither_right_nor_wrong() {
    let mut system = sound();
    told(&mut system).revision = 3;
    told(&mut system).amounts = amounts(0, 1350, 1);
    let verdict = judge(&system);
    assert_eq!((verdict.offences, verdict.unjudged.len()), (vec![], 1));
}

#[test]
fn a_payment_that_slipped_through_the_list_is_neither_right_nor_wrong() {
    let mut system = sound();
    system.payments.clear();
    let verdict = judge(&system);
    let found: Vec<_> = verdict.offences.iter().map(|offence| offence.invariant).collect();
    assert_eq!(found, ["payment: what was told is kept"], "which the next look finds, or not");
    assert_eq!((verdict.unjudged.len(), verdict.unjudged_subjects()), (8, 1), "{:?}", verdict.unjudged);
}

#[test]
fn what_was_set_aside_is_unknown_once_the_beginning_is_truncated() {
    sound_after(|system| {
        told(system).has_beginning = false;
        told(system).most_authorized = 0;
    });
}

#[test]
fn what_came_is_not_summed_up_once_its_beginning_is_truncated() {
    let mut system = sound();
    system.stock_changes.clear();
    system.truncated_stock = system.stock.keys().cloned().collect();
    let verdict = judge(&system);
    assert_eq!((verdict.offences, verdict.truncated_stock), (vec![], 1));
    // What it takes no history to know is judged all the same.
    item(&mut system).reserved = 5;
    item(&mut system).available = 1;
    let found = judge(&system).offences;
    assert_eq!(found.len(), 1, "{found:?}");
}

#[test]
fn orders_without_their_beginning_say_nothing() {
    let mut system = sound();
    system.orders.clear();
    system.truncated.insert(ORDER.to_owned());
    assert_eq!(judge(&system).offences, []);
}
