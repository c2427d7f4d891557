//! Items and reservations as rows and back.

use std::collections::{BTreeSet, HashMap};

use ordermesh_kernel::{OrderId, Timestamp, from_micros, to_micros};
use sea_orm::DbErr;
use uuid::Uuid;

use super::entity::{item, part, reservation, restocked_return};
use crate::domain::{
    ItemKey, Location, Part, Reservation, ReservationId, ReservationState, ReturnId, Sku, StockItem,
};

/// A reservation's id as the database has it.
pub(super) fn uuid_of(id: ReservationId) -> Uuid {
    id.order_id().into()
}

/// A reservation's id from the database.
pub(super) fn id_of(id: Uuid) -> ReservationId {
    ReservationId::of(OrderId::from(id))
}

pub(super) fn item_row(item: &StockItem) -> item::Model {
    item::Model {
        sku: item.key.sku.as_str().to_owned(),
        location: item.key.location.as_str().to_owned(),
        on_hand: item.on_hand,
        reserved: item.reserved,
        reorder_level: item.reorder_level,
        low: item.is_low(),
        revision: item.revision,
        update_time: to_micros(item.update_time),
    }
}

pub(super) fn item(row: item::Model) -> Result<StockItem, DbErr> {
    Ok(StockItem {
        key: key(row.sku, row.location)?,
        on_hand: row.on_hand,
        reserved: row.reserved,
        reorder_level: row.reorder_level,
        revision: row.revision,
        update_time: time(row.update_time)?,
    })
}

pub(super) fn reservation_row(reservation: &Reservation) -> reservation::Model {
    reservation::Model {
        reservation_id: uuid_of(reservation.id),
        of_order: reservation.of_order,
        state: reservation.state.as_str().to_owned(),
        expire_time: reservation.expire_time.map(to_micros),
        revision: reservation.revision,
        create_time: to_micros(reservation.create_time),
        update_time: to_micros(reservation.update_time),
    }
}

pub(super) fn part_rows(reservation: &Reservation) -> impl Iterator<Item = part::Model> {
    let reservation_id = uuid_of(reservation.id);
    (0..).zip(&reservation.parts).map(move |(number, part)| part::Model {
        reservation_id,
        number,
        line_id: part.line_id,
        sku: part.sku.as_str().to_owned(),
        location: part.location.as_str().to_owned(),
        quantity: part.quantity,
        reserved: part.reserved,
        consumed: part.consumed,
        released: part.released,
        lost: part.lost,
        restocked: part.restocked,
    })
}

pub(super) fn return_rows(reservation: &Reservation) -> impl Iterator<Item = restocked_return::Model> {
    let reservation_id = uuid_of(reservation.id);
    let row = move |return_id: &ReturnId| {
        let return_id = return_id.order_id().into();
        restocked_return::Model { reservation_id, return_id }
    };
    reservation.restocked_returns.iter().map(row)
}

/// The reservations of rows of all three tables, which may come in any order.
pub(super) fn reservations(
    rows: Vec<reservation::Model>,
    mut parts: Vec<part::Model>,
    returns: Vec<restocked_return::Model>,
) -> Result<Vec<Reservation>, DbErr> {
    parts.sort_unstable_by_key(|part| (part.reservation_id, part.number));
    let mut parts_of: HashMap<Uuid, Vec<Part>> = HashMap::new();
    for row in parts {
        parts_of.entry(row.reservation_id).or_default().push(part(row)?);
    }
    let mut returns_of: HashMap<Uuid, BTreeSet<ReturnId>> = HashMap::new();
    for row in returns {
        returns_of.entry(row.reservation_id).or_default().insert(ReturnId::of(OrderId::from(row.return_id)));
    }
    let whole = |row: reservation::Model| {
        let state = ReservationState::parse(&row.state);
        Ok(Reservation {
            id: id_of(row.reservation_id),
            of_order: row.of_order,
            state: state.ok_or_else(|| broken(&format!("no reservation is {}", row.state)))?,
            parts: parts_of.remove(&row.reservation_id).unwrap_or_default(),
            expire_time: row.expire_time.map(time).transpose()?,
            restocked_returns: returns_of.remove(&row.reservation_id).unwrap_or_default(),
            revision: row.revision,
            create_time: time(row.create_time)?,
            update_time: time(row.update_time)?,
        })
    };
    rows.into_iter().map(whole).collect()
}

fn part(row: part::Model) -> Result<Part, DbErr> {
    let ItemKey { sku, location } = key(row.sku, row.location)?;
    Ok(Part {
        line_id: row.line_id,
        sku,
        location,
        quantity: row.quantity,
        reserved: row.reserved,
        consumed: row.consumed,
        released: row.released,
        lost: row.lost,
        restocked: row.restocked,
    })
}

fn key(sku: String, location: String) -> Result<ItemKey, DbErr> {
    let sku = Sku::parse(sku).map_err(|error| broken(&format!("a stored sku {error}")))?;
    let location =
        Location::parse(location).map_err(|error| broken(&format!("a stored location {error}")))?;
    Ok(ItemKey { sku, location })
}

fn time(micros: i64) -> Result<Timestamp, DbErr> {
    from_micros(micros).map_err(|error| broken(&error))
}

fn broken(what: &dyn std::fmt::Display) -> DbErr {
    DbErr::Type(what.to_string())
}
