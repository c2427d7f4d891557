//! Each way to break a system is found and named.

use ordermesh_proto::inventory::v1::ReservationState;
use ordermesh_proto::order::v1::{
    HoldReason, OrderHold, OrderNote, OrderReturn, OrderState, PaymentStatus, RejectionReason, ShipmentState,
    WaitingForWhat,
};
use ordermesh_proto::payment::v1::{PaymentOperation, PaymentOperationState};
use ordermesh_verify::snapshot::FeedFault;
use ordermesh_verify::{Snapshot, judge};

use crate::system::*;

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
