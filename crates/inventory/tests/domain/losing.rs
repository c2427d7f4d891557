//! Fewer pieces are there than are reserved.

use ordermesh_inventory::domain::{
    Actor, ChangeReason, Ledger, Refusal, ReservationId, ReservationState, ReturnId,
};

use crate::support::{at, change, dispatch, key, of_order, order, stock, stocked, target, told, wanted};

/// Three of ten pieces are a hold's, three a held order's, three a committed order's.
fn shared() -> (Ledger, ReservationId) {
    let mut ledger = stocked(&[("TEA", "aachen", 10), ("CUP", "aachen", 1)]);
    ledger.reserve_order(order(1), &wanted(&[("TEA", 3)]), at(1));
    ledger.commit_order(order(1), at(2));
    ledger.reserve_order(order(2), &wanted(&[("TEA", 3)]), at(3));
    let hold = ReservationId::new_v7(at(4));
    ledger.hold(hold, &wanted(&[("TEA", 3), ("CUP", 1)]), at(99), at(4)).unwrap();
    told(&mut ledger);
    (ledger, hold)
}

fn lose(ledger: &mut Ledger, pieces: i64) -> Vec<(ReservationId, i64)> {
    let lost = change(key("TEA", "aachen"), ChangeReason::Lost);
    let (_, losses) = ledger.adjust(lost, -pieces, at(5)).unwrap();
    losses.into_iter().map(|loss| (loss.id, loss.quantity)).collect()
}

#[test]
fn what_is_available_goes_first_and_nobody_loses_anything() {
    let (mut ledger, _) = shared();
    assert_eq!(lose(&mut ledger, 1), []);
    assert_eq!(told(&mut ledger), ["Adjusted -1 to 9"]);
}

#[test]
fn a_hold_ends_before_any_order_loses_a_piece_and_what_is_left_of_it_is_available_again() {
    let (mut ledger, hold) = shared();
    assert_eq!(lose(&mut ledger, 2), [(hold, 1)]);
    assert_eq!(told(&mut ledger), ["Released 3 whole", "Adjusted -2 to 8"]);
    assert_eq!((stock(&ledger, "TEA", "aachen"), stock(&ledger, "CUP", "aachen")), ((8, 6), (1, 0)));
    assert_eq!(ledger.reservation(hold).unwrap().state, ReservationState::Released);
}

#[test]
fn a_held_order_loses_before_a_committed_one_and_each_is_told() {
    let (mut ledger, hold) = shared();
    let losses = lose(&mut ledger, 8);
    assert_eq!(losses, [(hold, 3), (ReservationId::of(order(2)), 3), (ReservationId::of(order(1)), 1)]);
    let events = ["Released 1 whole", "Shortfall 3 of 0 left", "Shortfall 1 of 2 left", "Adjusted -8 to 2"];
    assert_eq!(told(&mut ledger), events);
    assert_eq!(stock(&ledger, "TEA", "aachen"), (2, 2));
    assert_eq!(of_order(&ledger, 2).state, ReservationState::Released);
    // Order answers a shortfall by cancelling the pieces: nothing is released twice.
    ledger.keep_of_order(order(1), &[target(1, 2)], at(6));
    assert!(told(&mut ledger).is_empty());
    ledger.release_order(order(1), at(7));
    assert_eq!(told(&mut ledger), ["Released 2 whole"]);
}

#[test]
fn the_newest_of_the_same_kind_loses_first() {
    let mut ledger = stocked(&[("TEA", "aachen", 6)]);
    for number in 1..=3 {
        ledger.reserve_order(order(number), &wanted(&[("TEA", 2)]), at(number.try_into().unwrap()));
    }
    told(&mut ledger);
    let count = change(key("TEA", "aachen"), ChangeReason::Counted);
    let (item, losses) = ledger.count_to(count, 3, at(9)).unwrap();
    let losers: Vec<_> = losses.iter().map(|loss| (loss.id, loss.quantity)).collect();
    assert_eq!(losers, [(ReservationId::of(order(3)), 2), (ReservationId::of(order(2)), 1)]);
    assert_eq!((item.on_hand, item.available()), (3, 0));
}

#[test]
fn more_than_is_there_cannot_be_lost_and_whose_reservations_are_not_known_loses_none() {
    let (mut ledger, _) = shared();
    let lost = || change(key("TEA", "aachen"), ChangeReason::Lost);
    assert!(matches!(ledger.adjust(lost(), -11, at(5)), Err(Refusal::LessOnHand { on_hand: 10, .. })));
    let mut unknown = Ledger::default();
    unknown.load(ledger.items().cloned(), []);
    assert!(matches!(unknown.adjust(lost(), -2, at(5)), Err(Refusal::HoldersNeeded(_))));
    assert!(told(&mut unknown).is_empty());
}

/// An order of ten pieces, all that there are; eight of them are on their way before inventory hears of it.
fn counted_after_they_left(counted: i64) -> Ledger {
    let mut ledger = stocked(&[("TEA", "aachen", 10)]);
    ledger.reserve_order(order(1), &wanted(&[("TEA", 10)]), at(1));
    ledger.commit_order(order(1), at(2));
    told(&mut ledger);
    ledger.count_to(change(key("TEA", "aachen"), ChangeReason::Counted), counted, at(3)).unwrap();
    ledger
}

#[test]
fn pieces_that_were_missed_because_they_had_left_leave_the_others_reserved() {
    let mut ledger = counted_after_they_left(2);
    assert_eq!(told(&mut ledger), ["Shortfall 8 of 2 left", "Adjusted -8 to 2"]);
    for _ in 0..2 {
        ledger.consume_of_order(order(1), &[dispatch(1, 8, 2)], at(4));
        assert_eq!(stock(&ledger, "TEA", "aachen"), (2, 2));
    }
    ledger.consume_of_order(order(1), &[dispatch(1, 10, 0)], at(5));
    assert_eq!(stock(&ledger, "TEA", "aachen"), (0, 0));
    assert_eq!(of_order(&ledger, 1).state, ReservationState::Consumed);
}

#[test]
fn what_comes_back_is_stock_again_though_it_was_missed_when_it_left() {
    let mut ledger = counted_after_they_left(2);
    ledger.consume_of_order(order(1), &[dispatch(1, 10, 0)], at(4));
    told(&mut ledger);
    let return_id = ReturnId::of(order(7));
    ledger.restock_of_order(order(1), return_id, &[target(1, 9)], &Actor::workload("inventory"), at(5));
    assert_eq!(told(&mut ledger), ["Adjusted +9 to 9"]);
}

#[test]
fn what_was_really_lost_and_is_cancelled_by_its_order_does_not_count_as_having_left() {
    let mut ledger = counted_after_they_left(7);
    ledger.keep_of_order(order(1), &[target(1, 7)], at(4));
    ledger.consume_of_order(order(1), &[dispatch(1, 7, 0)], at(5));
    assert_eq!(stock(&ledger, "TEA", "aachen"), (0, 0));
}
