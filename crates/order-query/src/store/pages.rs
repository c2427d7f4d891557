//! Statements of pages, by keyset: each page starts after the last row of the one before, at the same cost however
//! far into the list it is.

use sea_orm::sea_query::{Expr, ExprTrait, Query, SimpleExpr, Value};
use sea_orm::{
    ColumnTrait, Condition as SqlCondition, ConnectionTrait, DbErr, EntityTrait, Order, QueryFilter,
    QueryOrder, QuerySelect, Select,
};
use uuid::Uuid;

use super::entity::{order_timeline, order_view, order_view_sku};
use super::rows;
use crate::projection::order_view::{OrderView, state_word};
use crate::projection::timeline::TimelineEntry;
use crate::query::filter::{Comparison, Condition};
use crate::query::order_by::{OrderBy, SortBy};
use crate::query::page::Place;

/// At most `limit` orders that meet all `conditions`, after `place`, each with its own place.
pub async fn orders<C: ConnectionTrait>(
    db: &C,
    conditions: &[Condition],
    order: OrderBy,
    after: Option<&Place>,
    limit: u64,
) -> Result<Vec<(Place, OrderView)>, DbErr> {
    let all = conditions.iter().fold(SqlCondition::all(), |all, condition| all.add(sql(condition)));
    ordered(order_view::Entity::find().filter(all), db, order, after, limit).await
}

/// At most `limit` orders of a customer, newest first, after `place`, each with its own place.
pub async fn customer_orders<C: ConnectionTrait>(
    db: &C,
    customer_id: &str,
    after: Option<&Place>,
    limit: u64,
) -> Result<Vec<(Place, OrderView)>, DbErr> {
    let select = order_view::Entity::find().filter(order_view::Column::CustomerId.eq(customer_id));
    ordered(select, db, OrderBy::default(), after, limit).await
}

/// At most `limit` timeline entries of an order whose revision is greater than `after`, oldest first.
pub async fn timeline<C: ConnectionTrait>(
    db: &C,
    order_id: Uuid,
    after: i64,
    limit: u64,
) -> Result<Vec<TimelineEntry>, DbErr> {
    let found = order_timeline::Entity::find()
        .filter(order_timeline::Column::OrderId.eq(order_id))
        .filter(order_timeline::Column::Revision.gt(after))
        .order_by_asc(order_timeline::Column::Revision)
        .limit(limit)
        .all(db)
        .await?;
    found.into_iter().map(rows::timeline_entry).collect()
}

async fn ordered<C: ConnectionTrait>(
    mut select: Select<order_view::Entity>,
    db: &C,
    order: OrderBy,
    after: Option<&Place>,
    limit: u64,
) -> Result<Vec<(Place, OrderView)>, DbErr> {
    use order_view::Column::{Currency, OrderId, PlacedTime, TotalMinor};
    let columns = match order.by {
        SortBy::PlacedTime => vec![PlacedTime, OrderId],
        SortBy::Total => vec![Currency, TotalMinor, OrderId],
    };
    if let Some(place) = after {
        let key = Expr::tuple(columns.iter().map(|column| Expr::col(*column)));
        let place = Expr::tuple(place_values(order.by, place).into_iter().map(Expr::val));
        select = select.filter(if order.descending { key.lt(place) } else { key.gt(place) });
    }
    let direction = if order.descending { Order::Desc } else { Order::Asc };
    for column in columns {
        select = select.order_by(column, direction.clone());
    }
    let found = select.limit(limit).all(db).await?;
    found.iter().map(|row| Ok((place_of(order.by, row), rows::view(row)?))).collect()
}

fn place_values(by: SortBy, place: &Place) -> Vec<Value> {
    let id = place.order_id.into();
    match by {
        SortBy::PlacedTime => vec![place.number.into(), id],
        SortBy::Total => vec![place.currency.clone().into(), place.number.into(), id],
    }
}

fn place_of(by: SortBy, row: &order_view::Model) -> Place {
    let (currency, number) = match by {
        SortBy::PlacedTime => (String::new(), row.placed_time),
        SortBy::Total => (row.currency.clone(), row.total_minor),
    };
    Place { currency, number, order_id: row.order_id }
}

fn sql(condition: &Condition) -> SimpleExpr {
    use order_view::Column;
    match condition {
        Condition::State(state) => Column::State.eq(state_word(*state)),
        Condition::NotState(state) => Column::State.ne(state_word(*state)),
        Condition::CustomerId(id) => Column::CustomerId.eq(id),
        Condition::OrderReference(reference) => Column::OrderReference.eq(reference),
        Condition::Sku(sku) => Column::OrderId.in_subquery(
            Query::select()
                .column(order_view_sku::Column::OrderId)
                .from(order_view_sku::Entity)
                .and_where(order_view_sku::Column::Sku.eq(sku))
                .to_owned(),
        ),
        Condition::Currency(code) => Column::Currency.eq(code),
        Condition::PlacedTime(comparison, micros) => match comparison {
            Comparison::Equal => Column::PlacedTime.eq(*micros),
            Comparison::Less => Column::PlacedTime.lt(*micros),
            Comparison::LessOrEqual => Column::PlacedTime.lte(*micros),
            Comparison::Greater => Column::PlacedTime.gt(*micros),
            Comparison::GreaterOrEqual => Column::PlacedTime.gte(*micros),
        },
    }
}
