//! Items and reservations as people read them.

use ordermesh_console::render::{facts, table, time};
use ordermesh_proto::inventory::v1::{
    Reservation, ReservationLine, ReservationState, ReservedLine, StockItem,
};

/// Items, a row each.
pub fn items<'a>(items: impl IntoIterator<Item = &'a StockItem>) -> String {
    let row = |item: &StockItem| {
        [
            item.sku.clone(),
            item.location.clone(),
            item.on_hand.to_string(),
            item.reserved.to_string(),
            item.available.to_string(),
            item.reorder_level.map_or_else(String::new, |level| level.to_string()),
            if item.low { "low".to_owned() } else { String::new() },
        ]
    };
    let header = ["SKU", "LOCATION", "ON HAND", "RESERVED", "AVAILABLE", "REORDER AT", ""];
    table(header, items.into_iter().map(row))
}

/// What is reserved or released where, a row each.
pub fn lines(lines: &[ReservedLine]) -> String {
    let row = |line: &ReservedLine| {
        let (line_id, pieces) = (line.line_id.to_string(), line.quantity.to_string());
        [line_id, line.sku.clone(), line.location.clone(), pieces]
    };
    table(["LINE", "SKU", "LOCATION", "PIECES"], lines.iter().map(row))
}

/// Reservations, a row each.
pub fn reservations(reservations: &[Reservation]) -> String {
    let row = |one: &Reservation| {
        let pieces = |count: fn(&ReservationLine) -> i32| {
            one.lines.iter().map(|line| i64::from(count(line))).sum::<i64>().to_string()
        };
        [
            one.reservation_id.clone(),
            if one.order_id.is_empty() { "hold".to_owned() } else { "order".to_owned() },
            state(one.state),
            pieces(|line| line.reserved),
            pieces(|line| line.consumed),
            time(one.create_time.as_ref()),
            time(one.expire_time.as_ref()),
        ]
    };
    let header = ["RESERVATION", "OF", "STATE", "RESERVED", "LEFT", "MADE", "ENDS"];
    table(header, reservations.iter().map(row))
}

/// One reservation with all its lines.
pub fn reservation(one: &Reservation) -> String {
    let row = |line: &ReservationLine| {
        let counts = [line.quantity, line.reserved, line.consumed, line.released, line.lost, line.restocked];
        let [quantity, reserved, consumed, released, lost, restocked] = counts.map(|count| count.to_string());
        let (sku, location) = (line.sku.clone(), line.location.clone());
        [line.line_id.to_string(), sku, location, quantity, reserved, consumed, released, lost, restocked]
    };
    let header = ["LINE", "SKU", "LOCATION", "PIECES", "RESERVED", "LEFT", "RELEASED", "LOST", "RESTOCKED"];
    let about = facts(&[
        ("reservation", one.reservation_id.clone()),
        ("order", one.order_id.clone()),
        ("state", state(one.state)),
        ("made", time(one.create_time.as_ref())),
        ("changed", time(one.update_time.as_ref())),
        ("ends", one.expire_time.as_ref().map_or_else(String::new, |end| time(Some(end)))),
    ]);
    format!("{about}\n\n{}", table(header, one.lines.iter().map(row)))
}

/// A state such as `HELD`; the number of a state that is newer than this program.
fn state(state: i32) -> String {
    ReservationState::try_from(state).map_or(format!("STATE {state}"), |state| {
        state.as_str_name().trim_start_matches("RESERVATION_STATE_").to_owned()
    })
}
