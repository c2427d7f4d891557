//! What must hold between order, inventory and payment once each has heard of the others.
//!
//! What an order says it waits for excuses nothing by itself: the one that it waits for must be at it.

use std::collections::BTreeMap;

use ordermesh_proto::inventory::v1::{Reservation, ReservationState};
use ordermesh_proto::order::v1::{
    HoldReason, LineProgress, OrderState, PaymentStatus, StockStatus, WaitingForWhat,
};
use ordermesh_proto::payment::v1::{Payment, PaymentOperationState};

use super::Court;
use super::orders::is_closed;
use super::payments::{Sums, minor};
use crate::snapshot::{OrderHistory, Snapshot};

pub(super) fn judge(snapshot: &Snapshot, court: &mut Court) {
    for (id, order) in snapshot.orders.iter().filter(|(_, order)| !order.without_status) {
        judge_stock(id, order, snapshot.reservations.get(id), court);
        match snapshot.payments.get(id) {
            // A page may miss what changes while the list is read.
            None if snapshot.payment_histories.contains_key(id) => {
                MONEY.into_iter().for_each(|invariant| court.abstain(invariant, id));
            }
            payment => judge_money(id, order, payment, court),
        }
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

/// What has become of the pieces of a line, at all locations.
#[derive(Debug, Clone, Copy, Default)]
struct Pieces {
    reserved: i32,
    consumed: i32,
    lost: i32,
}

fn by_line(reservation: &Reservation) -> BTreeMap<i32, Pieces> {
    let mut lines = BTreeMap::<i32, Pieces>::new();
    for line in &reservation.lines {
        let pieces = lines.entry(line.line_id).or_default();
        pieces.reserved += line.reserved;
        pieces.consumed += line.consumed;
        pieces.lost += line.lost;
    }
    lines
}

fn judge_stock(id: &str, order: &OrderHistory, reservation: Option<&Reservation>, court: &mut Court) {
    let pieces = reservation.map(by_line).unwrap_or_default();
    let stands = || match reservation {
        Some(reservation) => format!("{} with {pieces:?}", reservation.state().as_str_name()),
        None => "there is no reservation".to_owned(),
    };
    // Inventory does at once what it hears. So what it has done and order has not heard of is missing, and so is what it
    // has not done: nothing there can be under way for as long as one looks.
    let waits = order.waits_for(WaitingForWhat::Stock);
    court.expect(!waits, "across: an order that waits for its stock is answered", id, stands);
    let waits = order.waits_for(WaitingForWhat::StockRelease);
    court.expect(!waits, "across: an order that waits for the release of its stock is answered", id, stands);
    let state = order.state();
    if is_closed(order) || state == OrderState::Cancelling {
        let free = pieces.values().all(|line| line.reserved == 0);
        court.expect(free, "across: a closed order holds no stock", id, stands);
    }
    let reserved = matches!(order.status.stock(), StockStatus::Reserved | StockStatus::Shortfall);
    if state == OrderState::Placed && reserved {
        judge_lines(id, order, &pieces, court);
    }
    if matches!(state, OrderState::Confirmed | OrderState::Completed) {
        court.expect(
            reservation.is_some_and(|reservation| is_for_good(order, reservation)),
            "across: a confirmed order has its reservation",
            id,
            stands,
        );
        judge_lines(id, order, &pieces, court);
    }
}

/// Whether a reservation is what a confirmed order has. When every piece was lost and none is to leave yet, nothing is
/// left of it, and it counts as released.
fn is_for_good(order: &OrderHistory, reservation: &Reservation) -> bool {
    match reservation.state() {
        ReservationState::Committed | ReservationState::Consumed => true,
        ReservationState::Released => {
            let lost = reservation.lines.iter().any(|line| line.lost > 0);
            lost && order.lines.values().all(|line| to_dispatch(line) == 0)
        }
        _ => false,
    }
}

fn to_dispatch(line: &LineProgress) -> i32 {
    line.ordered - line.cancelled - line.shipped
}

fn judge_lines(id: &str, order: &OrderHistory, pieces: &BTreeMap<i32, Pieces>, court: &mut Court) {
    for (line_id, line) in &order.lines {
        let here = pieces.get(line_id).copied().unwrap_or_default();
        // Pieces that were missed when they were on their way already are lost there and shipped here.
        let left = here.consumed <= line.shipped && line.shipped <= here.consumed + here.lost;
        court.expect(left, "across: what was dispatched has left the stock", id, || {
            format!("line {line_id}: {} shipped, {here:?}", line.shipped)
        });
        // Lost pieces explain no difference here: the order hears of them, and cancels what it cannot dispatch any more.
        let open = to_dispatch(line);
        court.expect(here.reserved == open, "across: what will be dispatched is reserved", id, || {
            format!("line {line_id}: {open} to dispatch, {here:?}")
        });
    }
}

/// What an order waits for that payment does by itself, and the hold that says that it needs a person.
const OF_PAYMENT: [(WaitingForWhat, HoldReason); 3] = [
    (WaitingForWhat::Payment, HoldReason::PaymentUnknown),
    (WaitingForWhat::Capture, HoldReason::CaptureFailed),
    (WaitingForWhat::Refund, HoldReason::RefundFailed),
];

const HAS_PAYMENT: &str = "across: an order that must be paid has its payment";
const SAME_MONEY: &str = "across: order and payment agree on the money";
const SAME_DUE: &str = "across: order and payment agree on what is owed";
const AT_WORK: &str = "across: payment works on what an order waits for";
const AT_REST: &str = "across: at rest captured - refunded is what is owed";
/// What is judged by what payment answers.
const MONEY: [&str; 5] = [HAS_PAYMENT, SAME_MONEY, SAME_DUE, AT_WORK, AT_REST];

fn judge_money(id: &str, order: &OrderHistory, payment: Option<&Payment>, court: &mut Court) {
    let Some(payment) = payment else {
        let needed = order.status.payment() != PaymentStatus::NotRequired;
        court.expect(!needed, HAS_PAYMENT, id, || "none".to_owned());
        return;
    };
    let sums = Sums::of(payment.amounts.as_ref());
    let told = Sums {
        authorized: minor(order.status.authorized.as_ref()),
        captured: minor(order.status.captured.as_ref()),
        refunded: minor(order.status.refunded.as_ref()),
    };
    court.expect(sums == told, SAME_MONEY, id, || format!("order: {told:?}, payment: {sums:?}"));
    let due = minor(payment.amount_due.as_ref());
    court.expect(due == order.amount_due, SAME_DUE, id, || {
        format!("order: {}, payment: {due}", order.amount_due)
    });
    let open = payment.operations.iter().any(|one| one.state() == PaymentOperationState::Open);
    judge_waiting(id, order, open, court);
    let excused =
        OF_PAYMENT.iter().any(|(what, hold)| order.waits_for(*what) && (open || order.is_held_for(*hold)));
    court.expect(excused || is_at_rest(order, sums), AT_REST, id, || {
        format!("{} kept, {} set aside, {} owed", sums.kept(), sums.authorized, order.amount_due)
    });
}

/// Whether payment is at what the order waits for, and only then.
fn judge_waiting(id: &str, order: &OrderHistory, open: bool, court: &mut Court) {
    for (what, hold) in OF_PAYMENT {
        let worked_on = open || order.is_held_for(hold);
        court.expect(!order.waits_for(what) || worked_on, AT_WORK, id, || {
            format!("it waits for {}, and no operation is open", what.as_str_name())
        });
    }
    // Payment asks the provider now and then, whatever the customer does.
    let waits = order.waits_for(WaitingForWhat::PaymentAction);
    court.expect(!waits || open, AT_WORK, id, || {
        "it waits for the customer's part, and no operation is open".to_owned()
    });
    let waits = order.waits_for(WaitingForWhat::PaymentRetry);
    court.expect(!waits || !open, AT_WORK, id, || {
        "it waits for another attempt, and an operation is open".to_owned()
    });
}

fn is_at_rest(order: &OrderHistory, sums: Sums) -> bool {
    let (kept, due) = (sums.kept(), order.amount_due);
    // A capture uses its authorization up; without one it must have been given up.
    let nothing = kept == 0 && (sums.authorized == 0 || sums.captured > 0);
    match order.state() {
        OrderState::Confirmed | OrderState::Completed if due == 0 => nothing,
        OrderState::Confirmed | OrderState::Completed => kept == due,
        // Some providers capture at once what they are asked to set aside.
        OrderState::Placed => kept == 0 || kept >= due,
        _ => nothing,
    }
}
