//! Whatever happens in whatever order, the counts stay right.

use std::collections::BTreeMap;

use ordermesh_inventory::domain::{
    Actor, ChangeReason, InventoryEvent, ItemKey, Ledger, Location, Pieces, ReservationId, ReturnId,
};
use proptest::prelude::*;

use crate::support::{at, change, dispatch, key, order, stock, target, wanted};

const SKUS: [&str; 3] = ["TEA", "CUP", "POT"];
const PLACES: [&str; 3] = ["aachen", "berlin", "cologne"];

#[derive(Clone, Debug)]
enum Step {
    Receive(usize, usize, i64),
    Adjust(usize, usize, i64),
    Count(usize, usize, i64),
    Transfer(usize, usize, usize, i64),
    Hold(u128, Vec<(usize, i64)>),
    ReleaseHold(u128),
    Expire(u128, i64),
    Reserve(u128, Vec<(usize, i64)>),
    Commit(u128),
    Release(u128),
    Keep(u128, i32, i64),
    Consume(u128, i32, i64, i64),
    Restock(u128, u128, i32, i64),
}

fn step() -> impl Strategy<Value = Step> {
    let (sku, place, few) = (0..3usize, 0..3usize, 1..9i64);
    let lines = prop::collection::vec((0..3usize, 1..6i64), 1..4);
    let (number, line) = (1..6u128, 1..4i32);
    prop_oneof![
        3 => (sku.clone(), place.clone(), 1..20i64).prop_map(|(s, p, n)| Step::Receive(s, p, n)),
        2 => (sku.clone(), place.clone(), -9..9i64).prop_map(|(s, p, n)| Step::Adjust(s, p, n)),
        1 => (sku.clone(), place.clone(), 0..12i64).prop_map(|(s, p, n)| Step::Count(s, p, n)),
        1 => (sku, place.clone(), place, few.clone()).prop_map(|(s, p, q, n)| Step::Transfer(s, p, q, n)),
        2 => (100..104u128, lines.clone()).prop_map(|(n, l)| Step::Hold(n, l)),
        1 => (100..104u128).prop_map(Step::ReleaseHold),
        1 => (100..104u128, 0..60i64).prop_map(|(n, t)| Step::Expire(n, t)),
        4 => (number.clone(), lines).prop_map(|(n, l)| Step::Reserve(n, l)),
        2 => number.clone().prop_map(Step::Commit),
        1 => number.clone().prop_map(Step::Release),
        2 => (number.clone(), line.clone(), 0..6i64).prop_map(|(n, l, q)| Step::Keep(n, l, q)),
        3 => (number.clone(), line.clone(), few.clone(), 0..4i64)
            .prop_map(|(n, l, q, o)| Step::Consume(n, l, q, o)),
        2 => (number, 0..3u128, line, few).prop_map(|(n, r, l, q)| Step::Restock(n, r, l, q)),
    ]
}

fn lines(lines: &[(usize, i64)]) -> Vec<(&'static str, i64)> {
    lines.iter().map(|(sku, quantity)| (SKUS[*sku], *quantity)).collect()
}

fn take(ledger: &mut Ledger, step: &Step, second: i64) {
    let now = at(second);
    let hold = |number: u128| ReservationId::of(order(number));
    let item = |sku: usize, place: usize| key(SKUS[sku], PLACES[place]);
    let lost = |key| change(key, ChangeReason::Lost);
    match step {
        Step::Receive(s, p, n) => drop(ledger.receive(lost(item(*s, *p)), *n, now)),
        Step::Adjust(s, p, n) => drop(ledger.adjust(lost(item(*s, *p)), *n, now)),
        Step::Count(s, p, n) => drop(ledger.count_to(lost(item(*s, *p)), *n, now)),
        Step::Transfer(s, from, to, n) => {
            drop(ledger.transfer(lost(item(*s, *from)), Location::parse(PLACES[*to]).unwrap(), *n, now));
        }
        Step::Hold(n, l) if ledger.reservation(hold(*n)).is_none() => {
            drop(ledger.hold(hold(*n), &wanted(&lines(l)), at(second + 20), now));
        }
        Step::Hold(..) => {}
        Step::ReleaseHold(n) => drop(ledger.release_hold(hold(*n), now)),
        Step::Expire(n, later) => {
            ledger.expire_hold(hold(*n), at(second + later));
        }
        Step::Reserve(n, l) => ledger.reserve_order(order(*n), &wanted(&lines(l)), now),
        Step::Commit(n) => ledger.commit_order(order(*n), now),
        Step::Release(n) => ledger.release_order(order(*n), now),
        Step::Keep(n, l, q) => ledger.keep_of_order(order(*n), &[target(*l, *q)], now),
        Step::Consume(n, l, q, o) => ledger.consume_of_order(order(*n), &[dispatch(*l, *q, *o)], now),
        Step::Restock(n, r, l, q) => {
            let (id, actor) = (ReturnId::of(order(1000 + n * 10 + r)), Actor::workload("inventory"));
            ledger.restock_of_order(order(*n), id, &[target(*l, *q)], &actor, now);
        }
    }
}

