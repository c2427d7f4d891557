//! Opens a context's database and brings its tables up to date.
//!
//! `sqlite:PATH` is a file for one process, `postgres://…` a database for any number of replicas. Each context has a
//! database of its own.

mod postgres;
mod sqlite;

use std::fs::File;
use std::path::PathBuf;

use sea_orm::{DatabaseConnection, DbErr};
use sea_orm_migration::MigratorTrait;

use crate::config::{DatabaseSettings, MaskedUrl};

/// A context's database.
#[derive(Debug)]
pub struct Database {
    /// The connections that write; with SQLite just one.
    pub writer: DatabaseConnection,
    /// Connections that read.
    pub reader: DatabaseConnection,
    /// Keeps other processes out while an SQLite file is open.
    _lock: Option<File>,
}

/// A database that cannot be opened.
#[derive(Debug, thiserror::Error)]
pub enum OpenError {
    /// The URL is of a kind that is not supported.
    #[error("the database URL {0} is not supported: expected sqlite:PATH or postgres://USER@HOST/DATABASE")]
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
    pub async fn open<M: MigratorTrait>(
        url: &MaskedUrl,
        in_memory: bool,
        settings: &DatabaseSettings,
    ) -> Result<Self, OpenError> {
        let failed = |error| OpenError::Database { url: url.clone(), error };
        let address = url.reveal();
        if !in_memory && (address.starts_with("postgres:") || address.starts_with("postgresql:")) {
            return postgres::open::<M>(url, settings).await.map_err(failed);
        }
        let database = match address.strip_prefix("sqlite:") {
            _ if in_memory => sqlite::in_memory().await.map_err(failed)?,
            Some(path) => sqlite::file(url, path).await?,
            None => return Err(OpenError::Unsupported(url.clone())),
        };
        M::up(&database.writer, None).await.map_err(failed)?;
        Ok(database)
    }
}
