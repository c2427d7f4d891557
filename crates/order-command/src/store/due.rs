//! Orders whose payment deadline has passed.

use ordermesh_feed::store::StoreConnection;
use ordermesh_kernel::{OrderId, Timestamp, from_micros, to_micros};
use sea_orm::{ColumnTrait, DbErr, EntityTrait, QueryFilter, QueryOrder, QuerySelect};
use uuid::Uuid;

use super::entity::order;

/// The orders that wait for a payment which should have been there by `now`, with their deadlines, oldest first.
pub async fn due_orders<C: StoreConnection>(
    db: &C,
    now: Timestamp,
    limit: u64,
) -> Result<Vec<(OrderId, Timestamp)>, DbErr> {
    let rows: Vec<(Uuid, i64)> = order::Entity::find()
        .select_only()
        .columns([order::Column::OrderId, order::Column::DueTime])
        .filter(order::Column::DueTime.lte(to_micros(now)))
        .order_by_asc(order::Column::DueTime)
        .limit(limit)
        .into_tuple()
        .all(db)
        .await?;
    let order = |(id, due): (Uuid, i64)| {
        let deadline = from_micros(due).map_err(|error| DbErr::Type(format!("the order {id}: {error}")))?;
        Ok((id.into(), deadline))
    };
    rows.into_iter().map(order).collect()
}
