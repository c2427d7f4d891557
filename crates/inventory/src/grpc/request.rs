//! Requests to commands and queries: every field parsed into the domain's values, every broken rule named by its path.

use std::collections::BTreeSet;
use std::time::Duration;

use ordermesh_kernel::{RequestId, TextError};
use ordermesh_proto::error::{Problem, Violations};
use ordermesh_proto::inventory::v1::{self as wire, adjust_stock_request as adjust};

use crate::command::adjust_stock::{AdjustStock, Adjustment};
use crate::command::receive_stock::ReceiveStock;
use crate::command::release_reservation::ReleaseReservation;
use crate::command::reserve_stock::ReserveStock;
use crate::command::set_reorder_level::SetReorderLevel;
use crate::command::transfer_stock::TransferStock;
use crate::domain::{
    Actor, Change, ChangeReason, ItemKey, Location, MAX_ON_HAND, Note, ReservationId, ReservationState, Sku,
    Wanted,
};
use crate::query::check_availability::CheckAvailability;
use crate::query::get_reservation::GetReservation;
use crate::query::get_stock::GetStock;
use crate::query::list_reservations::ListReservations;
use crate::query::list_stock::ListStock;
use crate::query::page::Page;
use crate::query::watch_low_stock::WatchLowStock;
use crate::store::read::{ItemFilter, ReservationFilter};

/// Pieces that a command or a question may name.
const MAX_PIECES: i64 = 1_000_000_000;
/// Pieces of a reservation's line.
const MAX_LINE_PIECES: i32 = 1_000_000;
/// Lines of a reservation, articles of a question.
const MAX_LINES: usize = 100;
/// Rows a page at most, and when nothing is said.
const PAGE_ROWS: (i32, i32) = (200, 50);
const MIN_HOLD: Duration = Duration::from_secs(1);
const MAX_HOLD: Duration = Duration::from_secs(7 * 24 * 3600);

type Parsed<C> = Result<(RequestId, C), Problem>;

/// What was parsed, when nothing was wrong. Nothing else leaves a value out.
fn whole<T>(violations: Violations, parsed: Option<T>) -> Result<T, Problem> {
    use ordermesh_proto::common::v1::CommonErrorReason;
    violations.into_problem()?;
    let unchecked = "a checked field is missing";
    parsed.ok_or_else(|| Problem::new(tonic::Code::Internal, CommonErrorReason::Internal, unchecked))
}

pub(super) fn receive_stock(wire: wire::ReceiveStockRequest, actor: Actor) -> Parsed<ReceiveStock> {
    let v = &mut Violations::default();
    let request_id = v.check("request_id", RequestId::parse(wire.request_id));
    let key = key(v, wire.sku, wire.location);
    let quantity = within(v, "quantity", wire.quantity, 1, MAX_PIECES);
    let note = v.check("note", Note::parse(wire.note));
    let parsed = || {
        let change = Change { key: key?, reason: ChangeReason::Received, note: note?, actor };
        Some((request_id?, ReceiveStock { change, quantity: quantity? }))
    };
    whole(std::mem::take(v), parsed())
}

pub(super) fn adjust_stock(wire: wire::AdjustStockRequest, actor: Actor) -> Parsed<AdjustStock> {
    let v = &mut Violations::default();
    let request_id = v.check("request_id", RequestId::parse(wire.request_id.as_str()));
    let reason = match wire.reason() {
        wire::StockChangeReason::Counted => Some(ChangeReason::Counted),
        wire::StockChangeReason::Lost => Some(ChangeReason::Lost),
        _ => None,
    };
    if reason.is_none() {
        v.add("reason", "must be STOCK_CHANGE_REASON_COUNTED or STOCK_CHANGE_REASON_LOST");
    }
    let key = key(v, wire.sku, wire.location);
    let adjustment = adjustment(v, wire.adjustment);
    if reason == Some(ChangeReason::Lost) {
        match adjustment {
            Some(Adjustment::Change(1..)) => v.add("change", "must be negative when goods are lost"),
            // It may come to more than was thought, which is no loss.
            Some(Adjustment::Counted(_)) => {
                v.add("reason", "must be STOCK_CHANGE_REASON_COUNTED for a count")
            }
            _ => {}
        }
    }
    let note = v.check("note", Note::parse(wire.note));
    let parsed = || {
        let change = Change { key: key?, reason: reason?, note: note?, actor };
        Some((request_id?, AdjustStock { change, adjustment: adjustment?, with_holders: false }))
    };
    whole(std::mem::take(v), parsed())
}

