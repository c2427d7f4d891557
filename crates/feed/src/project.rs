//! The projections of a server: read models that follow a feed, and rebuilding one from history.
//!
//! A rebuild applies the feed from its first event to new tables beside the live ones, which serve and follow on
//! meanwhile. When it has reached the live checkpoint, the tables change places in one transaction. What was parked
//! is forgotten then: the new tables have all events. Of several replicas one rebuilds at a time.

mod rebuild;
mod server;
mod turn;

use crate::store::WriteTransaction;
use std::ops::Deref;
use std::sync::Arc;

use async_trait::async_trait;
use ordermesh_kernel::Clock;
use ordermesh_proto::event_types::FeedEvent;
use ordermesh_proto::feed::v1::RebuildProjectionResponse;
use sea_orm::{DatabaseConnection, DbErr};
use tokio::sync::mpsc;
use tonic::Status;

use crate::consume::{
    ConsumeError, Consumer, ConsumerControl, ConsumerSettings, Delivery, Handler, HandlerError, OpenFeed,
    Progress, ReportCheckpoint,
};
pub use server::ProjectionServer;
use turn::Turn;

type Tell = mpsc::Sender<Result<RebuildProjectionResponse, Status>>;

/// A read model that follows one feed. Deterministic: the same events make the same rows, so no clock and no
/// random ids.
#[async_trait]
pub trait Projection: Send + Sync + 'static {
    /// The event message of the feed.
    type Event: FeedEvent;

    /// Name of the projection and of its checkpoint.
    fn name(&self) -> &'static str;
    /// Applies events to the tables whose names end in `suffix` (empty: the live ones). The events come in order
    /// and each once.
    async fn apply(
        &self,
        tx: &WriteTransaction,
        suffix: &str,
        events: &[Self::Event],
    ) -> Result<(), HandlerError>;
    /// Called after a batch is committed to the live tables, by whomever.
    fn applied(&self, events: &[Self::Event]);
    /// Called when another replica or a rebuild has changed the live tables, by events that are not known here.
    fn applied_elsewhere(&self) {}
    /// Makes empty tables whose names end in `suffix`, in place of any that are there.
    async fn create_tables(&self, tx: &WriteTransaction, suffix: &str) -> Result<(), DbErr>;
    /// Puts the tables of `suffix` in the place of the live ones, which are dropped.
    async fn swap_tables(&self, tx: &WriteTransaction, suffix: &str) -> Result<(), DbErr>;
}

/// The live tables of a projection as a consumer's handler.
pub struct LiveTables<P>(P);

#[async_trait]
impl<P: Projection> Handler for LiveTables<P> {
    type Event = P::Event;

    fn name(&self) -> &'static str {
        self.0.name()
    }

    async fn apply(
        &self,
        tx: &WriteTransaction,
        events: &[P::Event],
        _: Delivery,
    ) -> Result<(), HandlerError> {
        self.0.apply(tx, "", events).await
    }

    fn applied(&self, events: &[P::Event]) {
        self.0.applied(events);
    }

    fn applied_elsewhere(&self) {
        self.0.applied_elsewhere();
    }
}

/// Keeps one projection up with its feed: a [`Consumer`] that can be rebuilt.
pub struct Projector<P: Projection> {
    consumer: Arc<Consumer<LiveTables<P>>>,
}

impl<P: Projection> Projector<P> {
    /// A projector that stands where its checkpoint stands, and tells the feed so where that can hear it.
    pub async fn new(
        projection: P,
        writer: DatabaseConnection,
        (open, report): (OpenFeed, Option<ReportCheckpoint>),
        clock: Arc<dyn Clock>,
        settings: ConsumerSettings,
    ) -> Result<Self, DbErr> {
        let mut consumer = Consumer::new(LiveTables(projection), writer, open, clock, settings).await?;
        if let Some(report) = report {
            consumer = consumer.reporting(report);
        }
        Ok(Self { consumer: Arc::new(consumer) })
    }

    /// The consumer that follows the feed.
    pub fn consumer(&self) -> Arc<Consumer<LiveTables<P>>> {
        self.consumer.clone()
    }
}

impl<P: Projection> Deref for Projector<P> {
    type Target = Consumer<LiveTables<P>>;

    fn deref(&self) -> &Self::Target {
        &self.consumer
    }
}

/// A projection of any type, as the service sees it.
#[async_trait]
pub trait ProjectionControl: Send + Sync {
    /// Name of the projection.
    fn name(&self) -> &'static str;
    /// How far it has come.
    fn progress(&self) -> Progress;
    /// The consumer that follows the feed.
    fn consumer(&self) -> Arc<dyn ConsumerControl>;
    /// Rebuilds it, telling the progress. Ends early when nobody listens.
    async fn rebuild(&self, tell: Tell);
}

/// What a context runs over feeds.
#[derive(Default)]
pub struct Followers {
    /// Read models.
    pub projections: Vec<Arc<dyn ProjectionControl>>,
    /// Consumers that are no read models.
    pub others: Vec<Arc<dyn ConsumerControl>>,
}

impl Followers {
    /// Adds those of another context.
    pub fn extend(&mut self, other: Self) {
        self.projections.extend(other.projections);
        self.others.extend(other.others);
    }

    /// All consumers, those of read models too.
    pub fn consumers(&self) -> Vec<Arc<dyn ConsumerControl>> {
        self.projections
            .iter()
            .map(|projection| projection.consumer())
            .chain(self.others.iter().cloned())
            .collect()
    }
}

#[async_trait]
impl<P: Projection> ProjectionControl for Projector<P> {
    fn name(&self) -> &'static str {
        self.consumer.name()
    }

    fn progress(&self) -> Progress {
        ConsumerControl::progress(self.consumer.as_ref())
    }

    fn consumer(&self) -> Arc<dyn ConsumerControl> {
        self.consumer.clone()
    }

    async fn rebuild(&self, tell: Tell) {
        let turn = Turn::of(self.consumer.name(), &self.consumer.db, &self.consumer.clock);
        let result = self.rebuild_tables(&turn, &tell).await;
        turn.give_back().await;
        if let Err(error) = result {
            if !matches!(error, ConsumeError::Rebuilding { .. }) {
                let projection = self.consumer.name();
                tracing::error!(projection, error = error.detail(), "the rebuild failed");
            }
            let _ = tell.send(Err(rebuild::rebuild_problem(&error).into())).await;
        }
    }
}
