//! A consumer that writes down what it was given, in the database and beside it.

use std::collections::BTreeSet;
use std::path::Path;
use std::sync::{Arc, Mutex};
use std::time::Duration;

use ordermesh_feed::consume::{
    Consumer, ConsumerControl, ConsumerSettings, Delivery, Handler, HandlerError, ReportCheckpoint,
};
use ordermesh_feed::store::{ConsumerMigration, InboxMigration, ParkingMigration, WriteTransaction};
use ordermesh_kernel::SystemClock;
use ordermesh_proto::feed::v1::EventFilter;
use ordermesh_proto::order::v1::OrderEvent;
use ordermesh_testkit::backend::{self, Backend};
use ordermesh_testkit::wait::soon;
use ordermesh_testkit::{Proxy, eventually};
use sea_orm::{ConnectOptions, ConnectionTrait, Database, DatabaseConnection, DbBackend, Statement};
use sea_orm_migration::{MigrationTrait, MigratorTrait};
use tempfile::TempDir;
use tokio::sync::watch;
use tokio::task::JoinHandle;
use tokio_util::sync::CancellationToken;

use crate::scripted::ScriptedFeed;

struct Migrator;

impl MigratorTrait for Migrator {
    fn migrations() -> Vec<Box<dyn MigrationTrait>> {
        vec![Box::new(ConsumerMigration), Box::new(ParkingMigration), Box::new(InboxMigration)]
    }
}

/// What the test makes of the consumer, and what it was given.
#[derive(Debug, Clone, Default)]
pub struct Script(Arc<Mutex<Parts>>);

#[derive(Debug, Default)]
pub struct Parts {
    /// Keys whose events make no sense.
    pub poison: BTreeSet<String>,
    /// Keys for which something is missing.
    pub not_now: BTreeSet<String>,
    /// Every call, with what was given: also when it was undone later.
    pub given: Vec<(Vec<i64>, Delivery)>,
    /// The positions of every call of `react`.
    pub reacted: Vec<Vec<i64>>,
    /// How often it was told that others have made an effect.
    pub applied_elsewhere: usize,
    /// Where the reaction to a batch of the feed waits while it is closed.
    pub gate: Option<watch::Receiver<bool>>,
}

impl Script {
    pub fn edit<T>(&self, edit: impl FnOnce(&mut Parts) -> T) -> T {
        edit(&mut self.0.lock().unwrap())
    }

    fn judge(&self, events: &[OrderEvent]) -> Result<(), HandlerError> {
        self.edit(|parts| {
            let is_in =
                |keys: &BTreeSet<String>| events.iter().find(|event| keys.contains(&event.key)).cloned();
            if let Some(event) = is_in(&parts.not_now) {
                return Err(HandlerError::Retry { reason: format!("{} is not ready", event.key) });
            }
            match is_in(&parts.poison) {
                Some(OrderEvent { position, key, .. }) => {
                    Err(HandlerError::Event { position, key, reason: "it tastes of poison".to_owned() })
                }
                None => Ok(()),
            }
        })
    }
}

/// Writes a row for each event. A row twice is an error of the database.
pub struct Tally {
    pub script: Script,
    pub types: Vec<String>,
    pub reacts: bool,
}

#[async_trait::async_trait]
impl Handler for Tally {
    type Event = OrderEvent;

    fn name(&self) -> &'static str {
        "tally"
    }

    fn filter(&self) -> EventFilter {
        EventFilter { types: self.types.clone(), keys: Vec::new() }
    }

    fn reacts(&self) -> bool {
        self.reacts
    }

    async fn react(&self, events: &[OrderEvent], delivery: Delivery) -> Result<(), HandlerError> {
        self.script.edit(|parts| parts.reacted.push(positions(events)));
        if let Some(mut gate) =
            self.script.edit(|parts| parts.gate.clone()).filter(|_| delivery == Delivery::Live)
        {
            gate.wait_for(|open| *open).await.unwrap();
        }
        self.script.judge(events)
    }

    async fn apply(
        &self,
        tx: &WriteTransaction,
        events: &[OrderEvent],
        delivery: Delivery,
    ) -> Result<(), HandlerError> {
        self.script.edit(|parts| parts.given.push((positions(events), delivery)));
        for event in events {
            let sql = "INSERT INTO effects (position, key) VALUES ($1, $2)";
            let values = [event.position.into(), event.key.clone().into()];
            tx.execute_raw(Statement::from_sql_and_values(tx.get_database_backend(), sql, values)).await?;
        }
        // After the rows: what a failing batch has written must not stay.
        self.script.judge(events)
    }

    fn applied_elsewhere(&self) {
        self.script.edit(|parts| parts.applied_elsewhere += 1);
    }
}

fn positions(events: &[OrderEvent]) -> Vec<i64> {
    events.iter().map(|event| event.position).collect()
}

/// A consumer's database file, feed and script.
pub struct Shop {
    pub feed: ScriptedFeed,
    pub script: Script,
    pub settings: ConsumerSettings,
    pub types: Vec<String>,
    pub reacts: bool,
    pub report: Option<ReportCheckpoint>,
    /// By way of which the consumer, but not the test, reaches its database.
    pub wire: Option<Proxy>,
    directory: TempDir,
}

/// A running consumer.
pub struct Running {
    pub consumer: Arc<Consumer<Tally>>,
    pub db: DatabaseConnection,
    shutdown: CancellationToken,
    task: JoinHandle<()>,
}

