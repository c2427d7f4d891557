//! All that a context needs to follow feeds: its consumers and projections run, the feeds are told how far it is, and
//! what it remembers of parked events is pruned.

use std::sync::Arc;
use std::time::Duration;

use sea_orm::{DatabaseConnection, DbBackend, DbErr};

use crate::consume::{Consumer, ConsumerSettings, Handler, PeerFeed};
use crate::project::{Projection, Projector};
use crate::retention::{Kept, Pruner};
use crate::runtime::Runtime;
use crate::store::PatientConnection;

/// How feeds are followed; [`crate::config::ConsumerConfig::of`] makes it.
#[derive(Debug, Clone)]
pub struct FollowerSettings {
    /// The name under which the feeds are told how far the context is.
    pub subscriber: String,
    /// How long it is remembered which parked events had their effect.
    pub inbox_kept: Duration,
    /// How long the active of several replicas may be silent.
    pub lease: Duration,
    /// The bounds of each consumer. Lease and patience are put in when it starts.
    pub consumer: ConsumerSettings,
}

/// A context that follows feeds, in its one database.
pub struct Follower {
    writer: DatabaseConnection,
    subscriber: String,
    settings: ConsumerSettings,
    runtime: Runtime,
}

impl Follower {
    /// Starts what all consumers of the database share. They end with the runtime's shutdown.
    pub fn new(writer: &DatabaseConnection, settings: FollowerSettings, runtime: Runtime) -> Self {
        let FollowerSettings { subscriber, inbox_kept, lease, consumer } = settings;
        // SQLite's file is locked for this process: there is no other replica to agree with.
        let shared = writer.get_database_backend() != DbBackend::Sqlite;
        let Runtime { clock, tasks, shutdown, patience } = runtime.clone();
        let settings = ConsumerSettings { lease: shared.then_some(lease), patience, ..consumer };
        let patient = PatientConnection::new(writer.clone(), patience);
        Pruner::new(patient, clock, vec![Kept::inbox(inbox_kept)]).start(&tasks, shutdown);
        Self { writer: writer.clone(), subscriber, settings, runtime }
    }

    /// Follows a feed by a handler, from where its checkpoint stands.
    pub async fn consume<H: Handler>(&self, handler: H, feed: PeerFeed) -> Result<Arc<Consumer<H>>, DbErr> {
        let (open, report) = feed.parts(&self.subscriber);
        let (writer, clock) = (self.writer.clone(), self.runtime.clock.clone());
        let consumer = Consumer::new(handler, writer, open, clock, self.settings).await?.reporting(report);
        let consumer = Arc::new(consumer);
        self.run(consumer.clone());
        Ok(consumer)
    }

    /// Follows a feed by a read model, which can be rebuilt.
    pub async fn project<P: Projection>(
        &self,
        projection: P,
        feed: PeerFeed,
    ) -> Result<Arc<Projector<P>>, DbErr> {
        let (open, report) = feed.parts(&self.subscriber);
        let (writer, clock) = (self.writer.clone(), self.runtime.clock.clone());
        let projector =
            Projector::new(projection, writer, (open, Some(report)), clock, self.settings).await?;
        self.run(projector.consumer());
        Ok(Arc::new(projector))
    }

    fn run<H: Handler>(&self, consumer: Arc<Consumer<H>>) {
        self.runtime.tasks.spawn(consumer.run(self.runtime.shutdown.clone()));
    }
}
