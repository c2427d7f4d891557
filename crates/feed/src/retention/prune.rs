//! Deletes rows by their age in a running server, a few at a time, on one replica at a time.

use std::sync::Arc;
use std::time::Duration;

use ordermesh_kernel::{Clock, to_micros};
use sea_orm::{ConnectionTrait, DbBackend, DbErr, Statement};
use tokio_util::sync::CancellationToken;
use tokio_util::task::TaskTracker;

use crate::store::{PatientConnection, WriteTransaction};

/// Rows deleted in one transaction: few enough that no command waits for them noticeably.
const BATCH: u64 = 500;
/// How often a server looks for what has become too old.
const EVERY: Duration = Duration::from_secs(3600);
/// The advisory lock of the replica that prunes; any number will do as long as it stays the same.
const LOCK: i64 = 0x6f72_6465_7072_756e;

/// Rows of a table that are kept for a while.
#[derive(Debug, Clone, Copy)]
pub struct Kept {
    /// The table.
    pub table: &'static str,
    /// Its column with the time, in microseconds since 1970.
    pub column: &'static str,
    /// How long a row is kept.
    pub age: Duration,
}

impl Kept {
    /// The idempotency records of a database's commands.
    pub const fn idempotency(age: Duration) -> Self {
        Self { table: "idempotency_records", column: "recorded_time", age }
    }

    /// The inbox of the consumers of a database. An event that is forgotten would have its effect again if its parked
    /// copy came back from a backup, so keep them as long as copies are kept.
    pub const fn inbox(age: Duration) -> Self {
        Self { table: "inbox", column: "recorded_time", age }
    }
}

/// Deletes at most `limit` rows of a table whose `column`, microseconds since 1970, is below `before`, and tells how
/// many. The column should have an index.
pub async fn prune<C: ConnectionTrait>(
    db: &C,
    table: &str,
    column: &str,
    before: i64,
    limit: u64,
) -> Result<u64, DbErr> {
    let backend = db.get_database_backend();
    // Both databases name a row's place themselves; neither deletes with a LIMIT.
    let row = match backend {
        DbBackend::Postgres => "ctid",
        _ => "rowid",
    };
    let oldest =
        format!(r#"SELECT {row} FROM "{table}" WHERE "{column}" < $1 ORDER BY "{column}" LIMIT {limit}"#);
    let sql = match backend {
        DbBackend::Postgres => format!(r#"DELETE FROM "{table}" WHERE {row} = ANY(ARRAY({oldest}))"#),
        _ => format!(r#"DELETE FROM "{table}" WHERE {row} IN ({oldest})"#),
    };
    let statement = Statement::from_sql_and_values(backend, sql, [before.into()]);
    Ok(db.execute_raw(statement).await?.rows_affected())
}

/// Prunes the tables of one database.
pub struct Pruner {
    writer: PatientConnection,
    clock: Arc<dyn Clock>,
    kept: Vec<Kept>,
}

impl Pruner {
    /// A pruner that has done nothing yet.
    pub fn new(writer: PatientConnection, clock: Arc<dyn Clock>, kept: Vec<Kept>) -> Self {
        Self { writer, clock, kept }
    }

    /// Prunes at once and then about every hour, until `shutdown`. A failure is logged and tried again then.
    pub fn start(self, tasks: &TaskTracker, shutdown: CancellationToken) {
        tasks.spawn(async move {
            loop {
                if let Err(error) = self.run_once(&shutdown).await {
                    tracing::warn!(%error, "old rows could not be deleted");
                }
                tokio::select! {
                    () = shutdown.cancelled() => return,
                    () = tokio::time::sleep(EVERY) => {}
                }
            }
        });
    }

    /// Deletes all that is too old now, batch by batch, unless `shutdown` fires or another replica is at it; tells how
    /// many rows went.
    pub async fn run_once(&self, shutdown: &CancellationToken) -> Result<u64, DbErr> {
        let now = to_micros(self.clock.now());
        let mut total = 0;
        for kept in &self.kept {
            let age = i64::try_from(kept.age.as_micros()).unwrap_or(i64::MAX);
            let before = now.saturating_sub(age);
            let mut deleted = 0;
            while !shutdown.is_cancelled() {
                let tx = self.writer.begin().await?;
                let batch = match take_turn(&tx).await {
                    Ok(true) => prune(&tx, kept.table, kept.column, before, BATCH).await,
                    other => other.map(|_| 0),
                };
                let batch = tx.end(batch).await?;
                deleted += batch;
                if batch < BATCH {
                    break;
                }
                // Commands that wait for SQLite's one writer come first.
                tokio::task::yield_now().await;
            }
            if deleted > 0 {
                tracing::info!(table = kept.table, rows = deleted, "old rows are deleted");
            }
            total += deleted;
        }
        Ok(total)
    }
}

/// Whether this replica may prune; until the end of the transaction no other one may.
async fn take_turn(tx: &WriteTransaction) -> Result<bool, DbErr> {
    if tx.get_database_backend() != DbBackend::Postgres {
        return Ok(true);
    }
    let sql = "SELECT pg_try_advisory_xact_lock($1) AS mine";
    let statement = Statement::from_sql_and_values(DbBackend::Postgres, sql, [LOCK.into()]);
    let row = tx.query_one_raw(statement).await?;
    row.map_or(Ok(false), |row| row.try_get("", "mine"))
}
