//! SQLite: WAL, synchronous FULL (a commit that was answered survives a power cut), one connection that writes and
//! a few that read. The file is locked for this process, so that a second server on the same data is refused by
//! name instead of corrupting the first one's view of it.

use std::fs::{self, File, TryLockError};
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::Duration;

use sea_orm::sqlx::ConnectOptions as _;
use sea_orm::sqlx::sqlite::{SqliteConnectOptions, SqliteJournalMode, SqliteSynchronous};
use sea_orm::{ConnectOptions, DatabaseConnection, DbErr};

use super::{Database, Lock, OpenError};
use crate::config::MaskedUrl;

/// Connections that read.
const READERS: u32 = 4;
/// Pages of the write-ahead log before it is folded into the file; larger than SQLite's 1000, since a fold is the
/// one slow moment of a writer.
const WAL_PAGES: u32 = 8000;

pub(super) async fn in_memory() -> Result<Database, DbErr> {
    // Every connection to :memory: is a database of its own, so there is just one for reading and writing.
    let writer = connect(None, 1).await?;
    Ok(Database { reader: writer.clone(), writer, lock: None })
}

/// Opens the file of `sqlite:PATH`.
pub(super) async fn file(url: &MaskedUrl, path: &str) -> Result<Database, OpenError> {
    let path = PathBuf::from(path.strip_prefix("//").unwrap_or(path));
    let lock = lock(&path)?;
    let failed = |error| OpenError::Database { url: url.clone(), error };
    let writer = connect(Some(path.clone()), 1).await.map_err(failed)?;
    let reader = connect(Some(path), READERS).await.map_err(failed)?;
    Ok(Database { writer, reader, lock: Some(Arc::new(Lock::File { _file: lock })) })
}

pub(super) fn lock(path: &Path) -> Result<File, OpenError> {
    let failed = |path: &Path, error| OpenError::Io { path: path.to_owned(), error };
    if let Some(directory) = path.parent() {
        fs::create_dir_all(directory).map_err(|error| failed(directory, error))?;
    }
    // The same file by another name is the same database.
    let path = &path.canonicalize().unwrap_or_else(|_| path.to_owned());
    let mut file = path.clone().into_os_string();
    file.push(".lock");
    let file = PathBuf::from(file);
    let lock = File::create(&file).map_err(|error| failed(&file, error))?;
    match lock.try_lock() {
        Ok(()) => Ok(lock),
        Err(TryLockError::WouldBlock) => Err(OpenError::InUse(path.to_owned())),
        Err(TryLockError::Error(error)) => Err(failed(&file, error)),
    }
}

/// One connection that reads a file which others may have open.
pub(super) async fn read_only(file: PathBuf) -> Result<DatabaseConnection, DbErr> {
    let mut options = ConnectOptions::new("sqlite::memory:");
    options.max_connections(1).min_connections(1).sqlx_logging(false).map_sqlx_sqlite_opts(move |_| {
        SqliteConnectOptions::new()
            .filename(&file)
            .read_only(true)
            .disable_statement_logging()
            .busy_timeout(Duration::from_secs(5))
            .pragma("temp_store", "MEMORY")
    });
    sea_orm::Database::connect(options).await
}

/// Connections to a file, or to a database in memory.
pub(super) async fn connect(file: Option<PathBuf>, connections: u32) -> Result<DatabaseConnection, DbErr> {
    let mut options = ConnectOptions::new("sqlite::memory:");
    options
        .max_connections(connections)
        .min_connections(1)
        .acquire_timeout(Duration::from_secs(5))
        .idle_timeout(None::<Duration>)
        .max_lifetime(None::<Duration>)
        .test_before_acquire(false)
        .sqlx_logging(false)
        .map_sqlx_sqlite_opts(move |sqlite| {
            // Not by URL: a path may hold what means something in one.
            let sqlite = match &file {
                Some(file) => SqliteConnectOptions::new().filename(file).create_if_missing(true),
                None => sqlite,
            };
            sqlite
                .disable_statement_logging()
                .journal_mode(SqliteJournalMode::Wal)
                .synchronous(SqliteSynchronous::Full)
                .busy_timeout(Duration::from_secs(5))
                .foreign_keys(true)
                .pragma("wal_autocheckpoint", WAL_PAGES.to_string())
                // A large sort or statement needs no writable temporary directory.
                .pragma("temp_store", "MEMORY")
        });
    sea_orm::Database::connect(options).await
}
