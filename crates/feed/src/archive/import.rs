//! A file into an empty log, or exactly after what an earlier import brought.
//!
//! All in one transaction: a process that is killed leaves the log as it was, and the same command can be given again.
//! The log remembers that an import made it, so that no archive is ever put behind events that commands made: their
//! write model would know nothing of what the archive tells.

use std::path::Path;

use sea_orm::{ConnectionTrait, DatabaseConnection, DbBackend, EntityTrait, QuerySelect};

use super::{ArchiveError, ArchiveReader, Archived, Progress, verify};
use crate::log::{Boundary, FeedSchema};
use crate::store::{Table, WriteTransaction, event, log_head};

/// Bytes of payloads and number of events that go to the database at once.
const BATCH_BYTES: usize = 1 << 20;
const BATCH_EVENTS: usize = 1000;

/// Imports a file into the log of `writer`'s database, which nobody else may use meanwhile. Feed id, positions, event
/// ids and key revisions stay as they are in the file. The whole file is checked before anything is written.
pub async fn import(
    writer: &DatabaseConnection,
    schema: FeedSchema,
    path: &Path,
    progress: Progress<'_>,
) -> Result<Archived, ArchiveError> {
    let archived = verify(path, &|done| progress("checking", done, 0))?;
    if archived.key_description != schema.key_description {
        let log = schema.key_description.to_owned();
        return Err(ArchiveError::OtherFeed { archive: archived.key_description, log });
    }
    let tx = WriteTransaction::begin(writer).await?;
    let done = import_in(&tx, schema, path, &archived, progress).await;
    tx.end(done).await?;
    Ok(archived)
}

async fn import_in(
    tx: &WriteTransaction,
    schema: FeedSchema,
    path: &Path,
    archived: &Archived,
    progress: Progress<'_>,
) -> Result<(), ArchiveError> {
    let boundary = place_for(tx, archived).await?;
    let total = archived.count.unsigned_abs();
    let mut reader = ArchiveReader::open(path)?;
    let (mut rows, mut bytes, mut done, mut recorded) = (Vec::new(), 0, 0, archived.previous.recorded);
    while let Some(row) = reader.next_event()? {
        if schema.event(&row.kind).is_none() {
            return Err(ArchiveError::UnknownType(row.kind));
        }
        recorded = Some(row.recorded_time);
        bytes += row.payload.len() + row.personal.as_ref().map_or(0, Vec::len);
        rows.push(row);
        if bytes >= BATCH_BYTES || rows.len() >= BATCH_EVENTS {
            done += rows.len() as u64;
            Table::<event::Entity>::default().insert(tx, &rows).await?;
            progress("importing", done, total);
            (rows, bytes) = (Vec::new(), 0);
        }
    }
    Table::<event::Entity>::default().insert(tx, &rows).await?;
    if reader.archived() != archived {
        let what = "it is not what it was when it was checked".to_owned();
        return Err(ArchiveError::Changed { path: path.to_owned(), what });
    }
    let head = log_head::Model {
        id: 1,
        feed_id: archived.feed_id,
        position: archived.last_position,
        recorded_time: recorded.unwrap_or_default(),
        truncated_position: boundary.position,
        truncated_event_id: boundary.event_id.map(|id| *id.as_uuid()),
        truncated_time: boundary.recorded,
        imported_position: Some(archived.last_position),
    };
    Table::<log_head::Entity>::default().upsert(tx, &[head]).await?;
    progress("importing", total, total);
    Ok(())
}

/// The boundary that the log will have, or the refusal of a log that the archive does not fit.
async fn place_for(tx: &WriteTransaction, archived: &Archived) -> Result<Boundary, ArchiveError> {
    let find = log_head::Entity::find_by_id(1);
    let head = match tx.get_database_backend() {
        DbBackend::Postgres => find.lock_exclusive().one(tx).await?,
        _ => find.one(tx).await?,
    };
    let Some(head) = head.filter(|head| head.position > 0) else {
        // A head without events is one that a server has made at its first start, under an id that no event has.
        return Ok(archived.previous);
    };
    let newest = match event::Entity::find_by_id(head.position).one(tx).await? {
        Some(newest) => Some(newest.event_id),
        None => head.truncated_event_id.filter(|_| head.truncated_position == head.position),
    };
    let follows = head.imported_position == Some(head.position)
        && head.feed_id == archived.feed_id
        && head.position == archived.previous.position
        && newest == archived.previous.event_id.map(|id| *id.as_uuid());
    match follows {
        true => Ok(Boundary::of(&head)),
        false => Err(ArchiveError::NotEmpty { feed_id: head.feed_id, head: head.position }),
    }
}
