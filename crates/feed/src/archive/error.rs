//! Why an archive cannot be written, read or imported.

use std::io;
use std::path::PathBuf;

use sea_orm::DbErr;
use uuid::Uuid;

/// What is wrong with an archive, or with the log that it is to come from or go to.
#[derive(Debug, thiserror::Error)]
pub enum ArchiveError {
    /// The file cannot be read or written.
    #[error("{path}: {error}")]
    Io {
        /// The file.
        path: PathBuf,
        /// Why.
        error: io::Error,
    },
    /// A file of that name is there already.
    #[error("{0} is there already; archives are never overwritten")]
    Exists(PathBuf),
    /// The file is something else.
    #[error("{0} is not an archive of a feed")]
    Foreign(PathBuf),
    /// The file is of a later program.
    #[error("{path} has the archive format {version}; this program reads {}", super::FORMAT_VERSION)]
    Version {
        /// The file.
        path: PathBuf,
        /// Its version.
        version: i32,
    },
    /// The file ends before its last entry.
    #[error("{0} is truncated: it ends before its last entry")]
    Truncated(PathBuf),
    /// The file is not what was written.
    #[error("{path} was changed or damaged: {what}")]
    Changed {
        /// The file.
        path: PathBuf,
        /// What does not fit.
        what: String,
    },
    /// The database has no log yet.
    #[error("the database has no log; no server has used it yet")]
    NoLog,
    /// The wanted range is not in the log.
    #[error("the log holds the positions {earliest} to {head}, not {wanted}")]
    OutOfRange {
        /// The oldest position of the log.
        earliest: i64,
        /// The newest.
        head: i64,
        /// What was asked for.
        wanted: i64,
    },
    /// The log lost events while it was read.
    #[error("position {0} left the log while it was being read: somebody truncates it")]
    Moved(i64),
    /// The log holds events, and the archive does not continue them.
    #[error(
        "the log {feed_id} holds events up to position {head}; an archive goes into an empty log, or exactly after \
         what an earlier import brought"
    )]
    NotEmpty {
        /// The log.
        feed_id: Uuid,
        /// Its head.
        head: i64,
    },
    /// The archive is of another kind of feed.
    #[error("the archive is of a feed by {archive}, this log is one by {log}")]
    OtherFeed {
        /// The archive's key.
        archive: String,
        /// The log's.
        log: String,
    },
    /// The archive has an event that this program does not know.
    #[error("the archive has events of the type {0:?}, which this feed does not carry")]
    UnknownType(String),
    /// The database refuses.
    #[error("the database refuses: {0}")]
    Store(#[from] DbErr),
}
