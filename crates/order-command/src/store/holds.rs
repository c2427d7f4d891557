//! The holds in force, over all orders.

use ordermesh_feed::store::StoreConnection;
use ordermesh_kernel::{HoldId, OrderId};
use sea_orm::{ColumnTrait, DbErr, EntityTrait, QueryFilter, QueryOrder, QuerySelect};
use uuid::Uuid;

use super::{entity::order_hold, rows};
use crate::domain::Hold;

/// The holds in force after the one of that id, oldest first, with their orders.
pub async fn holds_in_force<C: StoreConnection>(
    db: &C,
    after: Option<HoldId>,
    limit: u64,
) -> Result<Vec<(OrderId, Hold)>, DbErr> {
    let after = after.map_or(Uuid::nil(), |hold| *hold.as_uuid());
    let rows = order_hold::Entity::find()
        .filter(order_hold::Column::ReleasedTime.is_null())
        .filter(order_hold::Column::HoldId.gt(after))
        .order_by_asc(order_hold::Column::HoldId)
        .limit(limit)
        .all(db)
        .await?;
    rows.into_iter().map(with_order).collect()
}

/// A hold that is in force, with its order.
pub async fn hold_in_force<C: StoreConnection>(db: &C, id: HoldId) -> Result<Option<(OrderId, Hold)>, DbErr> {
    let found = order_hold::Entity::find()
        .filter(order_hold::Column::ReleasedTime.is_null())
        .filter(order_hold::Column::HoldId.eq(*id.as_uuid()))
        .one(db)
        .await?;
    found.map(with_order).transpose()
}

fn with_order(row: order_hold::Model) -> Result<(OrderId, Hold), DbErr> {
    Ok((row.order_id.into(), rows::hold(row)?))
}
