//! A log, or a range of it, to a file. Reads committed pages only, so that servers go on writing meanwhile.

use std::path::Path;

use ordermesh_kernel::EventId;
use ordermesh_proto::feed::v1::archive_entry::Entry;
use ordermesh_proto::feed::v1::{ArchiveHeader, ArchivedEvent};
use sea_orm::{ColumnTrait, ConnectionTrait, EntityTrait, QueryFilter, QuerySelect};
use uuid::Uuid;

use super::write::ArchiveWriter;
use super::{ArchiveError, Archived, FORMAT, FORMAT_VERSION, Progress};
use crate::log::{Boundary, PAGE_BYTES, stored_rows};
use crate::store::{event, log_head};

/// Events read at once.
const PAGE: usize = 1000;

/// Which positions; `None` is the end of the log on that side.
#[derive(Debug, Clone, Copy, Default)]
pub struct Range {
    /// The first one.
    pub from: Option<i64>,
    /// The last one.
    pub to: Option<i64>,
}

/// A range of a log, checked against what the log holds.
pub(crate) struct OpenRange {
    pub feed_id: Uuid,
    pub first: i64,
    pub last: i64,
    pub previous: Boundary,
}

/// Writes the events of a range, all by default, to a file that is not there yet, up to the head at the beginning.
pub async fn export<C: ConnectionTrait>(
    db: &C,
    key_description: &str,
    path: &Path,
    range: Range,
    progress: Progress<'_>,
) -> Result<Archived, ArchiveError> {
    let range = open_range(db, range).await?;
    let mut writer = ArchiveWriter::create(path, header(&range, key_description))?;
    let total = (range.last - range.previous.position).unsigned_abs();
    let (mut position, mut event_id) = (range.previous.position, range.previous.event_id);
    while position < range.last {
        let rows = stored_rows(db, position, PAGE, PAGE_BYTES).await?;
        if rows.is_empty() {
            return Err(ArchiveError::Moved(position + 1));
        }
        for row in rows.into_iter().take_while(|row| row.position <= range.last) {
            if row.position != position + 1 {
                return Err(ArchiveError::Moved(position + 1));
            }
            (position, event_id) = (row.position, Some(EventId::from(row.event_id)));
            writer.entry(Entry::Event(archived(row)))?;
        }
        progress("archiving", (position - range.previous.position).unsigned_abs(), total);
    }
    let count = position - range.previous.position;
    writer.finish(count, position, event_id.map_or_else(Vec::new, bytes))?;
    Ok(Archived {
        feed_id: range.feed_id,
        key_description: key_description.to_owned(),
        first_position: range.first,
        count,
        last_position: position,
        last_event_id: event_id,
        previous: range.previous,
    })
}

/// Compares a wanted range with what the log holds now.
pub(crate) async fn open_range<C: ConnectionTrait>(db: &C, range: Range) -> Result<OpenRange, ArchiveError> {
    let head = log_head::Entity::find_by_id(1).one(db).await?.ok_or(ArchiveError::NoLog)?;
    let boundary = Boundary::of(&head);
    let out_of_range = |wanted| {
        Err(ArchiveError::OutOfRange { earliest: boundary.position + 1, head: head.position, wanted })
    };
    let first = range.from.unwrap_or(boundary.position + 1);
    if first <= boundary.position || first > head.position + 1 {
        return out_of_range(first);
    }
    let last = range.to.unwrap_or(head.position);
    if last < first - 1 || last > head.position {
        return out_of_range(last);
    }
    let previous = match first - 1 {
        before if before == boundary.position => boundary,
        before => stored_place(db, before).await?,
    };
    Ok(OpenRange { feed_id: head.feed_id, first, last, previous })
}

/// What stands at a position that the log holds.
async fn stored_place<C: ConnectionTrait>(db: &C, position: i64) -> Result<Boundary, ArchiveError> {
    let row: Option<(Uuid, i64)> = event::Entity::find()
        .select_only()
        .column(event::Column::EventId)
        .column(event::Column::RecordedTime)
        .filter(event::Column::Position.eq(position))
        .into_tuple()
        .one(db)
        .await?;
    let (event_id, recorded) = row.ok_or(ArchiveError::Moved(position))?;
    Ok(Boundary { position, event_id: Some(EventId::from(event_id)), recorded: Some(recorded) })
}

fn header(range: &OpenRange, key_description: &str) -> ArchiveHeader {
    ArchiveHeader {
        format: FORMAT.to_owned(),
        format_version: FORMAT_VERSION,
        feed_id: range.feed_id.as_bytes().to_vec().into(),
        key_description: key_description.to_owned(),
        first_position: range.first,
        previous_event_id: range.previous.event_id.map_or_else(Vec::new, bytes).into(),
        previous_recorded_micros: range.previous.recorded.unwrap_or_default(),
    }
}

fn bytes(id: EventId) -> Vec<u8> {
    id.as_uuid().as_bytes().to_vec()
}

fn archived(row: event::Model) -> ArchivedEvent {
    ArchivedEvent {
        position: row.position,
        event_id: row.event_id.as_bytes().to_vec().into(),
        r#type: row.kind,
        schema_version: row.schema_version,
        key: row.key,
        key_revision: row.key_revision,
        occurred_micros: row.occurred_time,
        recorded_micros: row.recorded_time,
        correlation_id: row.correlation_id,
        causation_id: row.causation_id,
        traceparent: row.traceparent,
        payload: row.payload.into(),
        personal: row.personal.map(Into::into),
    }
}
