//! The events of a log as they stand in its database.

use std::sync::LazyLock;

use ordermesh_kernel::{EventId, Timestamp, clock};
use sea_orm::{ConnectionTrait, DbErr, EntityTrait, IdenStatic, Iterable, QuerySelect, Statement};
use uuid::Uuid;

use crate::store::event;

/// A page of whole rows. The lengths decide how many events are read at all: a page of large ones would not fit into
/// memory. The columns are listed: a prepared `*` fails on the connections that have it when a newer replica's migration
/// adds one.
static PAGE: LazyLock<String> = LazyLock::new(|| {
    let columns: Vec<_> =
        event::Column::iter().map(|column| format!(r#"events."{}""#, column.as_str())).collect();
    format!(
        "SELECT {} FROM events JOIN ( \
             SELECT position, CAST(SUM(length) OVER (ORDER BY position) AS BIGINT) - length AS before FROM ( \
                 SELECT position, CAST(LENGTH(payload) + COALESCE(LENGTH(personal), 0) AS BIGINT) AS length \
                 FROM events WHERE position > $1 ORDER BY position LIMIT $2 \
             ) AS lengths \
         ) AS page ON page.position = events.position WHERE page.before < $3 ORDER BY events.position",
        columns.join(", ")
    )
});

/// Rows after a position, as many as fit into a page.
pub(crate) async fn stored_rows<C: ConnectionTrait>(
    db: &C,
    position: i64,
    limit: usize,
    page_bytes: usize,
) -> Result<Vec<event::Model>, DbErr> {
    let values = [position.into(), (limit as i64).into(), (page_bytes as i64).into()];
    let statement = Statement::from_sql_and_values(db.get_database_backend(), PAGE.as_str(), values);
    event::Entity::find().from_raw_sql(statement).all(db).await
}

/// The event at a position.
pub(super) async fn event_id<C: ConnectionTrait>(db: &C, position: i64) -> Result<Option<EventId>, DbErr> {
    let id: Option<Uuid> = event::Entity::find_by_id(position)
        .select_only()
        .column(event::Column::EventId)
        .into_tuple()
        .one(db)
        .await?;
    Ok(id.map(EventId::from))
}

pub(super) fn stored_time(micros: i64) -> Result<Timestamp, DbErr> {
    clock::from_micros(micros).map_err(|error| DbErr::Type(error.to_string()))
}
