//! What becomes of an order's pieces, in order, twice, late and for nothing.

use ordermesh_inventory::domain::{Actor, ReservationId, ReservationState, ReturnId};

use crate::support::{at, dispatch, of_order, order, stock, stocked, target, told, wanted};

#[test]
fn an_order_goes_from_reserved_to_consumed_and_every_word_counts_once() {
    let mut ledger = stocked(&[("TEA", "aachen", 4), ("TEA", "berlin", 6)]);
    for _ in 0..2 {
        ledger.reserve_order(order(1), &wanted(&[("TEA", 9)]), at(1));
        ledger.commit_order(order(1), at(2));
    }
    assert_eq!(told(&mut ledger), ["Reserved 9"]);
    assert_eq!(of_order(&ledger, 1).state, ReservationState::Committed);
    for _ in 0..2 {
        ledger.consume_of_order(order(1), &[dispatch(1, 7, 2)], at(3));
    }
    assert_eq!((stock(&ledger, "TEA", "berlin"), stock(&ledger, "TEA", "aachen")), ((0, 0), (3, 2)));
    ledger.consume_of_order(order(1), &[dispatch(1, 9, 0)], at(4));
    assert_eq!(of_order(&ledger, 1).state, ReservationState::Consumed);
    let back = |ledger: &mut _, number: u128, pieces| {
        let return_id = ReturnId::of(order(number));
        let ledger: &mut ordermesh_inventory::domain::Ledger = ledger;
        ledger.restock_of_order(
            order(1),
            return_id,
            &[target(1, pieces)],
            &Actor::workload("inventory"),
            at(5),
        );
    };
    back(&mut ledger, 100, 7);
    back(&mut ledger, 100, 7);
    assert_eq!(told(&mut ledger), ["Adjusted +1 to 2", "Adjusted +6 to 6"]);
    // Of nine pieces that had left seven are back: a false count cannot make more of them.
    back(&mut ledger, 101, 5);
    assert_eq!((stock(&ledger, "TEA", "berlin"), stock(&ledger, "TEA", "aachen")), ((6, 0), (4, 0)));
}

#[test]
fn a_release_is_always_answered() {
    let mut ledger = stocked(&[("TEA", "aachen", 5)]);
    ledger.reserve_order(order(1), &wanted(&[("TEA", 3)]), at(1));
    ledger.release_order(order(1), at(2));
    ledger.release_order(order(1), at(3));
    ledger.reserve_order(order(2), &wanted(&[("TEA", 9)]), at(4));
    ledger.release_order(order(2), at(5));
    let answers =
        ["Reserved 3", "Released 3 whole", "Released 0 whole", "Rejected Insufficient", "Released 0 whole"];
    assert_eq!(told(&mut ledger), answers);
    assert_eq!(stock(&ledger, "TEA", "aachen"), (5, 0));
    assert_eq!(of_order(&ledger, 1).revision, 3);
}

#[test]
fn a_release_that_comes_first_refuses_the_late_order_once() {
    let mut ledger = stocked(&[("TEA", "aachen", 5)]);
    ledger.release_order(order(1), at(1));
    for _ in 0..2 {
        ledger.reserve_order(order(1), &wanted(&[("TEA", 3)]), at(2));
    }
    assert_eq!(told(&mut ledger), ["Released 0 whole", "Rejected ReleasedBefore"]);
    assert_eq!(stock(&ledger, "TEA", "aachen"), (5, 0));
}

#[test]
fn cancelled_pieces_are_released_from_what_was_taken_last_and_only_once() {
    let mut ledger = stocked(&[("TEA", "aachen", 4), ("TEA", "berlin", 6), ("CUP", "aachen", 2)]);
    ledger.reserve_order(order(1), &wanted(&[("TEA", 9), ("CUP", 2)]), at(1));
    told(&mut ledger);
    for _ in 0..2 {
        ledger.keep_of_order(order(1), &[target(1, 5)], at(2));
    }
    assert_eq!(told(&mut ledger), ["Released 4"]);
    assert_eq!((stock(&ledger, "TEA", "berlin"), stock(&ledger, "TEA", "aachen")), ((6, 5), (4, 0)));
    ledger.consume_of_order(order(1), &[dispatch(1, 2, 3)], at(3));
    ledger.keep_of_order(order(1), &[target(1, 0), target(2, 0)], at(4));
    assert_eq!(told(&mut ledger), ["Released 5"]);
    assert_eq!(of_order(&ledger, 1).state, ReservationState::Consumed);
    ledger.reserve_order(order(2), &wanted(&[("CUP", 2)]), at(5));
    ledger.keep_of_order(order(2), &[target(1, 0)], at(6));
    assert_eq!(told(&mut ledger), ["Reserved 2", "Released 2 whole"]);
}

#[test]
fn a_hold_ends_at_its_time_and_not_before_and_an_orders_never_does() {
    let mut ledger = stocked(&[("TEA", "aachen", 5)]);
    let id = ReservationId::new_v7(at(1));
    ledger.hold(id, &wanted(&[("TEA", 2)]), at(10), at(1)).unwrap();
    ledger.reserve_order(order(1), &wanted(&[("TEA", 3)]), at(1));
    told(&mut ledger);
    ledger.expire_hold(id, at(9));
    ledger.expire_hold(ReservationId::of(order(1)), at(99));
    assert!(told(&mut ledger).is_empty());
    ledger.expire_hold(id, at(10));
    ledger.expire_hold(id, at(11));
    assert_eq!(told(&mut ledger), ["Released 2 whole"]);
    assert!(ledger.release_hold(id, at(12)).is_err());
    assert!(ledger.release_hold(ReservationId::of(order(1)), at(12)).is_err());
}

#[test]
fn what_nobody_knows_changes_nothing() {
    let mut ledger = stocked(&[("TEA", "aachen", 5)]);
    ledger.commit_order(order(1), at(1));
    ledger.keep_of_order(order(1), &[target(1, 0)], at(1));
    ledger.consume_of_order(order(1), &[dispatch(1, 3, 0)], at(1));
    let return_id = ReturnId::of(order(7));
    ledger.restock_of_order(order(1), return_id, &[target(1, 3)], &Actor::workload("inventory"), at(1));
    assert!(told(&mut ledger).is_empty() && ledger.changed_reservations().count() == 0);
}
