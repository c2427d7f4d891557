//! A transaction that writes, and what becomes of its connection when it fails.
//!
//! On PostgreSQL it is the driver's own, so that statements over arrays reach the driver directly.
//!
//! When a disk is full or fails, SQLite rolls a transaction back by itself. The driver's own ROLLBACK then fails, and
//! the driver goes on counting the transaction as open: the next one would be a savepoint inside nothing, and its
//! commit would write nothing. So a connection whose transaction could neither be committed nor undone is closed,
//! and the pool opens a new one.

use async_trait::async_trait;
use sea_orm::sqlx::postgres::PgArguments;
use sea_orm::sqlx::{AssertSqlSafe, Connection, Postgres, query_with, raw_sql};
use sea_orm::{
    ConnectionTrait, DatabaseConnection, DatabaseTransaction, DbBackend, DbErr, ExecResult, QueryResult,
    RuntimeErr, SqliteTransactionMode, Statement, TransactionOptions, TransactionTrait,
};
use sea_query_sqlx::SqlxValues;
use tokio::sync::Mutex;

use super::array::{StoreConnection, fetch, no_arrays, query_failed};

/// An open transaction. It must be given an end: dropped, it is undone, but its connection is not looked after.
#[must_use]
#[derive(Debug)]
pub struct WriteTransaction {
    tx: Open,
    writer: DatabaseConnection,
}

#[derive(Debug)]
enum Open {
    Sqlite(DatabaseTransaction),
    /// Behind a lock since statements want the connection for themselves and sea-orm shares it; a transaction's
    /// statements come one after the other anyway.
    Postgres(Mutex<sea_orm::sqlx::Transaction<'static, Postgres>>),
}

impl WriteTransaction {
    /// Begins. SQLite takes its write lock at once, so that no later statement can fail for want of it.
    pub async fn begin(writer: &DatabaseConnection) -> Result<Self, DbErr> {
        let tx = match writer.get_database_backend() {
            DbBackend::Postgres => {
                let begun = writer.get_postgres_connection_pool().begin().await;
                Open::Postgres(Mutex::new(
                    begun.map_err(|error| DbErr::Conn(RuntimeErr::SqlxError(error.into())))?,
                ))
            }
            _ => {
                close_broken(writer, false).await;
                let options = TransactionOptions {
                    sqlite_transaction_mode: Some(SqliteTransactionMode::Immediate),
                    ..TransactionOptions::default()
                };
                Open::Sqlite(writer.begin_with_options(options).await?)
            }
        };
        Ok(Self { tx, writer: writer.clone() })
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
        let committed = match self.tx {
            Open::Sqlite(tx) => tx.commit().await,
            Open::Postgres(tx) => tx.into_inner().commit().await.map_err(query_failed),
        };
        match committed {
            Ok(()) => Ok(value),
            Err(error) => {
                close_broken(&self.writer, true).await;
                Err(error.into())
            }
        }
    }

    /// Undoes everything.
    pub async fn undo(self) {
        let undone = match self.tx {
            Open::Sqlite(tx) => tx.rollback().await,
            Open::Postgres(tx) => tx.into_inner().rollback().await.map_err(query_failed),
        };
        if let Err(error) = undone {
            tracing::warn!(%error, "a transaction could not be undone; its connection is closed");
            close_broken(&self.writer, true).await;
        }
    }
}

#[async_trait]
impl ConnectionTrait for WriteTransaction {
    fn get_database_backend(&self) -> DbBackend {
        match self.tx {
            Open::Sqlite(_) => DbBackend::Sqlite,
            Open::Postgres(_) => DbBackend::Postgres,
        }
    }

    async fn execute_raw(&self, statement: Statement) -> Result<ExecResult, DbErr> {
        match &self.tx {
            Open::Sqlite(tx) => tx.execute_raw(statement).await,
            Open::Postgres(tx) => {
                let query = query_with(AssertSqlSafe(statement.sql), values(statement.values));
                query.execute(&mut **tx.lock().await).await.map(ExecResult::from).map_err(query_failed)
            }
        }
    }

    async fn execute_unprepared(&self, sql: &str) -> Result<ExecResult, DbErr> {
        match &self.tx {
            Open::Sqlite(tx) => tx.execute_unprepared(sql).await,
            Open::Postgres(tx) => {
                let query = raw_sql(AssertSqlSafe(sql));
                query.execute(&mut **tx.lock().await).await.map(ExecResult::from).map_err(query_failed)
            }
        }
    }

    async fn query_one_raw(&self, statement: Statement) -> Result<Option<QueryResult>, DbErr> {
        match &self.tx {
            Open::Sqlite(tx) => tx.query_one_raw(statement).await,
            Open::Postgres(tx) => {
                let query = query_with(AssertSqlSafe(statement.sql), values(statement.values));
                let row = query.fetch_optional(&mut **tx.lock().await).await.map_err(query_failed)?;
                Ok(row.map(QueryResult::from))
            }
        }
    }

    async fn query_all_raw(&self, statement: Statement) -> Result<Vec<QueryResult>, DbErr> {
        match &self.tx {
            Open::Sqlite(tx) => tx.query_all_raw(statement).await,
            Open::Postgres(tx) => {
                fetch(&mut **tx.lock().await, statement.sql, values(statement.values)).await
            }
        }
    }
}

#[async_trait]
impl StoreConnection for WriteTransaction {
    async fn query_arrays(&self, sql: String, arrays: PgArguments) -> Result<Vec<QueryResult>, DbErr> {
        let Open::Postgres(tx) = &self.tx else { return Err(no_arrays()) };
        fetch(&mut **tx.lock().await, sql, arrays).await
    }
}

fn values(values: Option<sea_orm::Values>) -> SqlxValues {
    SqlxValues(values.unwrap_or_else(|| sea_orm::Values(Vec::new())))
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
