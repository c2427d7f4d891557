//! Databases as tools open them: alone, without migrations; or for reading beside a server.

use std::fs::File;
use std::os::unix::fs::MetadataExt;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use sea_orm::{ConnectionTrait, DatabaseConnection, DbErr, Statement};
use sea_orm_migration::MigratorTrait;

use super::{Database, Lock, OpenError, migrations, postgres, refuse_fenced, sqlite};
use crate::config::{DatabaseSettings, MaskedUrl};

/// A database that nobody else uses, of one connection.
#[derive(Debug)]
pub struct Alone {
    /// The connection.
    pub connection: DatabaseConnection,
    /// SQLite's file, and what keeps other processes away from it.
    file: Option<(PathBuf, File)>,
}

/// Settings of a tool that reads or writes a whole database: no statement is too slow.
pub fn patient() -> DatabaseSettings {
    DatabaseSettings {
        statement_timeout_ms: 0,
        idle_in_transaction_timeout_ms: 0,
        ..DatabaseSettings::default()
    }
}

impl Alone {
    /// Opens a database that exists and keeps servers out until it is closed: a server that starts on PostgreSQL
    /// meanwhile waits, one that runs is a refusal. Neither runs migrations nor looks at fences.
    pub async fn open(url: &MaskedUrl) -> Result<Self, OpenError> {
        let failed = |error| OpenError::Database { url: url.clone(), error };
        match sqlite_path(url)? {
            Some(path) => {
                let path = existing(path)?;
                let lock = sqlite::lock(&path)?;
                let connection = sqlite::connect(Some(path.clone()), 1).await.map_err(failed)?;
                Ok(Self { connection, file: Some((path, lock)) })
            }
            None => {
                let connection = postgres::tool(url, &patient()).await.map_err(failed)?;
                postgres::lock_out_servers(&connection).await.map_err(failed)?;
                let alone = Self { connection, file: None };
                match servers(&alone.connection).await.map_err(failed)? {
                    0 => Ok(alone),
                    connections => Err(OpenError::ServersRun { url: url.clone(), connections }),
                }
            }
        }
    }

    /// Whether a URL names this very database, however it is spelled. To open it would be to wait for oneself.
    pub async fn is_at(&self, url: &MaskedUrl) -> Result<bool, OpenError> {
        match (&self.file, sqlite_path(url)?) {
            (Some((file, _)), Some(path)) => Ok(is_same_file(file, &path)),
            (None, None) => {
                let failed = |error| OpenError::Database { url: url.clone(), error };
                postgres::is_same(&self.connection, url).await.map_err(failed)
            }
            _ => Ok(false),
        }
    }

    /// Closes it and lets others in.
    pub async fn close(self) -> Result<(), DbErr> {
        self.connection.close().await
    }
}

/// Opens a database, which may be new, with its migrations done, and keeps servers out until it is closed.
pub async fn open_alone<M: MigratorTrait>(url: &MaskedUrl) -> Result<Database, OpenError> {
    if sqlite_path(url)?.is_some() {
        // The file's lock keeps everybody out.
        return Database::open::<M>(url, false, &patient()).await;
    }
    let failed = |error| OpenError::Database { url: url.clone(), error };
    let Alone { connection, .. } = Alone::open(url).await?;
    refuse_fenced(&connection, url).await?;
    migrations::run::<M>(&connection, url).await?;
    let writer = postgres::tool(url, &patient()).await.map_err(failed)?;
    Ok(Database { reader: writer.clone(), writer, lock: Some(Arc::new(Lock::Session(connection))) })
}

/// Opens a database that exists for reading, whoever else uses it.
pub async fn read_only(url: &MaskedUrl) -> Result<DatabaseConnection, OpenError> {
    let failed = |error| OpenError::Database { url: url.clone(), error };
    match sqlite_path(url)? {
        Some(path) => sqlite::read_only(existing(path)?).await.map_err(failed),
        None => postgres::tool(url, &patient()).await.map_err(failed),
    }
}

/// Connections of servers to this database.
async fn servers(connection: &DatabaseConnection) -> Result<i64, DbErr> {
    const COUNT: &str = "SELECT count(*) AS connections FROM pg_stat_activity \
         WHERE datname = current_database() AND application_name = $1 AND pid <> pg_backend_pid()";
    let values = [postgres::APPLICATION.into()];
    let statement = Statement::from_sql_and_values(connection.get_database_backend(), COUNT, values);
    let row = connection.query_one_raw(statement).await?;
    row.map_or(Ok(0), |row| row.try_get("", "connections"))
}

/// The file of a `sqlite:` URL; none when it is one of PostgreSQL.
fn sqlite_path(url: &MaskedUrl) -> Result<Option<PathBuf>, OpenError> {
    let address = url.reveal();
    match address.strip_prefix("sqlite:") {
        Some(path) => Ok(Some(PathBuf::from(path.strip_prefix("//").unwrap_or(path)))),
        None if super::is_postgres(address) => Ok(None),
        None => Err(OpenError::Unsupported(url.clone())),
    }
}

/// Links of both kinds are followed: they lead to the same rows.
fn is_same_file(one: &Path, other: &Path) -> bool {
    let [one, other] = [one, other].map(|path| path.metadata().map(|file| (file.dev(), file.ino())));
    // What cannot be looked at is refused, or made, by whoever opens it.
    one.is_ok_and(|one| other.is_ok_and(|other| one == other))
}

fn existing(path: PathBuf) -> Result<PathBuf, OpenError> {
    match path.is_file() {
        true => Ok(path),
        false => Err(OpenError::Missing(path)),
    }
}
