//! The checker is checked: a sound system has no offence, and each way to break it is found and named.

#![expect(clippy::unwrap_used, reason = "a test may panic, and its helpers too")]

mod system;
mod ways;

use std::collections::BTreeMap;

use ordermesh_proto::inventory::v1::ReservationState;
use ordermesh_proto::order::v1::{HoldReason, OrderState, PaymentStatus, WaitingForWhat};
use ordermesh_verify::{Snapshot, judge};

use system::*;

#[test]
fn a_sound_system_has_no_offence_and_is_counted() {
    let verdict = judge(&sound());
    assert_eq!(verdict.offences, []);
    assert_eq!((verdict.orders, verdict.open_orders), (1, 1));
    assert_eq!((verdict.stock_items, verdict.reservations, verdict.payments), (1, 1, 1));
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
