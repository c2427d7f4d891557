//! From where a reservation takes its pieces.

use ordermesh_inventory::domain::Refusal;

use crate::support::{at, of_order, order, stock, stocked, told, wanted};

#[test]
fn a_line_comes_from_the_location_that_has_most_and_the_first_by_name_among_equals() {
    let mut ledger = stocked(&[("TEA", "berlin", 5), ("TEA", "aachen", 5), ("TEA", "cologne", 4)]);
    ledger.reserve_order(order(1), &wanted(&[("TEA", 3)]), at(1));
    ledger.reserve_order(order(2), &wanted(&[("TEA", 3)]), at(2));
    ledger.reserve_order(order(3), &wanted(&[("TEA", 3)]), at(3));
    let from = |number| of_order(&ledger, number).parts[0].location.to_string();
    assert_eq!([from(1), from(2), from(3)], ["aachen", "berlin", "cologne"]);
}

#[test]
fn a_line_is_split_only_when_no_location_has_all_of_it() {
    let mut ledger = stocked(&[("TEA", "aachen", 4), ("TEA", "berlin", 6)]);
    ledger.reserve_order(order(1), &wanted(&[("TEA", 9)]), at(1));
    let parts: Vec<_> = of_order(&ledger, 1)
        .parts
        .iter()
        .map(|part| (part.line_id, part.location.to_string(), part.reserved))
        .collect();
    assert_eq!(parts, [(1, "berlin".to_owned(), 6), (1, "aachen".to_owned(), 3)]);
}

#[test]
fn lines_with_the_same_article_add_up() {
    let mut ledger = stocked(&[("TEA", "aachen", 5)]);
    ledger.reserve_order(order(1), &wanted(&[("TEA", 3), ("TEA", 3)]), at(1));
    assert_eq!(told(&mut ledger), ["Rejected Insufficient"]);
    ledger.reserve_order(order(2), &wanted(&[("TEA", 3), ("TEA", 2)]), at(2));
    assert_eq!((told(&mut ledger), stock(&ledger, "TEA", "aachen")), (vec!["Reserved 5".to_owned()], (5, 5)));
}

#[test]
fn nothing_is_reserved_when_a_single_article_is_missing() {
    let mut ledger = stocked(&[("TEA", "aachen", 5), ("CUP", "aachen", 1)]);
    let lines = wanted(&[("TEA", 5), ("CUP", 2), ("POT", 1)]);
    ledger.reserve_order(order(1), &lines, at(1));
    assert_eq!((stock(&ledger, "TEA", "aachen"), stock(&ledger, "CUP", "aachen")), ((5, 0), (1, 0)));
    let id = ordermesh_inventory::domain::ReservationId::new_v7(at(2));
    let refusal = ledger.hold(id, &lines, at(9), at(2)).unwrap_err();
    let Refusal::Insufficient(shortages) = refusal else { panic!("{refusal}") };
    let missing: Vec<_> =
        shortages.iter().map(|one| (one.sku.as_str(), one.requested, one.available)).collect();
    assert_eq!(missing, [("CUP", 2, 1), ("POT", 1, 0)]);
    assert!(ledger.reservation(id).is_none());
}
