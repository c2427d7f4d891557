//! What an error of the database means for the work that met it.

use std::time::Duration;

use sea_orm::RuntimeErr::{self, SqlxError};
use sea_orm::sqlx::Error;
use sea_orm::sqlx::error::DatabaseError;
use sea_orm::sqlx::postgres::PgDatabaseError;
use sea_orm::{DbBackend, DbErr};

/// How long a database may take for an answer where nothing else is said.
pub(crate) const PATIENCE: Duration = Duration::from_secs(30);

/// What to do after an error.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Failure {
    /// The connection broke, perhaps in the middle of a commit. Another one may work at once.
    Disconnected,
    /// Another transaction was faster or in the way: the same work, read anew, succeeds or is refused for a reason.
    Conflict,
    /// The database is away, full, read-only or busy: the same work may succeed later.
    Unavailable,
    /// A fault of ours or of the data: the same work fails again.
    Permanent,
}

impl Failure {
    /// What `error` means.
    pub fn of(error: &DbErr) -> Self {
        match error {
            DbErr::ConnectionAcquire(_) => Self::Unavailable,
            DbErr::Conn(SqlxError(error))
            | DbErr::Exec(SqlxError(error))
            | DbErr::Query(SqlxError(error)) => of_driver(error),
            DbErr::Conn(_) => Self::Unavailable,
            _ => Self::Permanent,
        }
    }
}

/// True when the same work may succeed later. Anything else is a fault of ours or of the data.
pub fn is_transient(error: &DbErr) -> bool {
    Failure::of(error) != Failure::Permanent
}

/// What comes of `work` on a database, or after a time that there was no answer. What was begun may still be done: whoever
/// asks again must be able to.
pub async fn within<T, E: From<DbErr>>(
    limit: Duration,
    work: impl Future<Output = Result<T, E>>,
) -> Result<T, E> {
    let silent = |_| Err(DbErr::Conn(RuntimeErr::Internal(format!("no answer in {limit:?}"))).into());
    tokio::time::timeout(limit, work).await.unwrap_or_else(silent)
}

/// The same on a server's database. On SQLite it is waited for as long as it takes: there is no network to swallow anything,
/// and the driver's thread would go on behind our back.
pub(crate) async fn within_on<T, E: From<DbErr>>(
    backend: DbBackend,
    limit: Duration,
    work: impl Future<Output = Result<T, E>>,
) -> Result<T, E> {
    match backend {
        DbBackend::Sqlite => work.await,
        _ => within(limit, work).await,
    }
}

fn of_driver(error: &Error) -> Failure {
    match error {
        Error::Io(_) | Error::Protocol(_) => Failure::Disconnected,
        Error::PoolTimedOut | Error::PoolClosed | Error::WorkerCrashed | Error::Tls(_) => {
            Failure::Unavailable
        }
        Error::Database(error) => match error.try_downcast_ref::<PgDatabaseError>() {
            Some(error) => of_sqlstate(error.code()),
            None => of_sqlite(error.as_ref()),
        },
        _ => Failure::Permanent,
    }
}

fn of_sqlstate(code: &str) -> Failure {
    match code {
        // Ended by an operator, by a crash of another session, by our own time-out in the middle of a transaction.
        "57P01" | "57P02" | "57P05" | "25P03" => Failure::Disconnected,
        // Serialization, deadlock, and a unique key that another transaction has just taken.
        "40001" | "40P01" | "23505" => Failure::Conflict,
        // Time-outs of statements and locks; read-only, as a standby is; starting up; the database is just being exchanged.
        "57014" | "55P03" | "25006" | "57P03" | "58030" | "3D000" | "57P04" => Failure::Unavailable,
        // Connection exceptions; insufficient resources such as a full disk.
        _ if code.starts_with("08") => Failure::Disconnected,
        _ if code.starts_with("53") => Failure::Unavailable,
        _ => Failure::Permanent,
    }
}

/// SQLite's primary codes: busy 5, locked 6, read-only 8, I/O error 10, full 13, cannot open 14.
fn of_sqlite(error: &dyn DatabaseError) -> Failure {
    let code = error.code().and_then(|code| code.parse::<u32>().ok());
    match code.is_some_and(|code| matches!(code & 0xff, 5 | 6 | 8 | 10 | 13 | 14)) {
        true => Failure::Unavailable,
        false => Failure::Permanent,
    }
}
