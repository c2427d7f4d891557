//! Statements of pages, by keyset: each page starts after the last row of the one before, at the same cost however
//! far into the list it is.

use sea_orm::sea_query::{DynIden, Expr, ExprTrait, Query, SimpleExpr, Value};
use sea_orm::{
    ColumnTrait, ConnectionTrait, DbErr, EntityTrait, Order, QueryFilter, QueryOrder, QuerySelect, Select,
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
    let by_sku = leads_by_sku(conditions);
    let mut select = order_view::Entity::find();
    if by_sku {
        let same_order = Expr::col(order_view_sku::Column::OrderId.as_column_ref())
            .eq(Expr::col(order_view::Column::OrderId.as_column_ref()));
        QuerySelect::query(&mut select).inner_join(order_view_sku::Entity, same_order);
    }
    let mut joined = by_sku;
    for condition in conditions {
        select = select.filter(match condition {
            // The first article is the joined one; further ones are probed order by order.
            Condition::Sku(sku) if std::mem::take(&mut joined) => order_view_sku::Column::Sku.eq(sku),
            condition => sql(condition, by_sku),
        });
    }
    ordered(select, db, columns(order.by, by_sku), order, after, limit).await
}

/// At most `limit` orders of a customer, newest first, after `place`, each with its own place.
pub async fn customer_orders<C: ConnectionTrait>(
    db: &C,
    customer_id: &str,
    after: Option<&Place>,
    limit: u64,
) -> Result<Vec<(Place, OrderView)>, DbErr> {
    let select = order_view::Entity::find().filter(order_view::Column::CustomerId.eq(customer_id));
    let newest = OrderBy::default();
    ordered(select, db, columns(newest.by, false), newest, after, limit).await
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

/// Whether orders are found from the side of the articles. Not beside a condition that leaves few orders anyway:
/// there, looking at all orders of a popular article would cost more.
fn leads_by_sku(conditions: &[Condition]) -> bool {
    let any = |is: fn(&Condition) -> bool| conditions.iter().any(is);
    any(|condition| matches!(condition, Condition::Sku(_)))
        && !any(|condition| matches!(condition, Condition::CustomerId(_) | Condition::OrderReference(_)))
}

/// What pages are sorted by, the id last.
fn columns(by: SortBy, by_sku: bool) -> Vec<(DynIden, DynIden)> {
    use order_view::Column::{Currency, OrderId, TotalMinor};
    match by {
        SortBy::PlacedTime => placed_columns(by_sku).into(),
        SortBy::Total => [Currency, TotalMinor, OrderId].map(|column| column.as_column_ref()).into(),
    }
}

/// The time of placing and the id. Orders found by article have both in the article's own row, which an index holds
/// in this order: a page of a popular article is read off it, without sorting all.
fn placed_columns(by_sku: bool) -> [(DynIden, DynIden); 2] {
    use order_view::Column as View;
    use order_view_sku::Column as Sku;
    match by_sku {
        true => [Sku::PlacedTime.as_column_ref(), Sku::OrderId.as_column_ref()],
        false => [View::PlacedTime.as_column_ref(), View::OrderId.as_column_ref()],
    }
}

async fn ordered<C: ConnectionTrait>(
    mut select: Select<order_view::Entity>,
    db: &C,
    columns: Vec<(DynIden, DynIden)>,
    order: OrderBy,
    after: Option<&Place>,
    limit: u64,
) -> Result<Vec<(Place, OrderView)>, DbErr> {
    if let Some(place) = after {
        let key = Expr::tuple(columns.iter().cloned().map(Expr::col));
        let place = Expr::tuple(place_values(order.by, place).into_iter().map(Expr::val));
        select = select.filter(if order.descending { key.lt(place) } else { key.gt(place) });
    }
    let direction = if order.descending { Order::Desc } else { Order::Asc };
    for column in columns {
        select = select.order_by(Expr::col(column), direction.clone());
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

fn sql(condition: &Condition, by_sku: bool) -> SimpleExpr {
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
        Condition::PlacedTime(comparison, micros) => {
            let [placed, _] = placed_columns(by_sku);
            let (placed, micros) = (Expr::col(placed), *micros);
            match comparison {
                Comparison::Equal => placed.eq(micros),
                Comparison::Less => placed.lt(micros),
                Comparison::LessOrEqual => placed.lte(micros),
                Comparison::Greater => placed.gt(micros),
                Comparison::GreaterOrEqual => placed.gte(micros),
            }
        }
    }
}
