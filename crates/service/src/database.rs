//! Opens a context's database and brings its tables up to date.
//!
//! `sqlite:PATH` is a file for one process, `postgres://…` a database for any number of replicas. Each context has a
//! database of its own.

pub mod fence;
pub mod migrations;
pub mod offline;
mod postgres;
pub mod spelling;
mod sqlite;

use std::fs::File;
use std::path::PathBuf;
use std::sync::Arc;

use sea_orm::{DatabaseConnection, DbErr};
pub use sea_orm_migration::MigratorTrait;

use crate::config::{DatabaseSettings, MaskedUrl};

/// A context's database. Its clones share the connections.
#[derive(Debug, Clone)]
pub struct Database {
    /// The connections that write; with SQLite just one.
    pub writer: DatabaseConnection,
    /// Connections that read.
    pub reader: DatabaseConnection,
    /// Keeps others out, until the last clone is gone.
    lock: Option<Arc<Lock>>,
}

/// What keeps others out of a database.
#[derive(Debug)]
enum Lock {
    /// SQLite's file is this process's own.
    File {
        /// Held, not read.
        _file: File,
    },
    /// The session that keeps servers out of one of PostgreSQL.
    Session(DatabaseConnection),
}

/// A database that cannot be opened.
#[derive(Debug, thiserror::Error)]
pub enum OpenError {
    /// The URL is of a kind that is not supported.
    #[error("the database URL {0} is not supported: expected sqlite:PATH or postgres://USER@HOST/DATABASE")]
    Unsupported(MaskedUrl),
    /// Another process has it open.
    #[error(
        "{0} is in use by another process, or by another server of this one; stop that one or choose another data \
         directory"
    )]
    InUse(PathBuf),
    /// Servers use it.
    #[error("{url} is in use by running servers ({connections} connections); stop them first")]
    ServersRun {
        /// The database, without its password.
        url: MaskedUrl,
        /// How many connections they have.
        connections: i64,
    },
    /// A tool has it for itself.
    #[error(
        "{0} is being worked on by `ordermesh store …` or `ordermesh feed import`; servers wait for its end"
    )]
    ToolRuns(MaskedUrl),
    /// It has had migrations that are not the server's.
    #[error(
        "{url} has migrations that this program does not know, such as {migration}: it is of a newer version, or of \
         somebody else"
    )]
    Unknown {
        /// The database, without its password.
        url: MaskedUrl,
        /// One that is not known.
        migration: String,
        /// All that it has had, sorted.
        applied: Vec<String>,
    },
    /// It belongs to another server.
    #[error("{url} is the database of {owner}; each server has one of its own")]
    OfAnother {
        /// The database, without its password.
        url: MaskedUrl,
        /// The name of the server.
        owner: &'static str,
    },
    /// There is no such file.
    #[error("there is no database at {0}")]
    Missing(PathBuf),
    /// It was copied elsewhere.
    #[error(
        "{url} was copied to {} at {} and is fenced: start the server on the copy; to go back to this one and lose \
         what the copy has taken since, run `ordermesh store unfence --database {}`",
        .fence.copied_to, .fence.fenced_time, spelling::argument(.url)
    )]
    Fenced {
        /// The database, without its password.
        url: MaskedUrl,
        /// What the fence says.
        fence: fence::Fence,
    },
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
    pub async fn open<M: MigratorTrait>(
        url: &MaskedUrl,
        in_memory: bool,
        settings: &DatabaseSettings,
    ) -> Result<Self, OpenError> {
        let failed = |error| OpenError::Database { url: url.clone(), error };
        let address = url.reveal();
        if !in_memory && is_postgres(address) {
            return postgres::open::<M>(url, settings).await;
        }
        let database = match address.strip_prefix("sqlite:") {
            _ if in_memory => sqlite::in_memory().await.map_err(failed)?,
            Some(path) => sqlite::file(url, path).await?,
            None => return Err(OpenError::Unsupported(url.clone())),
        };
        refuse_fenced(&database.writer, url).await?;
        migrations::run::<M>(&database.writer, url).await?;
        Ok(database)
    }

    /// Closes all connections, and only then lets other processes in.
    pub async fn close(self) -> Result<(), DbErr> {
        let connections = self.close_connections().await;
        match self.lock.as_deref() {
            Some(Lock::Session(session)) => connections.and(session.clone().close().await),
            Some(Lock::File { .. }) | None => connections,
        }
    }

    async fn close_connections(&self) -> Result<(), DbErr> {
        self.reader.clone().close().await?;
        self.writer.clone().close().await
    }
}

pub(crate) fn is_postgres(address: &str) -> bool {
    address.starts_with("postgres:") || address.starts_with("postgresql:")
}

/// Before anything is written to it.
async fn refuse_fenced(connection: &DatabaseConnection, url: &MaskedUrl) -> Result<(), OpenError> {
    match fence::find(connection).await {
        Ok(None) => Ok(()),
        Ok(Some(fence)) => Err(OpenError::Fenced { url: url.clone(), fence }),
        Err(error) => Err(OpenError::Database { url: url.clone(), error }),
    }
}
