//! Order views by their ids: what the projection loads and writes, and what GetOrder reads.

use std::collections::BTreeMap;

use ordermesh_feed::store::{StoreConnection, Table};
use sea_orm::DbErr;
use sea_orm::sea_query::Value;
use uuid::Uuid;

use super::entity::{order_timeline, order_view, order_view_sku};
use super::rows;
use crate::projection::order_view::OrderView;
use crate::projection::timeline::TimelineEntry;

/// The live views of those ids that are orders'. A row that cannot be decoded is an error of its own order only.
pub async fn find_views<C: StoreConnection>(
    db: &C,
    ids: impl IntoIterator<Item = Uuid>,
) -> Result<BTreeMap<Uuid, Result<OrderView, DbErr>>, DbErr> {
    load_views(db, "", ids).await
}

/// The views of those ids that are orders', from the tables of `suffix`. A row that cannot be decoded is an error of
/// its own order only.
pub async fn load_views<C: StoreConnection>(
    db: &C,
    suffix: &str,
    ids: impl IntoIterator<Item = Uuid>,
) -> Result<BTreeMap<Uuid, Result<OrderView, DbErr>>, DbErr> {
    let found = find_rows(db, suffix, ids).await?;
    Ok(found.iter().map(|row| (row.order_id, rows::view(row))).collect())
}

async fn find_rows<C: StoreConnection>(
    db: &C,
    suffix: &str,
    ids: impl IntoIterator<Item = Uuid>,
) -> Result<Vec<order_view::Model>, DbErr> {
    let table = Table::<order_view::Entity>::with_suffix(suffix);
    table.find_in(db, order_view::Column::OrderId, ids.into_iter().map(Value::from)).await
}

/// Writes views, new ones and changed ones.
pub async fn write_views<C: StoreConnection>(
    db: &C,
    suffix: &str,
    views: &BTreeMap<Uuid, OrderView>,
) -> Result<(), DbErr> {
    let rows = views.iter().map(|(id, view)| rows::view_row(*id, view)).collect::<Result<Vec<_>, _>>()?;
    Table::<order_view::Entity>::with_suffix(suffix).upsert(db, &rows).await
}

/// Writes which articles new orders have.
pub async fn write_skus<C: StoreConnection>(
    db: &C,
    suffix: &str,
    orders: impl IntoIterator<Item = (Uuid, &OrderView)>,
) -> Result<(), DbErr> {
    let mut rows = Vec::new();
    for (order_id, view) in orders {
        rows.extend(rows::sku_rows(order_id, view)?);
    }
    Table::<order_view_sku::Entity>::with_suffix(suffix).upsert(db, &rows).await
}

/// Writes timeline entries.
pub async fn write_timeline<C: StoreConnection>(
    db: &C,
    suffix: &str,
    entries: &[TimelineEntry],
) -> Result<(), DbErr> {
    let rows: Vec<_> = entries.iter().map(rows::timeline_row).collect();
    Table::<order_timeline::Entity>::with_suffix(suffix).upsert(db, &rows).await
}
