//! A database that is waited for no longer than a limit: the one place of the rule for what works in the background.
//!
//! A network that swallows everything answers nothing and refuses nothing, and the driver waits for as long as the kernel
//! does. The limit is each statement's own. What has no lease to lose has more time than PostgreSQL lets a statement take, and
//! is not cut off when it only has much to do. What was begun may still be done, a commit too: whoever works here must find
//! out when it begins again. PostgreSQL ends what runs for a connection that was closed (`client_connection_check_interval`).

use std::time::Duration;

use async_trait::async_trait;
use futures_util::future::BoxFuture;
use sea_orm::sqlx::postgres::PgArguments;
use sea_orm::{ConnectionTrait, DatabaseConnection, DbBackend, DbErr, ExecResult, QueryResult, Statement};

use super::connection::{Connection, Lent};
use super::{StoreConnection, WriteTransaction, within};

/// Connections of which none keeps anybody waiting for ever: no answer in time is an error that may pass.
#[derive(Debug, Clone)]
pub struct PatientConnection {
    pool: DatabaseConnection,
    patience: Duration,
}

impl PatientConnection {
    /// The same connections, waited for no longer than `patience` for each statement. On SQLite as long as it takes: there
    /// is no network to swallow anything, and the driver's thread would go on behind our back.
    pub fn new(pool: DatabaseConnection, patience: Duration) -> Self {
        Self { pool, patience }
    }

    /// The connections themselves, which wait for ever.
    pub fn pool(&self) -> &DatabaseConnection {
        &self.pool
    }

    /// The same connections, waited for no longer than `limit` either.
    pub fn at_most(&self, limit: Duration) -> Self {
        Self { pool: self.pool.clone(), patience: self.patience.min(limit) }
    }

    /// How long a statement may take.
    pub fn patience(&self) -> Duration {
        self.patience
    }

    /// Begins a transaction with the same limit.
    pub async fn begin(&self) -> Result<WriteTransaction, DbErr> {
        match self.get_database_backend() {
            DbBackend::Postgres => WriteTransaction::begin_within(&self.pool, self.patience).await,
            _ => WriteTransaction::begin(&self.pool).await,
        }
    }

    async fn ask<T>(
        &self,
        question: impl for<'c> FnOnce(&'c Connection) -> BoxFuture<'c, Result<T, DbErr>> + Send,
    ) -> Result<T, DbErr> {
        if self.get_database_backend() != DbBackend::Postgres {
            return question(&Connection::Sqlite(self.pool.clone())).await;
        }
        let answered = async {
            let connection = Connection::Postgres(Lent::take(&self.pool).await?);
            let answer = question(&connection).await;
            if let Connection::Postgres(lent) = connection {
                lent.give_back();
            }
            answer
        };
        within(self.patience, answered).await
    }
}

#[async_trait]
impl ConnectionTrait for PatientConnection {
    fn get_database_backend(&self) -> DbBackend {
        self.pool.get_database_backend()
    }

    async fn execute_raw(&self, statement: Statement) -> Result<ExecResult, DbErr> {
        self.ask(|connection| connection.execute_raw(statement)).await
    }

    async fn execute_unprepared(&self, sql: &str) -> Result<ExecResult, DbErr> {
        let sql = sql.to_owned();
        self.ask(|connection| Box::pin(async move { connection.execute_unprepared(&sql).await })).await
    }

    async fn query_one_raw(&self, statement: Statement) -> Result<Option<QueryResult>, DbErr> {
        self.ask(|connection| connection.query_one_raw(statement)).await
    }

    async fn query_all_raw(&self, statement: Statement) -> Result<Vec<QueryResult>, DbErr> {
        self.ask(|connection| connection.query_all_raw(statement)).await
    }
}

#[async_trait]
impl StoreConnection for PatientConnection {
    async fn query_arrays(&self, sql: String, arrays: PgArguments) -> Result<Vec<QueryResult>, DbErr> {
        self.ask(|connection| connection.query_arrays(sql, arrays)).await
    }
}
