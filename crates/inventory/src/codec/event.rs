//! Events as the log takes them.

use ordermesh_feed::event::{NewEvent, wire_time};
use ordermesh_kernel::Timestamp;
use ordermesh_proto::inventory::v1 as wire;
use prost::Message;

use super::{pieces, reserved_lines};
use crate::domain::{
    Actor, ChangeReason, InventoryEvent, LineTarget, Note, RejectionReason, Shortage, Stamp, StockItem,
};

/// Version of all payloads' schema.
const SCHEMA_VERSION: i32 = 1;

/// An event as the log takes it. Inventory knows nothing of persons, so that no event has a personal part.
pub fn encode_event(event: &InventoryEvent) -> NewEvent {
    match event {
        InventoryEvent::Reserved { stamp, lines, expire_time } => {
            let (reservation_id, order_id) = ids(stamp);
            let (lines, expire_time) = (reserved_lines(lines), expire_time.map(wire_time));
            let payload = wire::StockReserved { reservation_id, order_id, lines, expire_time };
            of_reservation("StockReserved", stamp, payload.encode_to_vec())
        }
        InventoryEvent::Rejected { stamp, reason, shortages } => {
            let (reservation_id, order_id) = ids(stamp);
            let reason = rejection_reason(*reason).into();
            let shortages = shortages.iter().map(shortage).collect();
            let payload = wire::StockRejected { reservation_id, order_id, reason, shortages };
            of_reservation("StockRejected", stamp, payload.encode_to_vec())
        }
        InventoryEvent::Released { stamp, lines, whole } => {
            let (reservation_id, order_id) = ids(stamp);
            let (lines, whole) = (reserved_lines(lines), *whole);
            let payload = wire::StockReleased { reservation_id, order_id, lines, whole };
            of_reservation("StockReleased", stamp, payload.encode_to_vec())
        }
        InventoryEvent::Shortfall { stamp, lines, remainders } => {
            let (order_id, _) = ids(stamp);
            let remainder = |line: &LineTarget| wire::LineRemainder {
                line_id: line.line_id,
                reserved: pieces(line.quantity),
            };
            let remainders = remainders.iter().map(remainder).collect();
            let payload = wire::StockShortfallDetected { order_id, lines: reserved_lines(lines), remainders };
            of_reservation("StockShortfallDetected", stamp, payload.encode_to_vec())
        }
        InventoryEvent::Adjusted { item, change, reason, note, actor, occurred_time } => {
            let payload = adjusted(item, *change, *reason, note, actor);
            of_item("StockAdjusted", item, *occurred_time, payload.encode_to_vec())
        }
        InventoryEvent::ReorderLevelSet { item, actor, occurred_time } => {
            let payload = wire::ReorderLevelSet {
                sku: item.key.sku.as_str().to_owned(),
                location: item.key.location.as_str().to_owned(),
                reorder_level: item.reorder_level,
                on_hand: item.on_hand,
                available: item.available(),
                actor: actor.as_str().to_owned(),
            };
            of_item("ReorderLevelSet", item, *occurred_time, payload.encode_to_vec())
        }
    }
}

/// The reservation's id, and the order's or nothing.
fn ids(stamp: &Stamp) -> (String, String) {
    let id = stamp.id.to_string();
    let order_id = if stamp.of_order { id.clone() } else { String::new() };
    (id, order_id)
}

fn of_reservation(kind: &'static str, stamp: &Stamp, payload: Vec<u8>) -> NewEvent {
    NewEvent {
        kind,
        schema_version: SCHEMA_VERSION,
        key: stamp.id.to_string(),
        key_revision: stamp.revision,
        occurred: stamp.occurred_time,
        payload,
        personal: None,
    }
}

fn of_item(kind: &'static str, item: &StockItem, occurred: Timestamp, payload: Vec<u8>) -> NewEvent {
    NewEvent {
        kind,
        schema_version: SCHEMA_VERSION,
        key: item.key.to_string(),
        key_revision: item.revision,
        occurred,
        payload,
        personal: None,
    }
}

fn adjusted(
    item: &StockItem,
    change: i64,
    reason: ChangeReason,
    note: &Note,
    actor: &Actor,
) -> wire::StockAdjusted {
    wire::StockAdjusted {
        sku: item.key.sku.as_str().to_owned(),
        location: item.key.location.as_str().to_owned(),
        change,
        on_hand: item.on_hand,
        available: item.available(),
        reason: change_reason(reason).into(),
        note: note.as_str().to_owned(),
        actor: actor.as_str().to_owned(),
    }
}

fn shortage(shortage: &Shortage) -> wire::StockShortage {
    let Shortage { sku, requested, available } = shortage;
    wire::StockShortage { sku: sku.as_str().to_owned(), requested: *requested, available: *available }
}

fn rejection_reason(reason: RejectionReason) -> wire::StockRejectionReason {
    match reason {
        RejectionReason::Insufficient => wire::StockRejectionReason::Insufficient,
        RejectionReason::ReleasedBefore => wire::StockRejectionReason::ReleasedBefore,
    }
}

fn change_reason(reason: ChangeReason) -> wire::StockChangeReason {
    match reason {
        ChangeReason::Received => wire::StockChangeReason::Received,
        ChangeReason::Counted => wire::StockChangeReason::Counted,
        ChangeReason::Lost => wire::StockChangeReason::Lost,
        ChangeReason::Transferred => wire::StockChangeReason::Transferred,
        ChangeReason::Returned => wire::StockChangeReason::Returned,
    }
}
