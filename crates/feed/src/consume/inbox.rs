//! The events that had their effect out of the checkpoint's order: those that were parked.
//!
//! The checkpoint says "all up to here", which a parked event is an exception of. Its id comes here in the
//! transaction of its effect, and whoever finds it here already leaves the event alone.

use ordermesh_kernel::{EventId, Timestamp, to_micros};
use sea_orm::sea_query::OnConflict;
use sea_orm::{ColumnTrait, ConnectionTrait, DbErr, EntityTrait, QueryFilter, Set};

use crate::store::inbox::{ActiveModel, Column, Entity};

/// Notes that the event has its effect; false when it had it before.
pub(crate) async fn claim<C: ConnectionTrait>(
    db: &C,
    consumer: &str,
    event_id: EventId,
    now: Timestamp,
) -> Result<bool, DbErr> {
    let row = ActiveModel {
        consumer: Set(consumer.to_owned()),
        event_id: Set(*event_id.as_uuid()),
        recorded_time: Set(to_micros(now)),
    };
    let known = OnConflict::columns([Column::Consumer, Column::EventId]).do_nothing().to_owned();
    Ok(Entity::insert(row).on_conflict(known).exec_without_returning(db).await? > 0)
}

/// Forgets all of a consumer: its state is made anew from the whole history.
pub(crate) async fn clear<C: ConnectionTrait>(db: &C, consumer: &str) -> Result<(), DbErr> {
    Entity::delete_many().filter(Column::Consumer.eq(consumer)).exec(db).await.map(|_| ())
}
