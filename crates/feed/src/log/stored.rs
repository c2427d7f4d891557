//! The events of a log as they stand in its database.

use std::sync::{Arc, LazyLock};

use futures_util::TryStreamExt;
use ordermesh_kernel::{EventId, Timestamp, clock};
use sea_orm::{
    ColumnTrait, ConnectionTrait, DbBackend, DbErr, EntityTrait, IdenStatic, Iterable, QueryFilter,
    QueryOrder, QueryResult, QuerySelect, Statement, sqlx,
};
use uuid::Uuid;

use super::{EventLog, Page, PageError};
use crate::event::{Cause, LoggedEvent, NewEvent, WireEvent};
use crate::store::{Lent, event, query_failed};

/// A page of whole rows. Lengths decide how many events are read at all, since a page of large ones would not fit into
/// memory: they tell the position at which the page is full, and up to there rows are read in one go. The columns are
/// listed: a prepared `*` fails on the connections that have it when a newer replica's migration adds one.
static PAGE: LazyLock<String> = LazyLock::new(|| {
    let columns: Vec<_> = event::Column::iter().map(|column| format!(r#""{}""#, column.as_str())).collect();
    format!(
        "SELECT {} FROM events WHERE position > $1 AND position <= COALESCE(( \
             SELECT MIN(position) FROM ( \
                 SELECT position, SUM(length) OVER (ORDER BY position ROWS UNBOUNDED PRECEDING) AS total FROM ( \
                     SELECT position, LENGTH(payload) + COALESCE(LENGTH(personal), 0) AS length \
                     FROM events WHERE position > $1 ORDER BY position LIMIT $2 \
                 ) AS lengths \
             ) AS totals WHERE total >= $3 \
         ), {}) ORDER BY position LIMIT $2",
        columns.join(", "),
        i64::MAX
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
    db.query_all_raw(statement).await?.iter().map(model).collect()
}

/// A row of [`PAGE`]. By the columns' order, which is the entity's: to look each one's name up in each row costs more than
/// all the rest of it.
fn model(row: &QueryResult) -> Result<event::Model, DbErr> {
    Ok(event::Model {
        position: row.try_get_by_index(0)?,
        event_id: row.try_get_by_index(1)?,
        kind: row.try_get_by_index(2)?,
        schema_version: row.try_get_by_index(3)?,
        key: row.try_get_by_index(4)?,
        key_revision: row.try_get_by_index(5)?,
        key_hash: row.try_get_by_index(6)?,
        occurred_time: row.try_get_by_index(7)?,
        recorded_time: row.try_get_by_index(8)?,
        correlation_id: row.try_get_by_index(9)?,
        causation_id: row.try_get_by_index(10)?,
        traceparent: row.try_get_by_index(11)?,
        payload: row.try_get_by_index(12)?,
        personal: row.try_get_by_index(13)?,
    })
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

fn stored_time(micros: i64) -> Result<Timestamp, DbErr> {
    clock::from_micros(micros).map_err(|error| DbErr::Type(error.to_string()))
}

impl EventLog {
    pub(super) async fn stored_page(&self, position: i64, limit: usize) -> Result<Page, PageError> {
        let events = self.stored(position, limit).await?;
        if events.first().is_none_or(|first| first.position != position + 1) {
            self.refuse_truncated(position, events.first().map(|first| first.position)).await?;
        }
        Ok(Page { events: events.into_iter().map(Arc::new).collect(), from_tail: false })
    }

    pub(super) async fn stored_position_before(&self, time: Timestamp) -> Result<i64, DbErr> {
        // recorded_time never decreases along the log, so halving finds the place: an index of times would cost every
        // command, to save some look-ups of a subscription that starts at a time.
        let time = clock::to_micros(time);
        let Some(earliest) = self.stored_earliest().await? else { return Ok(*self.head.borrow()) };
        let (mut before, mut from) = (earliest - 1, *self.head.borrow() + 1);
        while before + 1 < from {
            let middle = before + (from - before) / 2;
            let earlier: Option<i64> = event::Entity::find()
                .select_only()
                .column(event::Column::Position)
                .filter(event::Column::Position.eq(middle))
                .filter(event::Column::RecordedTime.lt(time))
                .into_tuple()
                .one(&self.reader)
                .await?;
            match earlier {
                Some(_) => before = middle,
                None => from = middle,
            }
        }
        match before < earliest {
            // All that the log holds is of that time or later; what it no longer holds may be, too.
            true => Ok(self.boundary().await?.position_before(time)),
            false => Ok(before),
        }
    }

    pub(super) async fn stored_earliest(&self) -> Result<Option<i64>, DbErr> {
        let oldest: Option<i64> = event::Entity::find()
            .select_only()
            .column(event::Column::Position)
            .order_by_asc(event::Column::Position)
            .into_tuple()
            .one(&self.reader)
            .await?;
        match oldest {
            Some(oldest) => Ok(Some(oldest)),
            None => Ok(self.boundary().await?.after()),
        }
    }

    pub(super) async fn stored_head_time(&self) -> Result<Option<Timestamp>, DbErr> {
        let time: Option<i64> = event::Entity::find()
            .select_only()
            .column(event::Column::RecordedTime)
            .order_by_desc(event::Column::Position)
            .into_tuple()
            .one(&self.reader)
            .await?;
        time.map(stored_time).transpose()
    }

    /// A page out of the database; a truncation may have taken its first events.
    pub(super) async fn stored(&self, position: i64, limit: usize) -> Result<Vec<WireEvent>, DbErr> {
        if self.reader.get_database_backend() != DbBackend::Postgres {
            let rows = stored_rows(&self.reader, position, limit, self.page_bytes).await?;
            return rows.into_iter().map(|row| self.wire(row)).collect();
        }
        // Row by row: the server is a process of its own, and sends the next ones while these are taken apart.
        let lent = Lent::take(self.reader.pool()).await?;
        let mut connection = lent.own().await;
        let mut rows = sqlx::query(PAGE.as_str())
            .bind(position)
            .bind(limit as i64)
            .bind(self.page_bytes as i64)
            .fetch(&mut **connection);
        let mut events = Vec::new();
        while let Some(row) = rows.try_next().await.map_err(query_failed)? {
            events.push(self.wire(model(&QueryResult::from(row))?)?);
        }
        drop(rows);
        drop(connection);
        lent.give_back();
        Ok(events)
    }

    /// The event at a position in the database, also the one at the boundary of a truncation.
    pub(super) async fn stored_id(&self, position: i64) -> Result<Option<EventId>, DbErr> {
        match event_id(&self.reader, position).await? {
            Some(id) => Ok(Some(id)),
            None => Ok(self.boundary().await?.event_id_at(position)),
        }
    }

    fn wire(&self, row: event::Model) -> Result<WireEvent, DbErr> {
        let kind = self.schema.event(&row.kind).ok_or_else(|| {
            DbErr::Type(format!("event {} of the log has the unknown type {}", row.position, row.kind))
        })?;
        let logged = LoggedEvent {
            position: row.position,
            id: EventId::from(row.event_id),
            recorded: stored_time(row.recorded_time)?,
            key_hash: row.key_hash.cast_unsigned(),
            cause: Cause {
                correlation_id: row.correlation_id,
                causation_id: row.causation_id,
                traceparent: row.traceparent,
            },
            event: NewEvent {
                kind: kind.name,
                schema_version: row.schema_version,
                key: row.key,
                key_revision: row.key_revision,
                occurred: stored_time(row.occurred_time)?,
                payload: row.payload,
                personal: row.personal,
            },
        };
        Ok(WireEvent::new(logged, kind))
    }
}
