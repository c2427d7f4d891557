//! Statements of pages, by keyset: each page starts after the last row of the one before, at the same cost however
//! far into the list it is.

use ordermesh_proto::order::v1::WaitingForWhat;
use sea_orm::sea_query::{BinOper, DynIden, Expr, ExprTrait, Func, Query, SimpleExpr, Value};
use sea_orm::{
    ColumnTrait, ConnectionTrait, DbErr, EntityTrait, FromQueryResult, Order, QueryFilter, QueryOrder,
    QuerySelect, Select,
};
use uuid::Uuid;

use super::entity::{order_timeline, order_view, order_view_sku};
use super::{rows, tables};
use crate::projection::timeline::TimelineEntry;
use crate::projection::words::{Word, word};
use crate::query::filter::{Comparison, Condition, Is};
use crate::query::order_by::{OrderBy, SortBy};
use crate::query::page::Place;

/// An order of a page, which is not loaded yet.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Listed {
    /// The order.
    pub order_id: Uuid,
    /// What it weighs in an answer, near enough.
    pub bytes: usize,
}

/// At most `limit` orders that meet all `conditions`, after `place`, each with its own place.
pub async fn orders<C: ConnectionTrait>(
    db: &C,
    conditions: &[Condition],
    order: OrderBy,
    after: Option<&Place>,
    limit: u64,
) -> Result<Vec<(Place, Listed)>, DbErr> {
    let found = select_orders(conditions, order, after).limit(limit).into_model::<Row>().all(db).await?;
    Ok(found.iter().map(|row| (row.place(order.by), row.listed())).collect())
}

fn select_orders(
    conditions: &[Condition],
    order: OrderBy,
    after: Option<&Place>,
) -> Select<order_view::Entity> {
    let lead = Lead::of(conditions);
    let by_sku = lead == Lead::Sku;
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
            condition => sql(condition, lead),
        });
    }
    ordered(select, columns(order.by, by_sku), order, after)
}

/// At most `limit` orders of a customer, newest first, after `place`, each with its own place.
pub async fn customer_orders<C: ConnectionTrait>(
    db: &C,
    customer_id: &str,
    after: Option<&Place>,
    limit: u64,
) -> Result<Vec<(Place, Listed)>, DbErr> {
    let conditions = [Condition::CustomerId(customer_id.to_owned())];
    orders(db, &conditions, OrderBy::default(), after, limit).await
}

/// Those ids that are orders', in no order.
pub async fn listed<C: ConnectionTrait>(db: &C, mut ids: Vec<Uuid>) -> Result<Vec<Listed>, DbErr> {
    let Some(last) = ids.last().copied() else { return Ok(Vec::new()) };
    // Filled up with a repeated id: few lengths make few distinct SQL texts.
    ids.resize(ids.len().next_power_of_two(), last);
    let select = order_view::Entity::find().filter(order_view::Column::OrderId.is_in(ids));
    let found = without_bodies(select).into_model::<Row>().all(db).await?;
    Ok(found.iter().map(Row::listed).collect())
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

/// By which condition orders are found, while the others are looked at order by order. SQLite keeps no statistics
/// here and so cannot know which condition leaves the fewest orders.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Lead {
    /// The reference, which leaves few orders.
    Reference,
    /// The customer, who has few orders.
    Customer,
    /// Whether they are held, which few are.
    Held,
    /// The article: from the side of the articles' own rows.
    Sku,
    /// As the database likes.
    Any,
}

impl Lead {
    fn of(conditions: &[Condition]) -> Self {
        let any = |is: fn(&Condition) -> bool| conditions.iter().any(is);
        if any(|condition| matches!(condition, Condition::OrderReference(_))) {
            Self::Reference
        } else if any(|condition| matches!(condition, Condition::CustomerId(_))) {
            Self::Customer
        } else if any(|condition| matches!(condition, Condition::Held(true))) {
            Self::Held
        } else if any(|condition| matches!(condition, Condition::Sku(_))) {
            Self::Sku
        } else {
            Self::Any
        }
    }

    /// A column of text to compare with, as no index has it unless it may lead.
    fn text(self, column: order_view::Column) -> SimpleExpr {
        let plain = Expr::col(column.as_column_ref());
        let leads = match self {
            Self::Reference => matches!(column, order_view::Column::OrderReference),
            Self::Customer => matches!(column, order_view::Column::CustomerId),
            Self::Held => false,
            Self::Sku | Self::Any => true,
        };
        if leads { plain } else { plain.binary(BinOper::Custom("||"), "") }
    }

    /// The time of placing to compare with. A customer's index goes on with it; a reference's does not.
    fn placed(self) -> SimpleExpr {
        let [placed, _] = placed_columns(self == Self::Sku);
        let plain = Expr::col(placed);
        if self == Self::Reference { plain.add(0i64) } else { plain }
    }

