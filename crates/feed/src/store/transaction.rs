//! A transaction that writes, and what becomes of its connection when it fails.
//!
//! When a disk is full or fails, SQLite rolls a transaction back by itself. The driver's own ROLLBACK then fails, and
//! the driver goes on counting the transaction as open: the next one would be a savepoint inside nothing, and its
//! commit would write nothing. So a connection whose transaction could neither be committed nor undone is closed,
//! and the pool opens a new one. On PostgreSQL any whose transaction had no end is closed.

use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

use async_trait::async_trait;
use sea_orm::sqlx::Connection as _;
use sea_orm::sqlx::postgres::PgArguments;
use sea_orm::{
    ConnectionTrait, DatabaseConnection, DbBackend, DbErr, ExecResult, QueryResult, SqliteTransactionMode,
    Statement, TransactionOptions, TransactionTrait,
};

use super::array::StoreConnection;
use super::connection::{Connection, Lent};
use super::within;

/// An open transaction. It must be given an end: dropped, it is undone, but on SQLite its connection is not looked after.
#[must_use]
#[derive(Debug)]
pub struct WriteTransaction {
    tx: Connection,
    writer: DatabaseConnection,
    /// How long each statement may take.
    patience: Duration,
    /// A statement has had no answer.
    silent: AtomicBool,
}

impl WriteTransaction {
    /// Begins, and waits for the database as long as it takes.
    pub async fn begin(writer: &DatabaseConnection) -> Result<Self, DbErr> {
        Self::begin_within(writer, Duration::MAX).await
    }

    /// Begins, and waits for this and for each statement no longer than `patience`. SQLite takes its write lock at once, so
    /// that no later statement can fail for want of it.
    pub(super) async fn begin_within(writer: &DatabaseConnection, patience: Duration) -> Result<Self, DbErr> {
        let tx = within(patience, open(writer)).await?;
        Ok(Self { tx, writer: writer.clone(), patience, silent: AtomicBool::new(false) })
    }

    /// Commits when the work succeeded, undoes it when it failed.
    pub async fn end<T, E: From<DbErr>>(self, outcome: Result<T, E>) -> Result<T, E> {
        let value = match outcome {
            Ok(value) => value,
            Err(error) => {
                self.undo().await;
                return Err(error);
            }
        };
        let committed = async {
            match self.tx {
                Connection::SqliteTransaction(tx) => tx.commit().await,
                other => end_by("COMMIT", other).await,
            }
        };
        match within(self.patience, committed).await {
            Ok(()) => Ok(value),
            Err(error) => {
                close_broken(&self.writer, true).await;
                Err(E::from(error))
            }
        }
    }

    /// Undoes everything.
    pub async fn undo(self) {
        if self.silent.into_inner() {
            // It would not answer to this either. PostgreSQL undoes what was begun on a connection that is closed.
            return;
        }
        let undone = async {
            match self.tx {
                Connection::SqliteTransaction(tx) => tx.rollback().await,
                other => end_by("ROLLBACK", other).await,
            }
        };
        if let Err(error) = within::<_, DbErr>(self.patience, undone).await {
            tracing::warn!(%error, "a transaction could not be undone; its connection is closed");
            close_broken(&self.writer, true).await;
        }
    }

    async fn in_time<T>(&self, work: impl Future<Output = Result<T, DbErr>>) -> Result<T, DbErr> {
        self.silent.store(true, Ordering::Relaxed);
        let answered = async {
            let answer = work.await;
            self.silent.store(false, Ordering::Relaxed);
            answer
        };
        within(self.patience, answered).await
    }
}

async fn open(writer: &DatabaseConnection) -> Result<Connection, DbErr> {
    if writer.get_database_backend() == DbBackend::Postgres {
        let connection = Connection::Postgres(Lent::take(writer).await?);
        connection.execute_unprepared("BEGIN").await?;
        return Ok(connection);
    }
    close_broken(writer, false).await;
    let options = TransactionOptions {
        sqlite_transaction_mode: Some(SqliteTransactionMode::Immediate),
        ..TransactionOptions::default()
    };
    writer.begin_with_options(options).await.map(Connection::SqliteTransaction)
}

/// Ends a transaction of PostgreSQL. Its connection goes back only when that is answered.
async fn end_by(sql: &str, connection: Connection) -> Result<(), DbErr> {
    connection.execute_unprepared(sql).await?;
    if let Connection::Postgres(lent) = connection {
        lent.give_back();
    }
    Ok(())
}

#[async_trait]
impl ConnectionTrait for WriteTransaction {
    fn get_database_backend(&self) -> DbBackend {
        self.tx.get_database_backend()
    }

    async fn execute_raw(&self, statement: Statement) -> Result<ExecResult, DbErr> {
        self.in_time(self.tx.execute_raw(statement)).await
    }

    async fn execute_unprepared(&self, sql: &str) -> Result<ExecResult, DbErr> {
        self.in_time(self.tx.execute_unprepared(sql)).await
    }

    async fn query_one_raw(&self, statement: Statement) -> Result<Option<QueryResult>, DbErr> {
        self.in_time(self.tx.query_one_raw(statement)).await
    }

    async fn query_all_raw(&self, statement: Statement) -> Result<Vec<QueryResult>, DbErr> {
        self.in_time(self.tx.query_all_raw(statement)).await
    }
}

#[async_trait]
impl StoreConnection for WriteTransaction {
    async fn query_arrays(&self, sql: String, arrays: PgArguments) -> Result<Vec<QueryResult>, DbErr> {
        self.in_time(self.tx.query_arrays(sql, arrays)).await
    }
}

/// Closes the writing connection if the driver thinks that a transaction is open on it, or `anyway`. An in-memory
/// database lives in its connection and has no disk to fail; it is left alone.
async fn close_broken(writer: &DatabaseConnection, anyway: bool) {
    if writer.get_database_backend() != DbBackend::Sqlite {
        return;
    }
    let pool = writer.get_sqlite_connection_pool();
    let in_memory = pool.connect_options().get_filename().starts_with("file:sqlx-in-memory");
    // An error here is told by whoever needs the connection next.
    let Ok(connection) = pool.acquire().await else { return };
    let broken = !in_memory && (anyway || connection.is_in_transaction());
    if broken && let Err(error) = connection.close().await {
        tracing::warn!(%error, "a database connection could not be closed well");
    }
}
