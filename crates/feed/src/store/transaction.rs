//! A transaction that writes, and what becomes of its connection when it fails.
//!
//! When a disk is full or fails, SQLite rolls a transaction back by itself. The driver's own ROLLBACK then fails, and
//! the driver goes on counting the transaction as open: the next one would be a savepoint inside nothing, and its
//! commit would write nothing. So a connection whose transaction could neither be committed nor undone is closed,
//! and the pool opens a new one.

use std::ops::Deref;

use sea_orm::sqlx::Connection;
use sea_orm::{
    DatabaseConnection, DatabaseTransaction, DbBackend, DbErr, SqliteTransactionMode, TransactionOptions,
    TransactionTrait,
};

/// An open transaction. It must be given an end: dropped, it is undone, but its connection is not looked after.
#[must_use]
pub struct WriteTransaction<'a> {
    tx: DatabaseTransaction,
    writer: &'a DatabaseConnection,
}

impl<'a> WriteTransaction<'a> {
    /// Begins. SQLite takes its write lock at once, so that no later statement can fail for want of it.
    pub async fn begin(writer: &'a DatabaseConnection) -> Result<Self, DbErr> {
        close_broken(writer, false).await;
        let options = TransactionOptions {
            sqlite_transaction_mode: Some(SqliteTransactionMode::Immediate),
            ..TransactionOptions::default()
        };
        Ok(Self { tx: writer.begin_with_options(options).await?, writer })
    }

    /// Commits when the work succeeded, undoes it when it failed.
    pub async fn end<T, E: From<DbErr>>(self, outcome: Result<T, E>) -> Result<T, E> {
        let error = match outcome {
            Ok(value) => match self.tx.commit().await {
                Ok(()) => return Ok(value),
                Err(error) => E::from(error),
            },
            Err(error) => {
                self.undo().await;
                return Err(error);
            }
        };
        close_broken(self.writer, true).await;
        Err(error)
    }

    /// Undoes everything.
    pub async fn undo(self) {
        if let Err(error) = self.tx.rollback().await {
            tracing::warn!(%error, "a transaction could not be undone; its connection is closed");
            close_broken(self.writer, true).await;
        }
    }
}

impl Deref for WriteTransaction<'_> {
    type Target = DatabaseTransaction;

    fn deref(&self) -> &DatabaseTransaction {
        &self.tx
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
