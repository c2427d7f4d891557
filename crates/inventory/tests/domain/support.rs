//! A ledger with stock in it, and short words for what is done to it.

use ordermesh_inventory::domain::{
    Actor, Change, ChangeReason, InventoryEvent, ItemKey, Ledger, LineDispatch, LineTarget, Location, Note,
    Reservation, ReservationId, Sku, Wanted,
};
use ordermesh_kernel::{OrderId, Timestamp, from_micros};

pub fn key(sku: &str, location: &str) -> ItemKey {
    ItemKey { sku: Sku::parse(sku).unwrap(), location: Location::parse(location).unwrap() }
}

pub fn change(key: ItemKey, reason: ChangeReason) -> Change {
    Change { key, reason, note: Note::none(), actor: Actor::workload("test") }
}

/// The time after so many seconds.
pub fn at(second: i64) -> Timestamp {
    from_micros(1_800_000_000_000_000 + second * 1_000_000).unwrap()
}

pub fn order(number: u128) -> OrderId {
    OrderId::from(uuid::Uuid::from_u128(number))
}

pub fn wanted(lines: &[(&str, i64)]) -> Vec<Wanted> {
    let line = |(line_id, (sku, quantity)): (i32, &(&str, i64))| Wanted {
        line_id,
        sku: Sku::parse(*sku).unwrap(),
        quantity: *quantity,
    };
    (1..).zip(lines).map(line).collect()
}

pub fn target(line_id: i32, quantity: i64) -> LineTarget {
    LineTarget { line_id, quantity }
}

/// So many pieces of a line have left, and so many will.
pub fn dispatch(line_id: i32, shipped: i64, open: i64) -> LineDispatch {
    LineDispatch { line_id, shipped, open }
}

/// A ledger with these pieces, all of whose reservations are known; what it told is taken.
pub fn stocked(items: &[(&str, &str, i64)]) -> Ledger {
    let mut ledger = Ledger::default();
    for (sku, location, pieces) in items {
        let key = key(sku, location);
        ledger.load_complete(key.clone());
        ledger.receive(change(key, ChangeReason::Received), *pieces, at(0)).unwrap();
    }
    ledger.take_events();
    ledger
}

/// On hand and reserved.
pub fn stock(ledger: &Ledger, sku: &str, location: &str) -> (i64, i64) {
    ledger.item(&key(sku, location)).map_or((0, 0), |item| (item.on_hand, item.reserved))
}

pub fn of_order(ledger: &Ledger, number: u128) -> &Reservation {
    ledger.reservation(ReservationId::of(order(number))).unwrap()
}

/// Names of what was told, with what was released, lost or reserved: `Released 2 whole`.
pub fn told(ledger: &mut Ledger) -> Vec<String> {
    use InventoryEvent::{Adjusted, Rejected, Released, ReorderLevelSet, Reserved, Shortfall};
    let pieces = |lines: &[ordermesh_inventory::domain::Pieces]| -> i64 {
        lines.iter().map(|line| line.quantity).sum()
    };
    let tell = |event: &InventoryEvent| match event {
        Reserved { lines, .. } => format!("Reserved {}", pieces(lines)),
        Rejected { reason, .. } => format!("Rejected {reason:?}"),
        Released { lines, whole: true, .. } => format!("Released {} whole", pieces(lines)),
        Released { lines, .. } => format!("Released {}", pieces(lines)),
        Shortfall { lines, remainders, .. } => {
            let left: Vec<_> = remainders.iter().map(|line| line.quantity.to_string()).collect();
            format!("Shortfall {} of {} left", pieces(lines), left.join("+"))
        }
        Adjusted { item, change, .. } => format!("Adjusted {change:+} to {}", item.on_hand),
        ReorderLevelSet { .. } => "ReorderLevelSet".to_owned(),
    };
    ledger.take_events().iter().map(tell).collect()
}
