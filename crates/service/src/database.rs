//! Opens a context's database and brings its tables up to date.
//!
//! SQLite: WAL, synchronous FULL (a commit that was answered survives a power cut), one connection that writes and
//! a few that read. The file is locked for this process, so that a second server on the same data is refused by
//! name instead of corrupting the first one's view of it.

use std::fs::{self, File, TryLockError};
use std::path::{Path, PathBuf};
use std::time::Duration;

use sea_orm::sqlx::ConnectOptions as _;
use sea_orm::sqlx::sqlite::{SqliteConnectOptions, SqliteJournalMode, SqliteSynchronous};
use sea_orm::{ConnectOptions, DatabaseConnection, DbErr};
use sea_orm_migration::MigratorTrait;

use crate::config::MaskedUrl;

/// Connections that read.
const READERS: u32 = 4;
/// Pages of the write-ahead log before it is folded into the file; larger than SQLite's 1000, since a fold is the
/// one slow moment of a writer.
const WAL_PAGES: u32 = 8000;

/// A context's database.
#[derive(Debug)]
pub struct Database {
    /// The connection that writes.
    pub writer: DatabaseConnection,
    /// Connections that read.
    pub reader: DatabaseConnection,
    /// Keeps other processes out while the database is open.
    _lock: Option<File>,
}

/// A database that cannot be opened.
#[derive(Debug, thiserror::Error)]
pub enum OpenError {
    /// The URL is of a kind that is not supported.
    #[error("the database URL {0} is not supported: expected sqlite:PATH")]
    Unsupported(MaskedUrl),
    /// Another process has it open.
    #[error("{0} is in use by another process; stop that one or choose another data directory")]
    InUse(PathBuf),
    /// The directory or the lock cannot be made.
    #[error("{path} cannot be made: {error}")]
    Io {
        /// What could not be made.
        path: PathBuf,
        /// Why.
        error: std::io::Error,
    },
    /// The database refuses.
    #[error("the database {url} cannot be opened: {error}")]
    Database {
        /// The database, without its password.
        url: MaskedUrl,
        /// Why.
        error: DbErr,
    },
}

impl Database {
    /// Opens the database at `url`, or a throw-away one in memory, and runs the migrations of `M`.
    pub async fn open<M: MigratorTrait>(url: &MaskedUrl, in_memory: bool) -> Result<Self, OpenError> {
        let failed = |error| OpenError::Database { url: url.clone(), error };
        let database = match in_memory {
            true => Self::in_memory().await.map_err(failed)?,
            false => Self::file(url).await?,
        };
        M::up(&database.writer, None).await.map_err(failed)?;
        Ok(database)
    }

    async fn in_memory() -> Result<Self, DbErr> {
        // Every connection to :memory: is a database of its own, so there is just one for reading and writing.
        let writer = connect(None, 1).await?;
        Ok(Self { reader: writer.clone(), writer, _lock: None })
    }

    async fn file(url: &MaskedUrl) -> Result<Self, OpenError> {
        let path = url.reveal().strip_prefix("sqlite:").ok_or_else(|| OpenError::Unsupported(url.clone()))?;
        let path = PathBuf::from(path.strip_prefix("//").unwrap_or(path));
        let lock = lock(&path)?;
        let failed = |error| OpenError::Database { url: url.clone(), error };
        let writer = connect(Some(path.clone()), 1).await.map_err(failed)?;
        let reader = connect(Some(path), READERS).await.map_err(failed)?;
        Ok(Self { writer, reader, _lock: Some(lock) })
    }
}

fn lock(path: &Path) -> Result<File, OpenError> {
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

/// Connections to a file, or to a database in memory.
async fn connect(file: Option<PathBuf>, connections: u32) -> Result<DatabaseConnection, DbErr> {
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
