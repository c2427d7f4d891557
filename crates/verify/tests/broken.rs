//! The checker is checked: a sound system has no offence, and each way to break it is found and named.

#![expect(clippy::unwrap_used, reason = "a test may panic, and its helpers too")]

use std::collections::BTreeMap;

use ordermesh_proto::common::v1::Money;
use ordermesh_proto::inventory::v1::{Reservation, ReservationLine, ReservationState, StockItem};
use ordermesh_proto::order::v1::{
    LineProgress, Order, OrderState, OrderStatus, PaymentStatus, StockStatus, WaitingFor, WaitingForWhat,
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
        }),
        ..OrderHistory::default()
    };
    let view = Order {
        order_id: ORDER.to_owned(),
        state: OrderState::Confirmed.into(),
        revision: 6,
        amount_due: eur(1350),
        status: Some(status),
        progress: vec![line(1)],
        ..Order::default()
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
        ..Payment::default()
    };
    let told = PaymentHistory {
        revision: 2,
        amounts: amounts(0, 1350, 0),
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

/// Makes the order a cancelled one whose stock and money are still where they were.
fn cancel(snapshot: &mut Snapshot) {
    let order = order(snapshot);
    order.states.extend([OrderState::Cancelling, OrderState::Cancelled]);
    order.amount_due = 0;
    order.status.set_state(OrderState::Cancelled);
    order.status.waiting_for.clear();
}

#[test]
fn a_sound_system_has_no_offence_and_is_counted() {
    let verdict = judge(&sound());
    assert_eq!(verdict.offences, []);
    assert_eq!((verdict.orders, verdict.open_orders), (1, 1));
    assert_eq!((verdict.stock_items, verdict.reservations, verdict.payments), (1, 1, 1));
}

type Break = fn(&mut Snapshot);

/// Each way to break the system, and the invariant that must be named.
const BROKEN: &[(&str, Break)] = &[
    ("feed: every event can be read, those of a key are numbered 1, 2, 3, …", |system| {
        system.feed_faults.push(FeedFault {
            feed: "inventory",
            key: "k".to_owned(),
            detail: "3 follows 1".to_owned(),
        });
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
    ("order: cancelled + shipped ≤ ordered", |system| lines(system).cancelled = 3),
    ("order: delivered + lost ≤ shipped", |system| lines(system).lost = 2),
    ("order: returned ≤ delivered", |system| lines(system).returned = 1),
    ("order: counts are never negative", |system| lines(system).delivered = -1),
    ("read model: it equals a fold of the feed", |system| system.views.clear()),
    ("read model: it equals a fold of the feed", |system| view(system).revision = 5),
    ("read model: it equals a fold of the feed", |system| view(system).set_state(OrderState::Placed)),
    ("read model: it equals a fold of the feed", |system| view(system).amount_due = eur(1)),
    ("read model: it equals a fold of the feed", |system| view(system).progress.clear()),
    ("read model: it equals a fold of the feed", |system| view(system).status = None),
    ("read model: it equals a fold of the feed", |system| {
        let ghost = view(system).clone();
        system.views.insert("ghost".to_owned(), ghost);
    }),
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
    ("across: an order that must be paid has its payment", |system| system.payments.clear()),
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

#[test]
fn what_is_still_on_its_way_is_no_offence() {
    let mut system = sound();
    cancel(&mut system);
    status(&mut system).waiting_for = [WaitingForWhat::StockRelease, WaitingForWhat::Refund]
        .map(|what| WaitingFor { what: what.into(), ..WaitingFor::default() })
        .to_vec();
    let view_status = order(&mut system).status.clone();
    view(&mut system).status = Some(view_status);
    view(&mut system).set_state(OrderState::Cancelled);
    view(&mut system).amount_due = eur(0);
    assert_eq!(judge(&system).offences, []);
}

#[test]
fn stock_that_moved_while_it_was_read_and_orders_without_their_beginning_say_nothing() {
    let mut system = sound();
    item(&mut system).reserved = 5;
    item(&mut system).available = 1;
    system.moving_stock = system.stock.keys().cloned().collect();
    assert_eq!(judge(&system).offences, []);
    let mut system = sound();
    system.orders.clear();
    system.truncated.insert(ORDER.to_owned());
    assert_eq!(judge(&system).offences, []);
}
