//! Fresh databases of the product that is measured, and their end.

use std::path::{Path, PathBuf};
use std::sync::{Mutex, PoisonError};
use std::time::Duration;

use sea_orm::{ConnectOptions, ConnectionTrait, Database, DatabaseConnection, Statement};
use uuid::Uuid;

use super::{BenchError, usage};

/// A database that is away for longer is no place to measure on.
const CONNECT_WITHIN: Duration = Duration::from_secs(5);

/// On what the servers store.
#[derive(Debug)]
enum Product {
    /// Files below a directory of this benchmark's own.
    Sqlite(PathBuf),
    /// Databases beside the one of a maintenance URL.
    Postgres { url: String, postmaster: Option<u32> },
}

/// Makes databases and drops all that it has made.
#[derive(Debug)]
pub(super) struct Databases {
    product: Product,
    description: String,
    made: Mutex<Vec<String>>,
}

impl Databases {
    /// Databases on PostgreSQL when there is a URL, else on SQLite in `directory` or the directory for temporary files.
    pub(super) async fn open(postgres: Option<&str>, directory: Option<&Path>) -> Result<Self, BenchError> {
        let made = Mutex::default();
        let Some(url) = postgres else {
            let directory = directory.map_or_else(std::env::temp_dir, Path::to_owned);
            let own = directory.join(format!("ordermesh-bench-{}", Uuid::now_v7().simple()));
            std::fs::create_dir_all(&own)
                .map_err(|error| BenchError::Io { what: own.display().to_string(), error })?;
            let description = format!("SQLite, WAL, synchronous FULL, in {}", directory.display());
            return Ok(Self { product: Product::Sqlite(own), description, made });
        };
        let server = connect(url).await?;
        let sql = "SELECT current_setting('server_version') AS version, pg_backend_pid() AS pid, \
             current_setting('fsync') AS fsync, current_setting('synchronous_commit') AS commit, \
             current_setting('max_wal_size') AS wal";
        let row = server.query_one_raw(Statement::from_string(server.get_database_backend(), sql)).await?;
        let row = row.ok_or_else(|| sea_orm::DbErr::RecordNotFound("pg_settings".to_owned()))?;
        let text = |column: &str| row.try_get::<String>("", column);
        let description = format!(
            "PostgreSQL {}, fsync {}, synchronous_commit {}, max_wal_size {}",
            text("version")?,
            text("fsync")?,
            text("commit")?,
            text("wal")?
        );
        let postmaster = u32::try_from(row.try_get::<i32>("", "pid")?).ok().and_then(usage::postmaster_of);
        server.close().await?;
        Ok(Self { product: Product::Postgres { url: url.to_owned(), postmaster }, description, made })
    }

    /// The product and the settings that matter, for the report.
    pub(super) fn description(&self) -> &str {
        &self.description
    }

    /// Process id of the PostgreSQL server when it runs on this machine.
    pub(super) fn postmaster(&self) -> Option<u32> {
        match self.product {
            Product::Sqlite(_) => None,
            Product::Postgres { postmaster, .. } => postmaster,
        }
    }

    /// A new, empty database: its URL as settings of servers have it.
    pub(super) async fn fresh(&self) -> Result<String, BenchError> {
        let name = format!("bench_{}", Uuid::now_v7().simple());
        let url = match &self.product {
            Product::Sqlite(directory) => {
                let own = directory.join(&name);
                let failed = |error| BenchError::Io { what: own.display().to_string(), error };
                std::fs::create_dir_all(&own).map_err(failed)?;
                format!("sqlite:{}", own.join("bench.db").display())
            }
            Product::Postgres { url, .. } => {
                self.remember(&name);
                maintain(url, &format!(r#"CREATE DATABASE "{name}""#)).await?;
                return Ok(beside(url, &name));
            }
        };
        self.remember(&name);
        Ok(url)
    }

    fn remember(&self, name: &str) {
        self.made.lock().unwrap_or_else(PoisonError::into_inner).push(name.to_owned());
    }

    /// Drops every database that was made up to now.
    pub(super) async fn discard(&self) -> Result<(), BenchError> {
        let made = std::mem::take(&mut *self.made.lock().unwrap_or_else(PoisonError::into_inner));
        for name in made {
            match &self.product {
                Product::Sqlite(directory) => remove(&directory.join(name))?,
                Product::Postgres { url, .. } => {
                    maintain(url, &format!(r#"DROP DATABASE IF EXISTS "{name}" WITH (FORCE)"#)).await?;
                }
            }
        }
        Ok(())
    }

    /// Leaves nothing behind.
    pub(super) async fn close(self) -> Result<(), BenchError> {
        self.discard().await?;
        match &self.product {
            Product::Sqlite(directory) => remove(directory),
            Product::Postgres { .. } => Ok(()),
        }
    }
}

fn remove(directory: &Path) -> Result<(), BenchError> {
    std::fs::remove_dir_all(directory)
        .map_err(|error| BenchError::Io { what: directory.display().to_string(), error })
}

/// One connection to a database by its URL.
pub(super) async fn connect(url: &str) -> Result<DatabaseConnection, BenchError> {
    let mut options = ConnectOptions::new(url);
    options.max_connections(1).acquire_timeout(CONNECT_WITHIN).sqlx_logging(false);
    Ok(Database::connect(options).await?)
}

async fn maintain(url: &str, sql: &str) -> Result<(), BenchError> {
    let server = connect(url).await?;
    let done = server.execute_unprepared(sql).await;
    server.close().await?;
    done?;
    Ok(())
}

/// The URL of another database on the same server.
fn beside(url: &str, name: &str) -> String {
    let (address, query) = url.split_once('?').map_or((url, String::new()), |(a, q)| (a, format!("?{q}")));
    let start = address.find("://").map_or(0, |at| at + 3);
    let end = address[start..].find('/').map_or(address.len(), |at| start + at);
    format!("{}/{name}{query}", &address[..end])
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_the_database_of_a_url_is_exchanged() {
        assert_eq!(beside("postgres://a:b@h:1/postgres", "x"), "postgres://a:b@h:1/x");
        assert_eq!(beside("postgres://h", "x"), "postgres://h/x");
        assert_eq!(beside("postgres://h/p?host=/tmp/s", "x"), "postgres://h/x?host=/tmp/s");
    }
}