impl Shop {
    pub fn new() -> Self {
        let settings = ConsumerSettings {
            first_backoff: Duration::from_millis(4),
            max_backoff: Duration::from_millis(40),
            max_tries: 3,
            checkpoint_interval: Duration::from_millis(10),
            ..ConsumerSettings::default()
        };
        let directory = tempfile::tempdir().unwrap();
        let (feed, script) = (ScriptedFeed::new(), Script::default());
        Self { feed, script, settings, types: Vec::new(), reacts: false, report: None, wire: None, directory }
    }

    /// The shop's database, by connections of its own.
    pub async fn connect(&self) -> DatabaseConnection {
        connect(&self.url().await).await
    }

    /// Where the shop's database is.
    pub async fn url(&self) -> String {
        database_url(self.directory.path()).await
    }

    /// A replica of the consumer, with connections of its own.
    pub async fn start(&self) -> Running {
        let db = self.connect().await;
        let used = match &self.wire {
            Some(wire) => connect(&wire.url(&self.url().await)).await,
            None => db.clone(),
        };
        let (script, types) = (self.script.clone(), self.types.clone());
        let tally = Tally { script, types, reacts: self.reacts };
        let clock = Arc::new(SystemClock);
        let mut consumer = Consumer::new(tally, used, self.feed.open(), clock, self.settings).await.unwrap();
        if let Some(report) = &self.report {
            consumer = consumer.reporting(report.clone());
        }
        let (consumer, shutdown) = (Arc::new(consumer), CancellationToken::new());
        let task = tokio::spawn(consumer.clone().run(shutdown.clone()));
        Running { consumer, db, shutdown, task }
    }
}

/// The directory's database: two consumers of one directory are replicas.
async fn database_url(directory: &Path) -> String {
    match Backend::of_this_run() {
        Backend::Postgres => backend::database_url(directory, "tally").await,
        Backend::Sqlite => format!("sqlite://{}?mode=rwc", directory.join("tally.db").display()),
    }
}

async fn connect(url: &str) -> DatabaseConnection {
    let connections = if url.starts_with("sqlite") { 1 } else { 4 };
    let mut options = ConnectOptions::new(url);
    options.max_connections(connections).idle_timeout(None).max_lifetime(None).sqlx_logging(false);
    let db = Database::connect(options).await.unwrap();
    Migrator::up(&db, None).await.unwrap();
    let number = match db.get_database_backend() {
        DbBackend::Postgres => "BIGSERIAL",
        _ => "INTEGER",
    };
    let effects = format!(
        "CREATE TABLE IF NOT EXISTS effects (id {number} PRIMARY KEY, position BIGINT UNIQUE, key TEXT)"
    );
    db.execute_unprepared(&effects).await.unwrap();
    db
}

impl Running {
    /// The positions that had their effect, sorted.
    pub async fn effects(&self) -> Vec<i64> {
        let sql = "SELECT position FROM effects ORDER BY position";
        let rows = self.db.query_all_raw(Statement::from_string(self.db.get_database_backend(), sql));
        rows.await.unwrap().iter().map(|row| row.try_get("", "position").unwrap()).collect()
    }

    /// The positions of a key in the order in which they had their effect.
    pub async fn effects_of(&self, key: &str) -> Vec<i64> {
        let sql = format!("SELECT position FROM effects WHERE key = '{key}' ORDER BY id");
        let rows = self.db.query_all_raw(Statement::from_string(self.db.get_database_backend(), sql));
        rows.await.unwrap().iter().map(|row| row.try_get("", "position").unwrap()).collect()
    }

    /// Has the database refuse the effect of the event at a position.
    pub async fn take_place_of(&self, position: i64) {
        let sql = format!("INSERT INTO effects (position, key) VALUES ({position}, 'in the way')");
        self.db.execute_unprepared(&sql).await.unwrap();
    }

    /// A number that a statement gives.
    pub async fn number(&self, sql: &str) -> i64 {
        let row = self.db.query_one_raw(Statement::from_string(self.db.get_database_backend(), sql));
        row.await.unwrap().unwrap().try_get_by_index(0).unwrap()
    }

    /// Waits until the consumer is done with a position.
    pub async fn reach(&self, position: i64) {
        let mut progress = self.consumer.progress();
        let reached = progress.wait_for(|progress| progress.place.is_some_and(|at| at.position >= position));
        soon("the consumer goes on", reached).await.unwrap();
    }

    /// Waits until it says why it does not go on.
    pub async fn error(&self, part: &str) {
        let mut progress = self.consumer.progress();
        let says =
            progress.wait_for(|progress| progress.error.as_ref().is_some_and(|error| error.contains(part)));
        soon("the consumer says what is wrong", says).await.unwrap();
    }

    /// The positions that are parked.
    pub async fn parked(&self) -> Vec<i64> {
        let parked = self.consumer.parked(None, 0, 100).await.unwrap();
        parked.iter().map(|(event, _)| event.position).collect()
    }

    /// Waits until a parked key waits for an operator.
    pub async fn given_up(&self, key: &str) {
        eventually!(
            {
                let parked = self.consumer.parked(Some(key), 0, 1).await.unwrap();
                parked.first().is_some_and(|(_, replaying)| !replaying)
            },
            "{key} waits for an operator"
        );
    }

    /// The graceful end.
    pub async fn stop(self) {
        self.shutdown.cancel();
        soon("the consumer ends", self.task).await.unwrap();
        self.db.close().await.unwrap();
    }

    /// The end without any warning.
    pub async fn kill(self) {
        self.task.abort();
        let _ = self.task.await;
    }
}