/// What every ledger keeps.
fn assert_sound(ledger: &Ledger) {
    let mut reserved: BTreeMap<ItemKey, i64> = BTreeMap::new();
    for reservation in ledger.reservations() {
        assert!(reservation.is_sound(), "{reservation:?}");
        for part in &reservation.parts {
            *reserved.entry(part.key()).or_default() += part.reserved;
        }
    }
    for item in ledger.items() {
        assert!(item.is_sound(), "{item:?}");
        assert_eq!(item.on_hand, item.available() + item.reserved);
        assert_eq!(item.reserved, reserved.get(&item.key).copied().unwrap_or_default(), "{}", item.key);
    }
}

/// What only listens to the events knows what is available of every item, and every key's revisions without a gap.
#[derive(Default)]
struct Listener {
    available: BTreeMap<ItemKey, i64>,
    revisions: BTreeMap<String, i64>,
}

impl Listener {
    fn hear(&mut self, event: &InventoryEvent) {
        let (key, revision) = match event {
            InventoryEvent::Reserved { stamp, lines, .. } => {
                self.add(lines, -1);
                (stamp.id.to_string(), stamp.revision)
            }
            InventoryEvent::Released { stamp, lines, .. } => {
                self.add(lines, 1);
                (stamp.id.to_string(), stamp.revision)
            }
            InventoryEvent::Rejected { stamp, .. } | InventoryEvent::Shortfall { stamp, .. } => {
                (stamp.id.to_string(), stamp.revision)
            }
            InventoryEvent::Adjusted { item, .. } | InventoryEvent::ReorderLevelSet { item, .. } => {
                self.available.insert(item.key.clone(), item.available());
                (item.key.to_string(), item.revision)
            }
        };
        let before = self.revisions.insert(key.clone(), revision).unwrap_or(0);
        assert_eq!(revision, before + 1, "{key}");
    }

    fn add(&mut self, lines: &[Pieces], sign: i64) {
        for Pieces { sku, location, quantity, .. } in lines {
            let key = ItemKey { sku: sku.clone(), location: location.clone() };
            *self.available.entry(key).or_default() += sign * quantity;
        }
    }
}

proptest! {
    #[test]
    fn any_history_keeps_every_count_and_its_events_tell_what_is_available(
        steps in prop::collection::vec(step(), 1..120),
    ) {
        let mut ledger = Ledger::default();
        for (sku, place) in SKUS.iter().flat_map(|sku| PLACES.iter().map(move |place| (sku, place))) {
            ledger.load_complete(key(sku, place));
        }
        let mut listener = Listener::default();
        for (second, step) in (0..).zip(&steps) {
            let before = ledger.clone();
            take(&mut ledger, step, second);
            assert_sound(&ledger);
            for event in ledger.take_events() {
                listener.hear(&event);
            }
            // All or nothing: who has a new reservation has every piece that was wanted.
            if let Step::Reserve(number, wanted) = step
                && before.reservation(ReservationId::of(order(*number))).is_none()
            {
                let new = ledger.reservation(ReservationId::of(order(*number))).unwrap();
                let reserved: i64 = new.parts.iter().map(|part| part.reserved).sum();
                let all: i64 = wanted.iter().map(|(_, quantity)| quantity).sum();
                prop_assert_eq!(reserved, if new.is_active() { all } else { 0 });
            }
        }
        for item in ledger.items() {
            let heard = listener.available.get(&item.key).copied().unwrap_or_default();
            prop_assert_eq!(item.available(), heard, "{}", item.key);
        }
    }

    #[test]
    fn what_the_order_feed_says_twice_changes_nothing(
        steps in prop::collection::vec(step(), 1..60),
    ) {
        let absolute = |step: &Step| matches!(
            step,
            Step::Reserve(..) | Step::Commit(..) | Step::Keep(..) | Step::Consume(..) | Step::Restock(..)
        );
        let mut ledger = Ledger::default();
        for sku in SKUS {
            ledger.load_complete(key(sku, "aachen"));
            drop(ledger.receive(change(key(sku, "aachen"), ChangeReason::Received), 20, at(0)));
        }
        for (second, step) in (0..).zip(&steps) {
            take(&mut ledger, step, second);
            if absolute(step) {
                let counts = |ledger: &Ledger| SKUS.map(|sku| PLACES.map(|place| stock(ledger, sku, place)));
                ledger.take_events();
                let before = counts(&ledger);
                take(&mut ledger, step, second);
                // A late reservation of a tombstone is refused once; after that it is known.
                prop_assert_eq!(counts(&ledger), before);
                prop_assert!(ledger.take_events().is_empty());
            }
        }
    }
}
