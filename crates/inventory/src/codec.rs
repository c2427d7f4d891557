//! Domain events and answers as stored bytes: the encoded messages of the contract.

mod answer;
mod event;

use ordermesh_feed::event::wire_time;
use ordermesh_proto::inventory::v1 as wire;

use crate::domain::{Part, Pieces, Reservation, ReservationState, StockItem};

pub use answer::{item_changed, reservation_released, stock_adjusted, stock_held, stock_transferred};
pub use event::encode_event;

/// An item as the contract has it.
pub fn stock_item(item: &StockItem) -> wire::StockItem {
    wire::StockItem {
        sku: item.key.sku.as_str().to_owned(),
        location: item.key.location.as_str().to_owned(),
        on_hand: item.on_hand,
        reserved: item.reserved,
        available: item.available(),
        reorder_level: item.reorder_level,
        low: item.is_low(),
        update_time: Some(wire_time(item.update_time)),
    }
}

/// A reservation as the contract has it.
pub fn reservation(reservation: &Reservation) -> wire::Reservation {
    let id = reservation.id.to_string();
    wire::Reservation {
        order_id: if reservation.of_order { id.clone() } else { String::new() },
        reservation_id: id,
        state: wire_state(reservation.state).into(),
        lines: reservation.parts.iter().map(reservation_line).collect(),
        expire_time: reservation.expire_time.map(wire_time),
        create_time: Some(wire_time(reservation.create_time)),
        update_time: Some(wire_time(reservation.update_time)),
    }
}

/// A state as the contract has it.
pub fn wire_state(state: ReservationState) -> wire::ReservationState {
    match state {
        ReservationState::Held => wire::ReservationState::Held,
        ReservationState::Committed => wire::ReservationState::Committed,
        ReservationState::Consumed => wire::ReservationState::Consumed,
        ReservationState::Released => wire::ReservationState::Released,
        ReservationState::Rejected => wire::ReservationState::Rejected,
    }
}

fn reservation_line(part: &Part) -> wire::ReservationLine {
    wire::ReservationLine {
        line_id: part.line_id,
        sku: part.sku.as_str().to_owned(),
        location: part.location.as_str().to_owned(),
        quantity: pieces(part.quantity),
        reserved: pieces(part.reserved),
        consumed: pieces(part.consumed),
        released: pieces(part.released),
        lost: pieces(part.lost),
        restocked: pieces(part.restocked),
    }
}

fn reserved_lines(lines: &[Pieces]) -> Vec<wire::ReservedLine> {
    let line = |line: &Pieces| wire::ReservedLine {
        line_id: line.line_id,
        sku: line.sku.as_str().to_owned(),
        location: line.location.as_str().to_owned(),
        quantity: pieces(line.quantity),
    };
    lines.iter().map(line).collect()
}

/// A line has at most 1000000 pieces, so that nothing is ever cut off.
fn pieces(quantity: i64) -> i32 {
    i32::try_from(quantity).unwrap_or(i32::MAX)
}
