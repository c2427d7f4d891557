//! Takes the oldest events out of a log: archived first, the archive read back, then deleted in bounded batches.
//!
//! The boundary moves in the same transaction as each batch, so that a process that is killed in between leaves a
//! shorter log and never a gap; the same command with the same archive goes on.

use std::path::Path;

use sea_orm::{
    ColumnTrait, ConnectionTrait, DatabaseConnection, DbErr, EntityTrait, QueryFilter, QueryOrder,
    QuerySelect, Statement,
};
use uuid::Uuid;

use super::{Subscriber, slowest_subscriber};
use crate::archive::{ArchiveError, Archived, Progress, Range, export, open_range, verify};
use crate::log::Boundary;
use crate::store::{WriteTransaction, event};

/// Events deleted in one transaction: it holds the log's head for as long as its commit takes.
const BATCH: u64 = 1000;

/// Why a log is not truncated.
#[derive(Debug, thiserror::Error)]
pub enum TruncateError {
    /// Somebody still needs what would go.
    #[error(
        "{} has come to position {} and still needs what follows; truncate before position {} at most, or, if it is \
         gone for good, run `{}` while the server runs",
        .0, .0.position, .0.position + 1, .0.farewell()
    )]
    StillNeeded(Subscriber),
    /// Nothing lies before the position.
    #[error("the log starts at position {0} already")]
    Nothing(i64),
    /// The log does not reach to the position.
    #[error(
        "the log holds the positions {earliest} to {head}: truncate before position {} at most, not before position \
         {position}",
        .head + 1
    )]
    BeyondHead {
        /// The oldest position of the log.
        earliest: i64,
        /// The newest.
        head: i64,
        /// The first position that was to stay.
        position: i64,
    },
    /// The file that is there is not an archive of what would go.
    #[error("{path} is there already and is not the archive of the positions {first} to {last} of this log")]
    OtherArchive {
        /// The file.
        path: std::path::PathBuf,
        /// The first position that would go.
        first: i64,
        /// The last one.
        last: i64,
    },
    /// The archive cannot be made or is not good.
    #[error(transparent)]
    Archive(#[from] ArchiveError),
    /// The database refuses.
    #[error("the database refuses: {0}")]
    Store(#[from] DbErr),
}

/// What a truncation did.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Truncated {
    /// What the archive holds.
    pub archived: Archived,
    /// Events deleted.
    pub deleted: u64,
}

/// Takes all events before `position` out of the log, after they are in the archive at `path`. An archive that is
/// there already must be that of exactly these events, left by a truncation that was cut short.
pub async fn truncate(
    writer: &DatabaseConnection,
    key_description: &str,
    position: i64,
    path: &Path,
    progress: Progress<'_>,
) -> Result<Truncated, TruncateError> {
    let last = position - 1;
    let boundary = Boundary::load(writer).await?;
    if last <= boundary.position {
        return Err(TruncateError::Nothing(boundary.position + 1));
    }
    let range = Range { from: None, to: Some(last) };
    open_range(writer, range).await.map_err(|error| match error {
        // It tells of the last position that goes; who asked has named the first one that stays.
        ArchiveError::OutOfRange { earliest, head, .. } => {
            TruncateError::BeyondHead { earliest, head, position }
        }
        other => other.into(),
    })?;
    refuse_if_needed(writer, last).await?;
    if !path.exists() {
        export(writer, key_description, path, range, progress).await?;
    }
    let total = (last - boundary.position).unsigned_abs();
    let archived = verify(path, &|done| progress("verifying", done, total))?;
    check_archive(writer, &archived, path, last).await?;
    let mut deleted = 0;
    loop {
        let tx = WriteTransaction::begin(writer).await?;
        let batch = delete_batch(&tx, last).await;
        match tx.end(batch).await? {
            0 => return Ok(Truncated { archived, deleted }),
            batch => deleted += batch,
        }
        progress("deleting", deleted, total);
    }
}

/// The archive must hold all that goes, of this very log.
async fn check_archive(
    writer: &DatabaseConnection,
    archived: &Archived,
    path: &Path,
    last: i64,
) -> Result<(), TruncateError> {
    // The log again: its boundary may have moved since, and its event at the end tells whose archive this is.
    let range = open_range(writer, Range { from: None, to: Some(last) }).await?;
    let end = event::Entity::find_by_id(last).one(writer).await?.map(|event| event.event_id);
    let same = archived.feed_id == range.feed_id
        && archived.first_position <= range.first
        && archived.last_position == last
        && end.is_some()
        && archived.last_event_id.map(|id| *id.as_uuid()) == end;
    match same {
        true => Ok(()),
        false => Err(TruncateError::OtherArchive { path: path.to_owned(), first: range.first, last }),
    }
}

async fn refuse_if_needed<C: ConnectionTrait>(db: &C, last: i64) -> Result<(), TruncateError> {
    match slowest_subscriber(db).await? {
        Some(slowest) if slowest.position < last => Err(TruncateError::StillNeeded(slowest)),
        _ => Ok(()),
    }
}

/// Deletes the next events up to `last`, and moves the boundary to them. The head's row comes last: whoever writes
/// waits for the commit only.
async fn delete_batch(tx: &WriteTransaction, last: i64) -> Result<u64, TruncateError> {
    // Again in each batch: a group may have been set back meanwhile.
    refuse_if_needed(tx, last).await?;
    let upto: Option<(i64, Uuid, i64)> = last_of_batch(tx, last).await?;
    let Some((position, event_id, recorded)) = upto else { return Ok(0) };
    let backend = tx.get_database_backend();
    let delete = Statement::from_sql_and_values(
        backend,
        r#"DELETE FROM "events" WHERE "position" <= $1"#,
        [position.into()],
    );
    let deleted = tx.execute_raw(delete).await?.rows_affected();
    let boundary = Statement::from_sql_and_values(
        backend,
        "UPDATE log_head SET truncated_position = $1, truncated_event_id = $2, truncated_time = $3 \
         WHERE id = 1 AND truncated_position < $1",
        [position.into(), event_id.into(), recorded.into()],
    );
    match tx.execute_raw(boundary).await?.rows_affected() {
        1 => Ok(deleted),
        _ => Err(DbErr::Custom("another truncation of the same log is running".to_owned()).into()),
    }
}

/// The last event of the next batch.
async fn last_of_batch(tx: &WriteTransaction, last: i64) -> Result<Option<(i64, Uuid, i64)>, DbErr> {
    let positions: Vec<(i64, Uuid, i64)> = event::Entity::find()
        .select_only()
        .columns([event::Column::Position, event::Column::EventId, event::Column::RecordedTime])
        .filter(event::Column::Position.lte(last))
        .order_by_asc(event::Column::Position)
        .limit(BATCH)
        .into_tuple()
        .all(tx)
        .await?;
    Ok(positions.last().copied())
}
