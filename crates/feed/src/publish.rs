//! All that a context needs to publish a feed: its log kept up with other replicas, its consumer groups, its event
//! service, the pruning of old idempotency records, and a committer for its commands.

use std::sync::Arc;
use std::time::Duration;

use sea_orm::{DatabaseConnection, DbErr};

use crate::commit::{Committer, UnitOfWork};
use crate::group::{GroupSettings, Groups};
use crate::log::{EventLog, FeedSchema};
use crate::retention::{Kept, Pruner};
use crate::runtime::Runtime;
use crate::serve::FeedServer;
use crate::store::PatientConnection;

/// How a feed is kept and served; [`crate::config::FeedConfig::with`] makes it.
#[derive(Debug, Clone)]
pub struct PublisherSettings {
    /// Bytes of recent events kept in memory.
    pub tail_bytes: usize,
    /// Bytes of events that are read at once, but for the last event.
    pub page_bytes: usize,
    /// How old a stream may become; `None`: as old as it likes.
    pub max_age: Option<Duration>,
    /// How long a request_id is remembered.
    pub idempotency_retention: Duration,
    /// The consumer groups.
    pub groups: GroupSettings,
}

/// A context's feed, open and kept up.
pub struct Publisher {
    writer: DatabaseConnection,
    log: Arc<EventLog>,
    feed: FeedServer,
    runtime: Runtime,
}

impl Publisher {
    /// Opens the feed in the context's database and starts what keeps it, until the runtime's shutdown. `reader` may
    /// be the same connections as `writer`.
    pub async fn open(
        writer: &DatabaseConnection,
        reader: &DatabaseConnection,
        schema: FeedSchema,
        settings: PublisherSettings,
        runtime: Runtime,
    ) -> Result<Self, DbErr> {
        let Runtime { clock, tasks, shutdown, patience } = runtime.clone();
        let log = EventLog::open(writer, reader.clone(), schema, settings.tail_bytes, clock.as_ref());
        let log = Arc::new(log.await?.with_page_bytes(settings.page_bytes).with_patience(patience));
        log.follow(&tasks, shutdown.clone());
        let patient =
            |connections: &DatabaseConnection| PatientConnection::new(connections.clone(), patience);
        let records = vec![Kept::idempotency(settings.idempotency_retention)];
        Pruner::new(patient(writer), clock.clone(), records).start(&tasks, shutdown.clone());
        let groups = Groups::new(patient(writer), patient(reader), settings.groups, clock.clone());
        let feed =
            FeedServer::new(log.clone(), groups, clock, shutdown, tasks).with_max_age(settings.max_age);
        Ok(Self { writer: writer.clone(), log, feed, runtime })
    }

    /// Starts a committer of the context's commands. It ends when every clone of it is dropped.
    pub fn committer<U: UnitOfWork>(&self) -> Committer<U> {
        let Runtime { clock, tasks, shutdown, .. } = self.runtime.clone();
        Committer::start(self.writer.clone(), self.log.clone(), clock, &tasks, shutdown)
    }

    /// The log, for what a context learns of its own events.
    pub fn log(&self) -> Arc<EventLog> {
        self.log.clone()
    }

    /// What stands behind the context's event service.
    pub fn feed(&self) -> FeedServer {
        self.feed.clone()
    }
}
