//! A sound system, and the changes that tests make to it.

use std::collections::BTreeMap;

use ordermesh_proto::common::v1::Money;
use ordermesh_proto::inventory::v1::{Reservation, ReservationLine, ReservationState, StockItem};
use ordermesh_proto::order::v1::{
    HoldReason, LineProgress, Order, OrderHold, OrderState, OrderStatus, PaymentStatus, Shipment,
    ShipmentState, StockStatus, WaitingFor, WaitingForWhat,
};
use ordermesh_proto::payment::v1::{Payment, PaymentAmounts, PaymentOperation, PaymentOperationState};
use ordermesh_verify::Snapshot;
use ordermesh_verify::snapshot::{Confirmation, OrderHistory, PaymentHistory};

pub const ORDER: &str = "01932c07-209c-7f5a-8d3e-4b2a9c1d0e6f";

pub fn eur(minor_units: i64) -> Option<Money> {
    Some(Money { currency_code: "EUR".to_owned(), minor_units })
}

pub fn amounts(authorized: i64, captured: i64, refunded: i64) -> PaymentAmounts {
    PaymentAmounts { authorized: eur(authorized), captured: eur(captured), refunded: eur(refunded) }
}

pub fn line(shipped: i32) -> LineProgress {
    LineProgress { line_id: 1, sku: "TEA".to_owned(), ordered: 3, shipped, ..LineProgress::default() }
}

/// What the read server shows beside where the order stands.
pub fn shown() -> Order {
    let shipment = Shipment {
        shipment_id: "parcel".to_owned(),
        state: ShipmentState::Dispatched.into(),
        ..Shipment::default()
    };
    Order { order_id: ORDER.to_owned(), shipments: vec![shipment], ..Order::default() }
}

/// A confirmed order of three pieces at 4.50, one of which has left; seven came in.
pub fn sound() -> Snapshot {
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

pub fn order(snapshot: &mut Snapshot) -> &mut OrderHistory {
    snapshot.orders.get_mut(ORDER).unwrap()
}

pub fn status(snapshot: &mut Snapshot) -> &mut OrderStatus {
    &mut order(snapshot).status
}

pub fn lines(snapshot: &mut Snapshot) -> &mut LineProgress {
    order(snapshot).lines.get_mut(&1).unwrap()
}

pub fn view(snapshot: &mut Snapshot) -> &mut Order {
    snapshot.views.get_mut(ORDER).unwrap()
}

pub fn item(snapshot: &mut Snapshot) -> &mut StockItem {
    snapshot.stock.values_mut().next().unwrap()
}

pub fn reservation(snapshot: &mut Snapshot) -> &mut Reservation {
    snapshot.reservations.get_mut(ORDER).unwrap()
}

pub fn payment(snapshot: &mut Snapshot) -> &mut Payment {
    snapshot.payments.get_mut(ORDER).unwrap()
}

pub fn told(snapshot: &mut Snapshot) -> &mut PaymentHistory {
    snapshot.payment_histories.get_mut(ORDER).unwrap()
}

/// What the order waits for, and nothing else.
pub fn wait(snapshot: &mut Snapshot, what: &[WaitingForWhat]) {
    let waiting = |what: &WaitingForWhat| WaitingFor { what: (*what).into(), ..WaitingFor::default() };
    status(snapshot).waiting_for = what.iter().map(waiting).collect();
}

/// Payment has never heard of the order.
pub fn unpaid(snapshot: &mut Snapshot) {
    snapshot.payments.clear();
    snapshot.payment_histories.clear();
}

/// The order waits for what has a deadline.
pub fn wait_until(snapshot: &mut Snapshot, seconds: i64) {
    wait(snapshot, &[WaitingForWhat::Dispatch]);
    let second = status(snapshot).waiting_for[0].deadline.get_or_insert_default();
    second.seconds = seconds;
}

/// Payment is at something.
pub fn work(snapshot: &mut Snapshot) {
    let open = PaymentOperation { state: PaymentOperationState::Open.into(), ..PaymentOperation::default() };
    payment(snapshot).operations = vec![open];
}

/// The order is held, and says so.
pub fn hold(snapshot: &mut Snapshot, reason: HoldReason) {
    let hold = OrderHold { hold_id: "hold".to_owned(), reason: reason.into(), ..OrderHold::default() };
    order(snapshot).shown.holds = vec![hold];
    let waiting = WaitingFor { what: WaitingForWhat::Hold.into(), ..WaitingFor::default() };
    status(snapshot).waiting_for.push(waiting);
}

/// Makes the order one that is only placed: nothing has left, and no money is there.
pub fn place(snapshot: &mut Snapshot) {
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
pub fn lose(snapshot: &mut Snapshot, lost: i32) {
    let line = &mut reservation(snapshot).lines[0];
    (line.lost, line.consumed, line.reserved) = (lost, 0, 3 - lost);
    snapshot.stock_changes.values_mut().for_each(|change| *change -= i64::from(lost));
    let item = item(snapshot);
    (item.on_hand, item.reserved) = (7 - i64::from(lost), 3 - i64::from(lost));
    item.available = 4;
}

/// The read server shows what the events tell.
pub fn show(snapshot: &mut Snapshot) {
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
pub fn cancel(snapshot: &mut Snapshot) {
    let order = order(snapshot);
    order.states.extend([OrderState::Cancelling, OrderState::Cancelled]);
    order.amount_due = 0;
    order.status.set_state(OrderState::Cancelled);
    order.status.waiting_for.clear();
}

/// What was done for the cancelled order: its stock and money are where they belong.
pub fn give_back(snapshot: &mut Snapshot) {
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
