//! What queries read: items and reservations, page by page by keyset.

use ordermesh_feed::store::{StoreConnection, Table};
use ordermesh_kernel::{Timestamp, to_micros};
use sea_orm::sea_query::{Expr, ExprTrait, Value};
use sea_orm::{ColumnTrait, DbErr, EntityTrait, Order, QueryFilter, QueryOrder, QuerySelect};
use uuid::Uuid;

use super::entity::{item, part, reservation, restocked_return};
use super::rows;
use crate::domain::{ItemKey, Location, Reservation, ReservationId, ReservationState, Sku, StockItem};

/// All items of articles, by key.
pub async fn items_of<C: StoreConnection>(
    db: &C,
    skus: impl IntoIterator<Item = &Sku>,
) -> Result<Vec<StockItem>, DbErr> {
    let skus = skus.into_iter().map(|sku| Value::from(sku.as_str().to_owned()));
    let rows = Table::<item::Entity>::default().find_in(db, item::Column::Sku, skus).await?;
    let mut items = rows.into_iter().map(rows::item).collect::<Result<Vec<_>, _>>()?;
    items.sort_by(|one, other| one.key.cmp(&other.key));
    Ok(items)
}

/// Which items a page has.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct ItemFilter {
    /// Of this location only.
    pub location: Option<Location>,
    /// Only what is low.
    pub low_only: bool,
}

/// At most `limit` items after a key, by article and location.
pub async fn items<C: StoreConnection>(
    db: &C,
    filter: &ItemFilter,
    after: Option<&ItemKey>,
    limit: u64,
) -> Result<Vec<StockItem>, DbErr> {
    use item::Column::{Location, Low, Sku};
    let mut select = item::Entity::find();
    if let Some(location) = &filter.location {
        select = select.filter(Location.eq(location.as_str()));
    }
    if filter.low_only {
        // The column itself, as the partial index has it.
        select = select.filter(Expr::col(Low));
    }
    if let Some(ItemKey { sku, location }) = after {
        let place = Expr::tuple([Expr::val(sku.as_str()), Expr::val(location.as_str())]);
        select = select.filter(Expr::tuple([Expr::col(Sku), Expr::col(Location)]).gt(place));
    }
    let rows = select.order_by_asc(Sku).order_by_asc(Location).limit(limit).all(db).await?;
    rows.into_iter().map(rows::item).collect()
}

/// A reservation.
pub async fn reservation<C: StoreConnection>(
    db: &C,
    id: ReservationId,
) -> Result<Option<Reservation>, DbErr> {
    let row = reservation::Entity::find_by_id(rows::uuid_of(id)).one(db).await?;
    Ok(whole(db, row.into_iter().collect()).await?.pop())
}

/// Which reservations a page has.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct ReservationFilter {
    /// In this state only.
    pub state: Option<ReservationState>,
    /// Of this article only.
    pub sku: Option<Sku>,
}

/// At most `limit` reservations before an id, by falling id.
pub async fn reservations<C: StoreConnection>(
    db: &C,
    filter: &ReservationFilter,
    before: Option<ReservationId>,
    limit: u64,
) -> Result<Vec<Reservation>, DbErr> {
    use reservation::Column::{ReservationId, State};
    let mut select = reservation::Entity::find();
    if let Some(state) = filter.state {
        select = select.filter(State.eq(state.as_str()));
    }
    if let Some(sku) = &filter.sku {
        let of_article = part::Entity::find()
            .select_only()
            .column(part::Column::ReservationId)
            .filter(part::Column::Sku.eq(sku.as_str()));
        select = select.filter(ReservationId.in_subquery(QuerySelect::query(&mut { of_article }).take()));
    }
    if let Some(before) = before {
        select = select.filter(ReservationId.lt(rows::uuid_of(before)));
    }
    let rows = select.order_by(ReservationId, Order::Desc).limit(limit).all(db).await?;
    whole(db, rows).await
}

/// At most `limit` reservations whose time is over, the longest ago first.
pub async fn expired<C: StoreConnection>(
    db: &C,
    now: Timestamp,
    limit: u64,
) -> Result<Vec<ReservationId>, DbErr> {
    use reservation::Column::{ExpireTime, ReservationId};
    let select = reservation::Entity::find().filter(ExpireTime.lte(to_micros(now)));
    let select = select.select_only().column(ReservationId).order_by_asc(ExpireTime).limit(limit);
    let ids: Vec<Uuid> = select.into_tuple().all(db).await?;
    Ok(ids.into_iter().map(rows::id_of).collect())
}

/// The reservations of rows, in their order.
async fn whole<C: StoreConnection>(db: &C, rows: Vec<reservation::Model>) -> Result<Vec<Reservation>, DbErr> {
    let ids = || rows.iter().map(|row| Value::from(row.reservation_id));
    let parts = Table::<part::Entity>::default().find_in(db, part::Column::ReservationId, ids()).await?;
    let returns = Table::<restocked_return::Entity>::default();
    let returns = returns.find_in(db, restocked_return::Column::ReservationId, ids()).await?;
    rows::reservations(rows, parts, returns)
}
