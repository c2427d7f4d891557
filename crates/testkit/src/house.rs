//! A database with a log in it, and events of no meaning.
//!
//! `ORDERMESH_TEST_BACKEND=postgres` takes a new database of the server that `ORDERMESH_POSTGRES` names.

#![expect(clippy::unwrap_used, reason = "in a test a panic is the failure")]

use std::sync::Arc;
use std::time::Duration;

use ordermesh_feed::group::{GroupSettings, Groups};
use ordermesh_feed::log::{EventLog, FeedSchema};
use ordermesh_feed::serve::FeedServer;
use ordermesh_feed::store::{LogMigration, PatientConnection, RetentionMigration};
use ordermesh_kernel::SystemClock;
use ordermesh_proto::event_types::ORDER_V1;
use sea_orm::{
    ConnectOptions, ConnectionTrait, Database, DatabaseConnection, Statement, TransactionTrait, Value,
};
use sea_orm_migration::{MigrationTrait, MigratorTrait};
use tempfile::TempDir;
use tokio_util::sync::CancellationToken;
use tokio_util::task::TaskTracker;
use uuid::Uuid;

use crate::backend::{self, Backend};

/// The log's events are those of orders.
pub const SCHEMA: FeedSchema = FeedSchema { events: ORDER_V1, key_description: "key" };
/// When the first event was recorded; each later one a second after the one before.
pub const START: i64 = 1_800_000_000_000_000;

struct Migrator;

impl MigratorTrait for Migrator {
    fn migrations() -> Vec<Box<dyn MigrationTrait>> {
        vec![Box::new(LogMigration), Box::new(RetentionMigration)]
    }
}

/// A database for a log.
pub struct House {
    /// One connection.
    pub db: DatabaseConnection,
    /// For what a test writes; SQLite's file is here, too.
    pub files: TempDir,
}

impl House {
    /// A database without a log.
    pub async fn empty() -> Self {
        let files = tempfile::tempdir().unwrap();
        let url = match Backend::of_this_run() {
            Backend::Postgres => backend::fresh_url(files.path(), "log").await,
            Backend::Sqlite => format!("sqlite://{}?mode=rwc", files.path().join("log.db").display()),
        };
        let mut options = ConnectOptions::new(url);
        options.max_connections(1).sqlx_logging(false);
        let db = Database::connect(options).await.unwrap();
        Migrator::up(&db, None).await.unwrap();
        Self { db, files }
    }

    /// A log of so many events.
    pub async fn with_events(count: i64) -> Self {
        let house = Self::empty().await;
        house.log().await;
        house.append(count).await;
        house
    }

    /// Its connection as what works in the background has it.
    pub fn patient(&self) -> PatientConnection {
        PatientConnection::new(self.db.clone(), Duration::from_secs(30))
    }

    /// The log as a server sees it that starts now.
    pub async fn log(&self) -> EventLog {
        EventLog::open(&self.db, self.db.clone(), SCHEMA, 1 << 20, &SystemClock).await.unwrap()
    }

    /// A server of the log that starts now.
    pub async fn server(&self) -> FeedServer {
        let log = Arc::new(self.log().await);
        let clock = Arc::new(SystemClock);
        let groups = Groups::new(self.patient(), self.patient(), GroupSettings::default(), clock.clone());
        FeedServer::new(log, groups, clock, CancellationToken::new(), TaskTracker::new())
    }

    /// What commands would do.
    pub async fn append(&self, count: i64) {
        let head = self.number("SELECT position AS value FROM log_head").await;
        let tx = self.db.begin().await.unwrap();
        for position in head + 1..=head + count {
            let personal = (position % 3 == 0).then(|| vec![7_u8; 3]);
            let time = START + position * 1_000_000;
            let values: [Value; 14] = [
                position.into(),
                Uuid::now_v7().into(),
                "OrderCancelled".into(),
                1_i32.into(),
                format!("key-{}", position % 7).into(),
                position.into(),
                ordermesh_feed::event::key_hash(&format!("key-{}", position % 7)).cast_signed().into(),
                time.into(),
                time.into(),
                "correlation".into(),
                "causation".into(),
                "".into(),
                vec![0_u8, 1, 255].into(),
                personal.into(),
            ];
            const INSERT: &str = "INSERT INTO events (position, event_id, kind, schema_version, key, \
                 key_revision, key_hash, occurred_time, recorded_time, correlation_id, causation_id, \
                 traceparent, payload, personal) \
                 VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12, $13, $14)";
            let insert = Statement::from_sql_and_values(tx.get_database_backend(), INSERT, values);
            tx.execute_raw(insert).await.unwrap();
        }
        tx.commit().await.unwrap();
        self.run(&format!("UPDATE log_head SET position = {}", head + count)).await;
    }

    /// Runs a statement.
    pub async fn run(&self, sql: &str) {
        self.db.execute_unprepared(sql).await.unwrap();
    }

    /// The number that a statement gives as `value`.
    pub async fn number(&self, sql: &str) -> i64 {
        let statement = Statement::from_string(self.db.get_database_backend(), sql.to_owned());
        self.db.query_one_raw(statement).await.unwrap().unwrap().try_get("", "value").unwrap()
    }

    /// Number of events in the database.
    pub async fn events(&self) -> i64 {
        self.number("SELECT count(*) AS value FROM events").await
    }

    /// Every column of every event and the identity of the log, as texts.
    pub async fn dump(&self) -> Vec<String> {
        let backend = self.db.get_database_backend();
        let hex = |column: &str| match backend {
            sea_orm::DbBackend::Postgres => format!("coalesce(encode({column}, 'hex'), 'none')"),
            _ => format!("coalesce(lower(hex({column})), 'none')"),
        };
        let sql = format!(
            "SELECT event_id, feed_id, events.position || ' ' || kind || ' ' || schema_version || ' ' || key \
             || ' ' || key_revision || ' ' || key_hash || ' ' || occurred_time || ' ' \
             || events.recorded_time || ' ' || correlation_id || ' ' || causation_id || ' ' || traceparent \
             || ' ' || {} || ' ' || {} AS rest FROM events, log_head ORDER BY events.position",
            hex("payload"),
            hex("personal"),
        );
        let rows = self.db.query_all_raw(Statement::from_string(backend, sql)).await.unwrap();
        let text = |row: &sea_orm::QueryResult| {
            let id: Uuid = row.try_get("", "event_id").unwrap();
            let feed: Uuid = row.try_get("", "feed_id").unwrap();
            format!("{feed} {id} {}", row.try_get::<String>("", "rest").unwrap())
        };
        rows.iter().map(text).collect()
    }
}
