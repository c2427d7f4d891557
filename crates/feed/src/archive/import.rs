//! A file into an empty log, or exactly after what an earlier import brought.
//!
//! The whole file is checked before a database is opened. All in one transaction: a process that is killed leaves the log
//! as it was, and the same command can be given again. The log remembers that an import made it, so that no archive is ever
//! put behind events that commands made: their write model would know nothing of what the archive tells.

use std::path::{Path, PathBuf};

use sea_orm::{ConnectionTrait, DatabaseConnection, DbBackend, EntityTrait, QuerySelect};

use super::read::read_through;
use super::{ArchiveError, ArchiveReader, Archived, Progress};
use crate::log::{Boundary, FeedSchema};
use crate::store::{Table, WriteTransaction, event, log_head};

/// Bytes of payloads and number of events that go to the database at once.
const BATCH_BYTES: usize = 1 << 20;
const BATCH_EVENTS: usize = 1000;

/// A file that was read to its end, is whole, and is of a feed like that of the log that it is to go to.
#[derive(Debug)]
pub struct Checked {
    schema: FeedSchema,
    path: PathBuf,
    archived: Archived,
}

/// Checks the whole file. It needs no database, so that a file which is not good leaves none behind.
pub fn check(schema: FeedSchema, path: &Path, progress: Progress<'_>) -> Result<Checked, ArchiveError> {
    let mut unknown = None;
    let archived = read_through(path, |row, done| {
        progress("checking", done, 0);
        if unknown.is_none() && schema.event(&row.kind).is_none() {
            unknown = Some(row.kind.clone());
        }
    })?;
    // Only now: in a file that is damaged, a type may be what is damaged.
    if let Some(kind) = unknown {
        return Err(ArchiveError::UnknownType(kind));
    }
    if archived.key_description != schema.key_description {
        let log = schema.key_description.to_owned();
        return Err(ArchiveError::OtherFeed { archive: archived.key_description, log });
    }
    Ok(Checked { schema, path: path.to_owned(), archived })
}

/// Imports a file into the log of `writer`'s database, which nobody else may use meanwhile. Feed id, positions, event
/// ids and key revisions stay as they are in the file.
pub async fn import(
    writer: &DatabaseConnection,
    checked: Checked,
    progress: Progress<'_>,
) -> Result<Archived, ArchiveError> {
    let tx = WriteTransaction::begin(writer).await?;
    let done = import_in(&tx, &checked, progress).await;
    tx.end(done).await?;
    Ok(checked.archived)
}

async fn import_in(
    tx: &WriteTransaction,
    Checked { schema, path, archived }: &Checked,
    progress: Progress<'_>,
) -> Result<(), ArchiveError> {
    let boundary = place_for(tx, archived).await?;
    let total = archived.count.unsigned_abs();
    let mut reader = ArchiveReader::open(path)?;
    let (mut rows, mut bytes, mut done, mut recorded) = (Vec::new(), 0, 0, archived.previous.recorded);
    while let Some(row) = reader.next_event()? {
        if schema.event(&row.kind).is_none() {
            // Another file than the one that was checked.
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
        return Err(ArchiveError::Changed { path: path.clone(), what });
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