    /// A facet to compare with.
    fn facet<W: Word>(self, column: order_view::Column, is: Is, value: W) -> SimpleExpr {
        match is {
            Is::Equal => self.text(column).eq(word(value)),
            Is::NotEqual => self.text(column).ne(word(value)),
        }
    }

    /// Only where it leads in the words of its index.
    fn held(self, held: bool) -> SimpleExpr {
        match (held, self) {
            (true, Self::Held) => tables::is_held(),
            _ => Expr::col(order_view::Column::Held.as_column_ref()).eq(held),
        }
    }

    /// Its index holds the orders that wait for anything, by the time of placing.
    fn waiting_for(self, what: WaitingForWhat) -> SimpleExpr {
        let bits = Expr::col(order_view::Column::WaitingFor.as_column_ref());
        let waits_for_it = bits.bit_and(rows::waiting_bit(what)).ne(0i64);
        match self {
            Self::Any => tables::waits().and(waits_for_it),
            Self::Reference | Self::Customer | Self::Held | Self::Sku => waits_for_it,
        }
    }
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

fn ordered(
    mut select: Select<order_view::Entity>,
    columns: Vec<(DynIden, DynIden)>,
    order: OrderBy,
    after: Option<&Place>,
) -> Select<order_view::Entity> {
    if let Some(place) = after {
        let key = Expr::tuple(columns.iter().cloned().map(Expr::col));
        let place = Expr::tuple(place_values(order.by, place).into_iter().map(Expr::val));
        select = select.filter(if order.descending { key.lt(place) } else { key.gt(place) });
    }
    let direction = if order.descending { Order::Desc } else { Order::Asc };
    for column in columns {
        select = select.order_by(Expr::col(column), direction.clone());
    }
    without_bodies(select)
}

/// Only what pages are sorted and cut by. An order may have hundreds of kilobytes, and the length of a column is
/// known without reading it.
fn without_bodies(select: Select<order_view::Entity>) -> Select<order_view::Entity> {
    use order_view::Column::{Body, Currency, NoteTexts, OrderId, Personal, PlacedTime, TotalMinor};
    let length = |column: order_view::Column| Func::cust("length").arg(Expr::col(column.as_column_ref()));
    let if_any = |column| Func::coalesce([length(column).into(), Expr::val(0)]);
    let bytes = Expr::expr(length(Body)).add(if_any(Personal)).add(if_any(NoteTexts)).cast_as("bigint");
    select.select_only().columns([OrderId, Currency, TotalMinor, PlacedTime]).expr_as(bytes, "bytes")
}

/// What is read of an order of a page.
#[derive(Debug, FromQueryResult)]
struct Row {
    order_id: Uuid,
    currency: String,
    total_minor: i64,
    placed_time: i64,
    bytes: i64,
}

impl Row {
    fn listed(&self) -> Listed {
        Listed { order_id: self.order_id, bytes: usize::try_from(self.bytes).unwrap_or(usize::MAX) }
    }

    fn place(&self, by: SortBy) -> Place {
        let (currency, number) = match by {
            SortBy::PlacedTime => (String::new(), self.placed_time),
            SortBy::Total => (self.currency.clone(), self.total_minor),
        };
        Place { currency, number, order_id: self.order_id }
    }
}

fn place_values(by: SortBy, place: &Place) -> Vec<Value> {
    let id = place.order_id.into();
    match by {
        SortBy::PlacedTime => vec![place.number.into(), id],
        SortBy::Total => vec![place.currency.clone().into(), place.number.into(), id],
    }
}

fn sql(condition: &Condition, lead: Lead) -> SimpleExpr {
    use order_view::Column;
    match condition {
        Condition::State(is, state) => lead.facet(Column::State, *is, *state),
        Condition::Payment(is, payment) => lead.facet(Column::Payment, *is, *payment),
        Condition::Stock(is, stock) => lead.facet(Column::Stock, *is, *stock),
        Condition::Fulfilment(is, fulfilment) => lead.facet(Column::Fulfilment, *is, *fulfilment),
        Condition::Held(held) => lead.held(*held),
        Condition::WaitingFor(what) => lead.waiting_for(*what),
        Condition::CustomerId(id) => lead.text(Column::CustomerId).eq(id),
        Condition::OrderReference(reference) => lead.text(Column::OrderReference).eq(reference),
        // Correlated, so that it probes the orders that are found and does not gather all of a popular article.
        Condition::Sku(sku) => Expr::exists(
            Query::select()
                .expr(Expr::val(1))
                .from(order_view_sku::Entity)
                .and_where(order_view_sku::Column::Sku.eq(sku))
                .and_where(
                    Expr::col(order_view_sku::Column::OrderId.as_column_ref())
                        .eq(Expr::col(Column::OrderId.as_column_ref())),
                )
                .to_owned(),
        ),
        Condition::Currency(code) => lead.text(Column::Currency).eq(code),
        Condition::PlacedTime(comparison, micros) => {
            let (placed, micros) = (lead.placed(), *micros);
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

#[cfg(test)]
mod tests;
