//! A unit of work as small as possible, a counter a key, with its committer, log and database.

use std::collections::BTreeMap;
use std::path::Path;
use std::sync::Arc;

use ordermesh_feed::commit::{
    Answer, Command, CommandIdentity, CommitError, Committer, UnitOfWork, fingerprint,
};
use ordermesh_feed::event::{Cause, NewEvent};
use ordermesh_feed::log::{EventLog, FeedSchema, FeedSource};
use ordermesh_feed::store::{
    ConsumerMigration, InboxMigration, LogMigration, ParkingMigration, RetentionMigration, WriteTransaction,
    Writes,
};
use ordermesh_kernel::{SystemClock, Timestamp};
use ordermesh_proto::event_types::ORDER_V1;
use ordermesh_proto::feed::v1::EventEnvelope;
use ordermesh_testkit::backend::{self, Backend};
use prost::Message;
use sea_orm::{ConnectOptions, ConnectionTrait, Database, DatabaseConnection, DbErr};
use sea_orm_migration::{MigrationTrait, MigratorTrait};
use tokio_util::sync::CancellationToken;
use tokio_util::task::TaskTracker;

struct Migrator;

impl MigratorTrait for Migrator {
    fn migrations() -> Vec<Box<dyn MigrationTrait>> {
        vec![
            Box::new(LogMigration),
            Box::new(RetentionMigration),
            Box::new(ConsumerMigration),
            Box::new(ParkingMigration),
            Box::new(InboxMigration),
        ]
    }
}

#[derive(Default)]
pub struct Counters {
    values: BTreeMap<String, i64>,
    events: Vec<NewEvent>,
    broken: bool,
}

#[async_trait::async_trait]
impl UnitOfWork for Counters {
    type Want = String;

    async fn load(tx: &WriteTransaction, wants: Vec<String>) -> Result<Self, DbErr> {
        let mut unit = Self::default();
        for key in wants {
            let sql =
                format!("SELECT coalesce(max(key_revision), 0) AS value FROM events WHERE key = '{key}'");
            let statement = sea_orm::Statement::from_string(tx.get_database_backend(), sql);
            let row = tx.query_one_raw(statement).await?.expect("an aggregate has a row");
            unit.values.insert(key, row.try_get("", "value")?);
        }
        Ok(unit)
    }

    fn take_events(&mut self) -> Vec<NewEvent> {
        std::mem::take(&mut self.events)
    }

    fn store(self, _: &mut Writes) -> Result<(), DbErr> {
        match self.broken {
            true => Err(DbErr::Custom("a constraint says no".to_owned())),
            false => Ok(()),
        }
    }
}

#[derive(Clone, Debug, PartialEq)]
pub struct Counted(pub i64);

impl Answer for Counted {
    fn encode(&self) -> Vec<u8> {
        self.0.to_be_bytes().to_vec()
    }

    fn decode(bytes: &[u8]) -> Option<Self> {
        Some(Self(i64::from_be_bytes(bytes.try_into().ok()?)))
    }
}

#[derive(Clone, Copy)]
pub enum Fault {
    None,
    /// Accepted, and there is nothing to tell.
    Quiet,
    /// The event is larger than a small database.
    Large,
    Refused,
    UnwritableRow,
}

pub struct Count {
    pub key: String,
    pub fault: Fault,
}

impl Command<Counters> for Count {
    type Answer = Counted;
    type Refusal = &'static str;

    fn wants(&self) -> Vec<String> {
        vec![self.key.clone()]
    }

    fn decide(&self, unit: &mut Counters, now: Timestamp) -> Result<Counted, &'static str> {
        match self.fault {
            Fault::Quiet => return Ok(Counted(unit.values[&self.key])),
            Fault::Refused => return Err("the rules say no"),
            Fault::UnwritableRow => unit.broken = true,
            Fault::None | Fault::Large => {}
        }
        let value = unit.values.get_mut(&self.key).expect("what was wanted is loaded");
        *value += 1;
        unit.events.push(NewEvent {
            kind: "OrderCancelled",
            schema_version: 1,
            key: self.key.clone(),
            key_revision: *value,
            occurred: now,
            payload: vec![0; if matches!(self.fault, Fault::Large) { 1 << 20 } else { 0 }],
            personal: None,
        });
        Ok(Counted(*value))
    }
}

pub struct House {
    pub committer: Committer<Counters>,
    pub log: Arc<EventLog>,
    pub db: DatabaseConnection,
}

pub async fn house() -> House {
    house_at("sqlite::memory:").await
}

pub async fn house_at(url: &str) -> House {
    house_with(url, 1).await
}

pub async fn house_with(url: &str, connections: u32) -> House {
    let mut options = ConnectOptions::new(url);
    options
        .max_connections(connections)
        .min_connections(1)
        .idle_timeout(None)
        .max_lifetime(None)
        .sqlx_logging(false);
    let db = Database::connect(options).await.unwrap();
    Migrator::up(&db, None).await.unwrap();
    let schema = FeedSchema { events: ORDER_V1, key_description: "key" };
    let log = Arc::new(EventLog::open(&db, db.clone(), schema, 1 << 20, &SystemClock).await.unwrap());
    let (tasks, shutdown) = (TaskTracker::new(), CancellationToken::new());
    let committer = Committer::start(db.clone(), log.clone(), Arc::new(SystemClock), &tasks, shutdown);
    House { committer, log, db }
}

/// A house whose database outlives its connections, on this run's backend.
pub async fn house_in(directory: &Path) -> House {
    match Backend::of_this_run() {
        Backend::Sqlite => {
            house_at(&format!("sqlite://{}?mode=rwc", directory.join("house.db").display())).await
        }
        Backend::Postgres => {
            let name = backend::fresh_name("committer");
            house_with(&backend::create_database(&backend::server(), &name).await, 4).await
        }
    }
}

pub type Outcome = Result<(Counted, bool), CommitError<&'static str>>;

pub async fn count(house: &House, request_id: &str, key: &str, fault: Fault) -> Outcome {
    let identity = CommandIdentity {
        method: "Count",
        principal: "test".to_owned(),
        request_id: request_id.to_owned(),
        fingerprint: fingerprint(key.as_bytes()),
        bytes: 100,
        cause: Cause::default(),
    };
    let committed = house.committer.execute(identity, Count { key: key.to_owned(), fault }).await?;
    Ok((committed.answer, committed.replayed))
}

/// Position and key of every event in the database, whichever replica has committed it.
pub async fn history(house: &House) -> Vec<(i64, String)> {
    envelopes(house).await.into_iter().map(|event| (event.position, event.key)).collect()
}

/// Every event in the database without its payload.
pub async fn envelopes(house: &House) -> Vec<EventEnvelope> {
    let schema = FeedSchema { events: ORDER_V1, key_description: "key" };
    let stored = EventLog::open(&house.db, house.db.clone(), schema, 0, &SystemClock).await.unwrap();
    let page = stored.page(0, 10_000).await.unwrap();
    page.events.iter().map(|event| EventEnvelope::decode(event.bytes.clone()).unwrap()).collect()
}
