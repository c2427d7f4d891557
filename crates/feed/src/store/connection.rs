//! Connections as statements get them; one of PostgreSQL goes back to its pool in a known state and in a limited time, or is
//! closed.
//!
//! The driver takes back whatever is dropped. It tries it without a limit, and one whose network swallows everything
//! keeps its place in the pool for as long as the kernel does not give up. It cannot know, either, whether a BEGIN that
//! nobody waited for has begun a transaction, in which the work of the next one would be lost.

use std::time::Duration;

use async_trait::async_trait;
use sea_orm::sqlx::pool::PoolConnection;
use sea_orm::sqlx::postgres::PgArguments;
use sea_orm::sqlx::{AssertSqlSafe, Postgres, query_with, raw_sql};
use sea_orm::{
    ConnectionTrait, DatabaseConnection, DatabaseTransaction, DbBackend, DbErr, ExecResult, QueryResult,
    RuntimeErr, Statement,
};
use sea_query_sqlx::SqlxValues;
use tokio::sync::{Mutex, MutexGuard};

use super::array::{StoreConnection, fetch, no_arrays, query_failed};

/// How long a connection may take to go back.
const RETURN_LIMIT: Duration = Duration::from_secs(2);

/// What statements run on.
#[derive(Debug)]
pub(super) enum Connection {
    /// Any connection of the pool.
    Sqlite(DatabaseConnection),
    /// One that is in a transaction.
    SqliteTransaction(DatabaseTransaction),
    /// One of PostgreSQL's, in a transaction or not.
    Postgres(Lent),
}

/// A connection of a pool. Closed when it is dropped, unless it is [given back](Self::give_back).
#[derive(Debug)]
pub(crate) struct Lent {
    /// Behind a lock since statements want the connection for themselves and sea-orm shares it; those of one owner come
    /// one after the other anyway.
    connection: Mutex<PoolConnection<Postgres>>,
    idle: bool,
}

impl Lent {
    /// Takes one out of the pool.
    pub async fn take(pool: &DatabaseConnection) -> Result<Self, DbErr> {
        let taken = pool.get_postgres_connection_pool().acquire().await;
        let connection = taken.map_err(|error| DbErr::Conn(RuntimeErr::SqlxError(error.into())))?;
        Ok(Self { connection: Mutex::new(connection), idle: false })
    }

    /// Gives it back: nothing is under way on it.
    pub fn give_back(mut self) {
        self.idle = true;
    }

    /// It, for one statement.
    pub async fn own(&self) -> MutexGuard<'_, PoolConnection<Postgres>> {
        self.connection.lock().await
    }
}

impl Drop for Lent {
    fn drop(&mut self) {
        let connection = self.connection.get_mut();
        if self.idle {
            tokio::spawn(tokio::time::timeout(RETURN_LIMIT, connection.return_to_pool()));
        } else {
            connection.close_on_drop();
        }
    }
}

#[async_trait]
impl ConnectionTrait for Connection {
    fn get_database_backend(&self) -> DbBackend {
        match self {
            Self::Sqlite(_) | Self::SqliteTransaction(_) => DbBackend::Sqlite,
            Self::Postgres(_) => DbBackend::Postgres,
        }
    }

    async fn execute_raw(&self, statement: Statement) -> Result<ExecResult, DbErr> {
        match self {
            Self::Sqlite(pool) => pool.execute_raw(statement).await,
            Self::SqliteTransaction(tx) => tx.execute_raw(statement).await,
            Self::Postgres(lent) => {
                let query = query_with(AssertSqlSafe(statement.sql), values(statement.values));
                query.execute(&mut **lent.own().await).await.map(ExecResult::from).map_err(query_failed)
            }
        }
    }

    async fn execute_unprepared(&self, sql: &str) -> Result<ExecResult, DbErr> {
        match self {
            Self::Sqlite(pool) => pool.execute_unprepared(sql).await,
            Self::SqliteTransaction(tx) => tx.execute_unprepared(sql).await,
            Self::Postgres(lent) => {
                let query = raw_sql(AssertSqlSafe(sql));
                query.execute(&mut **lent.own().await).await.map(ExecResult::from).map_err(query_failed)
            }
        }
    }

    async fn query_one_raw(&self, statement: Statement) -> Result<Option<QueryResult>, DbErr> {
        match self {
            Self::Sqlite(pool) => pool.query_one_raw(statement).await,
            Self::SqliteTransaction(tx) => tx.query_one_raw(statement).await,
            Self::Postgres(lent) => {
                let query = query_with(AssertSqlSafe(statement.sql), values(statement.values));
                let row = query.fetch_optional(&mut **lent.own().await).await.map_err(query_failed)?;
                Ok(row.map(QueryResult::from))
            }
        }
    }

    async fn query_all_raw(&self, statement: Statement) -> Result<Vec<QueryResult>, DbErr> {
        match self {
            Self::Sqlite(pool) => pool.query_all_raw(statement).await,
            Self::SqliteTransaction(tx) => tx.query_all_raw(statement).await,
            Self::Postgres(lent) => {
                fetch(&mut **lent.own().await, statement.sql, values(statement.values)).await
            }
        }
    }
}

#[async_trait]
impl StoreConnection for Connection {
    async fn query_arrays(&self, sql: String, arrays: PgArguments) -> Result<Vec<QueryResult>, DbErr> {
        let Self::Postgres(lent) = self else { return Err(no_arrays()) };
        fetch(&mut **lent.own().await, sql, arrays).await
    }
}

fn values(values: Option<sea_orm::Values>) -> SqlxValues {
    SqlxValues(values.unwrap_or_else(|| sea_orm::Values(Vec::new())))
}
