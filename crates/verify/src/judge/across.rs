//! What must hold between order, inventory and payment once each has heard of the others.

use std::collections::BTreeMap;

use ordermesh_proto::inventory::v1::{Reservation, ReservationState};
use ordermesh_proto::order::v1::{OrderState, PaymentStatus, WaitingForWhat};
use ordermesh_proto::payment::v1::Payment;

use super::Court;
use super::orders::is_closed;
use super::payments::{Sums, minor};
use crate::snapshot::{OrderHistory, Snapshot};

pub(super) fn judge(snapshot: &Snapshot, court: &mut Court) {
    for (id, order) in snapshot.orders.iter().filter(|(_, order)| !order.without_status) {
        judge_stock(id, order, snapshot.reservations.get(id), court);
        judge_money(id, order, snapshot.payments.get(id), court);
    }
    let known = |id: &String| snapshot.orders.contains_key(id) || snapshot.truncated.contains(id);
    for (id, reservation) in &snapshot.reservations {
        let known = reservation.order_id.is_empty() || known(&reservation.order_id);
        court.expect(known, "reservation: its order exists", id, || reservation.order_id.clone());
    }
    for id in snapshot.payments.keys() {
        court.expect(known(id), "payment: its order exists", id, || "no order".to_owned());
    }
}

fn waits_for(order: &OrderHistory, what: WaitingForWhat) -> bool {
    order.status.waiting_for.iter().any(|waiting| waiting.what() == what)
}

fn judge_stock(id: &str, order: &OrderHistory, reservation: Option<&Reservation>, court: &mut Court) {
    let (reserved, consumed) = reservation.map(by_line).unwrap_or_default();
    if is_closed(order) {
        let released =
            waits_for(order, WaitingForWhat::StockRelease) || reserved.values().all(|pieces| *pieces == 0);
        court.expect(released, "across: a closed order holds no stock", id, || format!("{reserved:?}"));
    }
    if !matches!(order.state(), OrderState::Confirmed | OrderState::Completed) {
        return;
    }
    let committed = reservation.is_some_and(|reservation| {
        matches!(reservation.state(), ReservationState::Committed | ReservationState::Consumed)
    });
    court.expect(committed, "across: a confirmed order has its reservation", id, || {
        reservation.map_or_else(|| "none".to_owned(), |one| one.state().as_str_name().to_owned())
    });
    for (line_id, line) in &order.lines {
        let (held, left) = (pieces(&reserved, *line_id), pieces(&consumed, *line_id));
        court.expect(left == line.shipped, "across: what was dispatched has left the stock", id, || {
            format!("line {line_id}: {left} of {}", line.shipped)
        });
        let open = line.ordered - line.cancelled - line.shipped;
        court.expect(held == open, "across: what will be dispatched is reserved", id, || {
            format!("line {line_id}: {held} of {open}")
        });
    }
}

fn pieces(of: &BTreeMap<i32, i32>, line_id: i32) -> i32 {
    of.get(&line_id).copied().unwrap_or(0)
}

/// Pieces that are reserved, and that have left, by line.
fn by_line(reservation: &Reservation) -> (BTreeMap<i32, i32>, BTreeMap<i32, i32>) {
    let (mut reserved, mut consumed) = (BTreeMap::new(), BTreeMap::new());
    for line in &reservation.lines {
        *reserved.entry(line.line_id).or_default() += line.reserved;
        *consumed.entry(line.line_id).or_default() += line.consumed;
    }
    (reserved, consumed)
}

fn judge_money(id: &str, order: &OrderHistory, payment: Option<&Payment>, court: &mut Court) {
    let waits = [WaitingForWhat::Capture, WaitingForWhat::Refund, WaitingForWhat::Payment];
    if order.status.payment() == PaymentStatus::NotRequired
        || waits.iter().any(|what| waits_for(order, *what))
    {
        return;
    }
    let Some(payment) = payment else {
        court.find("across: an order that must be paid has its payment", id, || "none".to_owned());
        return;
    };
    let sums = Sums::of(payment.amounts.as_ref());
    let told = Sums {
        authorized: minor(order.status.authorized.as_ref()),
        captured: minor(order.status.captured.as_ref()),
        refunded: minor(order.status.refunded.as_ref()),
    };
    court.expect(sums == told, "across: order and payment agree on the money", id, || {
        format!("order: {told:?}, payment: {sums:?}")
    });
    let kept = sums.captured - sums.refunded;
    let at_rest = match order.state() {
        OrderState::Confirmed | OrderState::Completed => kept == order.amount_due,
        OrderState::Cancelled | OrderState::Rejected | OrderState::Expired => {
            kept == 0 && sums.authorized == 0
        }
        _ => kept == 0,
    };
    court.expect(at_rest, "across: at rest captured - refunded is what is owed", id, || {
        format!("{kept} kept, {} set aside, {} owed", sums.authorized, order.amount_due)
    });
}