fn adjustment(v: &mut Violations, wire: Option<adjust::Adjustment>) -> Option<Adjustment> {
    match wire {
        Some(adjust::Adjustment::Counted(counted)) => {
            within(v, "counted", counted, 0, MAX_ON_HAND).map(Adjustment::Counted)
        }
        Some(adjust::Adjustment::Change(0)) => {
            v.add("change", "must not be 0");
            None
        }
        Some(adjust::Adjustment::Change(change)) => {
            within(v, "change", change, -MAX_PIECES, MAX_PIECES).map(Adjustment::Change)
        }
        None => {
            v.add("adjustment", "must be counted or change");
            None
        }
    }
}

pub(super) fn transfer_stock(wire: wire::TransferStockRequest, actor: Actor) -> Parsed<TransferStock> {
    let v = &mut Violations::default();
    let request_id = v.check("request_id", RequestId::parse(wire.request_id));
    if wire.from_location == wire.to_location {
        v.add("to_location", "must be another location than from_location");
    }
    let sku = v.check("sku", Sku::parse(wire.sku));
    let from = v.check("from_location", Location::parse(wire.from_location));
    let to = v.check("to_location", Location::parse(wire.to_location));
    let quantity = within(v, "quantity", wire.quantity, 1, MAX_PIECES);
    let note = v.check("note", Note::parse(wire.note));
    let parsed = || {
        let key = ItemKey { sku: sku?, location: from? };
        let change = Change { key, reason: ChangeReason::Transferred, note: note?, actor };
        Some((request_id?, TransferStock { change, to: to?, quantity: quantity? }))
    };
    whole(std::mem::take(v), parsed())
}

pub(super) fn reserve_stock(wire: wire::ReserveStockRequest) -> Parsed<ReserveStock> {
    let v = &mut Violations::default();
    let request_id = v.check("request_id", RequestId::parse(wire.request_id));
    let count = wire.lines.len();
    if !(1..=MAX_LINES).contains(&count) {
        v.add("lines", format!("must have 1 to {MAX_LINES} entries, not {count}"));
    }
    let mut wanted = Vec::with_capacity(count.min(MAX_LINES));
    for (index, line) in wire.lines.into_iter().enumerate().take(MAX_LINES) {
        let sku = v.check(format!("lines[{index}].sku"), Sku::parse(line.sku));
        let path = format!("lines[{index}].quantity");
        let quantity = within(v, &path, line.quantity.into(), 1, MAX_LINE_PIECES.into());
        let line_id = i32::try_from(index + 1).unwrap_or(i32::MAX);
        wanted.extend(sku.zip(quantity).map(|(sku, quantity)| Wanted { line_id, sku, quantity }));
    }
    let hold = hold(v, wire.hold_duration);
    let parsed = || Some((request_id?, ReserveStock { wanted, hold: hold? }));
    whole(std::mem::take(v), parsed())
}

fn hold(v: &mut Violations, wire: Option<prost_types::Duration>) -> Option<Duration> {
    let Some(wire) = wire else {
        v.add("hold_duration", "must be given");
        return None;
    };
    let duration = Duration::try_from(wire).ok().filter(|hold| (MIN_HOLD..=MAX_HOLD).contains(hold));
    if duration.is_none() {
        v.add("hold_duration", "must be 1 s to 7 days");
    }
    duration
}

pub(super) fn release_reservation(wire: wire::ReleaseReservationRequest) -> Parsed<ReleaseReservation> {
    let v = &mut Violations::default();
    let request_id = v.check("request_id", RequestId::parse(wire.request_id));
    let id = v.check("reservation_id", ReservationId::parse(&wire.reservation_id));
    let parsed = || Some((request_id?, ReleaseReservation { id: id? }));
    whole(std::mem::take(v), parsed())
}

pub(super) fn set_reorder_level(wire: wire::SetReorderLevelRequest, actor: Actor) -> Parsed<SetReorderLevel> {
    let v = &mut Violations::default();
    let request_id = v.check("request_id", RequestId::parse(wire.request_id));
    let key = key(v, wire.sku, wire.location);
    let level = wire.reorder_level;
    level.map(|level| within(v, "reorder_level", level, 0, MAX_PIECES));
    let parsed = || Some((request_id?, SetReorderLevel { key: key?, level, actor }));
    whole(std::mem::take(v), parsed())
}

pub(super) fn get_stock(wire: wire::GetStockRequest) -> Result<GetStock, Problem> {
    let v = &mut Violations::default();
    let sku = v.check("sku", Sku::parse(wire.sku));
    whole(std::mem::take(v), sku.map(|sku| GetStock { sku }))
}

pub(super) fn list_stock(wire: wire::ListStockRequest) -> Result<ListStock, Problem> {
    let v = &mut Violations::default();
    let page = page(v, wire.page_size, wire.page_token);
    let location = optional(v, "location", wire.location, Location::parse);
    let filter = ItemFilter { location, low_only: wire.low_only };
    whole(std::mem::take(v), Some(ListStock { filter, page }))
}

pub(super) fn check_availability(wire: wire::CheckAvailabilityRequest) -> Result<CheckAvailability, Problem> {
    let v = &mut Violations::default();
    let count = wire.articles.len();
    if !(1..=MAX_LINES).contains(&count) {
        v.add("articles", format!("must have 1 to {MAX_LINES} entries, not {count}"));
    }
    let (mut articles, mut known) = (Vec::new(), BTreeSet::new());
    for (index, article) in wire.articles.into_iter().enumerate().take(MAX_LINES) {
        let sku = v.check(format!("articles[{index}].sku"), Sku::parse(article.sku));
        let quantity = within(v, &format!("articles[{index}].quantity"), article.quantity, 0, MAX_PIECES);
        if let Some(sku) = &sku
            && !known.insert(sku.clone())
        {
            v.add(format!("articles[{index}].sku"), "must not be asked for twice");
        }
        articles.extend(sku.zip(quantity).map(|(sku, quantity)| (sku, quantity.max(1))));
    }
    whole(std::mem::take(v), Some(CheckAvailability { articles }))
}

pub(super) fn get_reservation(wire: wire::GetReservationRequest) -> Result<GetReservation, Problem> {
    let v = &mut Violations::default();
    let id = v.check("reservation_id", ReservationId::parse(&wire.reservation_id));
    whole(std::mem::take(v), id.map(|id| GetReservation { id }))
}

pub(super) fn list_reservations(wire: wire::ListReservationsRequest) -> Result<ListReservations, Problem> {
    let v = &mut Violations::default();
    let page = page(v, wire.page_size, wire.page_token);
    let state = match wire::ReservationState::try_from(wire.state) {
        Ok(state) => domain_state(state),
        Err(_) => {
            v.add("state", "must be a state of the contract");
            None
        }
    };
    let sku = optional(v, "sku", wire.sku, Sku::parse);
    whole(std::mem::take(v), Some(ListReservations { filter: ReservationFilter { state, sku }, page }))
}

fn domain_state(state: wire::ReservationState) -> Option<ReservationState> {
    match state {
        wire::ReservationState::Unspecified => None,
        wire::ReservationState::Held => Some(ReservationState::Held),
        wire::ReservationState::Committed => Some(ReservationState::Committed),
        wire::ReservationState::Consumed => Some(ReservationState::Consumed),
        wire::ReservationState::Released => Some(ReservationState::Released),
        wire::ReservationState::Rejected => Some(ReservationState::Rejected),
    }
}

pub(super) fn watch_low_stock(wire: wire::WatchLowStockRequest) -> Result<WatchLowStock, Problem> {
    let v = &mut Violations::default();
    let location = optional(v, "location", wire.location, Location::parse);
    whole(std::mem::take(v), Some(WatchLowStock { location }))
}

fn key(v: &mut Violations, sku: String, location: String) -> Option<ItemKey> {
    let sku = v.check("sku", Sku::parse(sku));
    let location = v.check("location", Location::parse(location));
    Some(ItemKey { sku: sku?, location: location? })
}

fn within(v: &mut Violations, path: &str, number: i64, min: i64, max: i64) -> Option<i64> {
    let allowed = (min..=max).contains(&number);
    if !allowed {
        v.add(path, format!("must be {min} to {max}"));
    }
    allowed.then_some(number)
}

/// A field that is empty when it is not given.
fn optional<T>(
    v: &mut Violations,
    path: &str,
    text: String,
    parse: impl FnOnce(String) -> Result<T, TextError>,
) -> Option<T> {
    match text.is_empty() {
        true => None,
        false => v.check(path, parse(text)),
    }
}

fn page(v: &mut Violations, size: i32, token: String) -> Page {
    let (max, default) = PAGE_ROWS;
    if !(0..=max).contains(&size) {
        v.add("page_size", format!("must be 0 to {max}"));
    }
    let size = if size == 0 { default } else { size };
    Page { size: usize::try_from(size).unwrap_or_default(), token }
}
