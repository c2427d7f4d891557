//! The runtime of a projection: events of a feed in, effect and checkpoint in one transaction.
//!
//! A projection only says what to do with events. Here is the rest: open the feed at the checkpoint, gather what
//! has arrived into batches, skip what is applied already, reconnect for ever. Because the checkpoint is written
//! with the effect, every event has its effect exactly once, whatever is killed when.

mod feed;

use std::sync::Arc;
use std::time::Duration;

use async_trait::async_trait;
use futures_util::future::BoxFuture;
use ordermesh_kernel::{Clock, EventId, Timestamp};
use ordermesh_proto::error::{Reason, reason_of};
use ordermesh_proto::event_types::FeedEvent;
use ordermesh_proto::feed::v1::{FeedErrorReason, SubscribeRequest, SubscribeResponse};
use sea_orm::{DatabaseConnection, DatabaseTransaction, DbErr, EntityTrait};
use tokio::sync::watch;
use tokio_util::sync::CancellationToken;
use tonic::{Status, Streaming};
use uuid::Uuid;

use crate::store::{Table, WriteTransaction, checkpoint};
use crate::token::LogPosition;
pub(crate) use feed::Feed;

/// The first wait after a failure; doubled for each further one.
const FIRST_BACKOFF: Duration = Duration::from_millis(50);
/// The longest wait after a failure.
const MAX_BACKOFF: Duration = Duration::from_secs(5);

/// Opens a context's feed.
pub type OpenFeed = Arc<
    dyn Fn(SubscribeRequest) -> BoxFuture<'static, Result<Streaming<SubscribeResponse>, Status>>
        + Send
        + Sync,
>;

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
        tx: &DatabaseTransaction,
        suffix: &str,
        events: &[Self::Event],
    ) -> Result<(), ProjectionError>;
    /// Called after a batch is committed to the live tables, by whomever.
    fn applied(&self, events: &[Self::Event]);
    /// Makes empty tables whose names end in `suffix`, in place of any that are there.
    async fn create_tables(&self, tx: &DatabaseTransaction, suffix: &str) -> Result<(), DbErr>;
    /// Puts the tables of `suffix` in the place of the live ones, which are dropped.
    async fn swap_tables(&self, tx: &DatabaseTransaction, suffix: &str) -> Result<(), DbErr>;
}

/// Why events cannot be applied.
#[derive(Debug, thiserror::Error)]
pub enum ProjectionError {
    /// The database refuses.
    #[error(transparent)]
    Store(#[from] DbErr),
    /// An event makes no sense to the projection.
    #[error("event {position} of {key} cannot be applied: {reason}")]
    Event {
        /// Place in the log.
        position: i64,
        /// What the event is about.
        key: String,
        /// What is wrong with it.
        reason: String,
    },
}

/// How far a projection has come.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct Progress {
    /// The log and the newest event in the read model; `None` until it has first reached the feed.
    pub place: Option<LogPosition>,
    /// The newest position of the log that the projection has heard of.
    pub head: i64,
    /// When the projection last heard from the feed.
    pub contact: Option<Timestamp>,
    /// Why it does not go on, while it does not.
    pub error: Option<String>,
    /// The feed is not the history that the read model was made from.
    pub diverged: bool,
}

/// Why a projection's run over the feed ends before the feed does.
#[derive(Debug, thiserror::Error)]
pub(crate) enum ConsumeError {
    // Only the reason or code: the message of a connection that fails tells addresses, which stay in our log.
    #[error("the feed cannot be read now ({})", reason_of(.0).unwrap_or_else(|| format!("{:?}", .0.code())))]
    Feed(Box<Status>),
    #[error(transparent)]
    Projection(#[from] ProjectionError),
    #[error("the feed sent an event that cannot be decoded: {0}")]
    Undecodable(#[from] prost::DecodeError),
    #[error("the feed {feed} is not {checkpoint}, which the checkpoint is of")]
    Diverged { feed: Uuid, checkpoint: Uuid },
    #[error("the feed went from {checkpoint} to {position}: events are missing")]
    Gap { checkpoint: i64, position: i64 },
    #[error("the feed broke its contract: {0}")]
    Contract(&'static str),
}

impl Progress {
    /// Forgets how far it was in a history that does not count any more.
    fn start_over(&mut self) {
        *self = Self { contact: self.contact, ..Self::default() };
    }
}

impl ConsumeError {
    /// The feed is not the history that the checkpoint is of.
    pub(crate) fn is_divergence(&self) -> bool {
        match self {
            Self::Diverged { .. } => true,
            Self::Feed(status) => {
                reason_of(status).is_some_and(|reason| reason == FeedErrorReason::FeedDiverged.reason())
            }
            _ => false,
        }
    }

    /// All that is known, for our own log.
    pub(crate) fn detail(&self) -> String {
        match self {
            Self::Feed(status) => format!("{self}: {}", status.message()),
            other => other.to_string(),
        }
    }
}

impl From<Status> for ConsumeError {
    fn from(status: Status) -> Self {
        Self::Feed(Box::new(status))
    }
}

impl From<DbErr> for ConsumeError {
    fn from(error: DbErr) -> Self {
        Self::Projection(ProjectionError::Store(error))
    }
}

/// Keeps one projection up with its feed.
pub struct Projector<P: Projection> {
    pub(crate) projection: P,
    pub(crate) writer: DatabaseConnection,
    pub(crate) open: OpenFeed,
    clock: Arc<dyn Clock>,
    progress: watch::Sender<Progress>,
    pub(crate) rebuilding: tokio::sync::Mutex<()>,
}

impl<P: Projection> Projector<P> {
    /// A projector that stands where its checkpoint stands.
    pub async fn new(
        projection: P,
        writer: DatabaseConnection,
        open: OpenFeed,
        clock: Arc<dyn Clock>,
    ) -> Result<Self, DbErr> {
        let place = load_checkpoint(&writer, projection.name()).await?;
        let head = place.map_or(0, |place| place.position);
        let progress = watch::Sender::new(Progress { place, head, ..Progress::default() });
        Ok(Self { projection, writer, open, clock, progress, rebuilding: tokio::sync::Mutex::new(()) })
    }

    /// How far the projection has come, and a way to wait for more.
    pub fn progress(&self) -> watch::Receiver<Progress> {
        self.progress.subscribe()
    }

    /// Follows the feed until `shutdown`, through every failure.
    pub async fn run(self: Arc<Self>, shutdown: CancellationToken) {
        let mut backoff = FIRST_BACKOFF;
        while !shutdown.is_cancelled() {
            let before = self.progress.borrow().place;
            let error = match self.follow(&shutdown).await {
                Ok(()) => {
                    backoff = FIRST_BACKOFF;
                    continue;
                }
                Err(error) => error,
            };
            if self.progress.borrow().place != before {
                backoff = FIRST_BACKOFF;
            }
            let name = self.projection.name();
            tracing::warn!(projection = name, error = error.detail(), retry_in = ?backoff, "the projection waits");
            self.progress.send_modify(|progress| {
                progress.error = Some(error.to_string());
                progress.diverged = error.is_divergence();
            });
            let _ = shutdown.run_until_cancelled(tokio::time::sleep(backoff)).await;
            backoff = (backoff * 2).min(MAX_BACKOFF);
        }
    }

    /// Follows the feed until it closes.
    async fn follow(&self, shutdown: &CancellationToken) -> Result<(), ConsumeError> {
        let checkpoint = load_checkpoint(&self.writer, self.projection.name()).await?;
        let mut feed = Feed::open(&self.open, checkpoint).await?;
        self.resume_at(checkpoint);
        while let Some(batch) =
            shutdown.run_until_cancelled(feed.next_batch::<P::Event>()).await.transpose()?
        {
            let feed_id = batch.feed_id;
            if !batch.events.is_empty() {
                self.apply(feed_id, batch.events).await?;
            }
            self.progress.send_modify(|progress| {
                progress.head = progress.head.max(batch.head);
                progress.contact = Some(self.clock.now());
                (progress.error, progress.diverged) = (None, false);
                let start = LogPosition { feed_id, position: 0, event_id: None };
                progress.place.get_or_insert(start);
            });
            if batch.closed {
                return Ok(());
            }
        }
        Ok(())
    }

    /// The feed goes on at the checkpoint. What was told beyond it was of another history: a rebuild has put the
    /// checkpoint back.
    fn resume_at(&self, checkpoint: Option<LogPosition>) {
        let Some(checkpoint) = checkpoint else { return };
        self.progress.send_modify(|progress| {
            let beyond =
                |told: LogPosition| told.feed_id != checkpoint.feed_id || told.position > checkpoint.position;
            if progress.place.is_some_and(beyond) {
                progress.start_over();
                (progress.place, progress.head) = (Some(checkpoint), checkpoint.position);
            }
        });
    }

    /// Applies events and moves the checkpoint in one transaction; events before the checkpoint are left out.
    async fn apply(&self, feed_id: Uuid, events: Vec<P::Event>) -> Result<(), ConsumeError> {
        let tx = WriteTransaction::begin(&self.writer).await?;
        let applied = self.apply_in(&tx, feed_id, &events).await;
        let place = tx.end(applied).await?;
        self.moved_to(place);
        self.projection.applied(&events);
        Ok(())
    }

    /// The place of the read model after the events.
    async fn apply_in(
        &self,
        tx: &DatabaseTransaction,
        feed_id: Uuid,
        events: &[P::Event],
    ) -> Result<LogPosition, ConsumeError> {
        let name = self.projection.name();
        let place = load_checkpoint(tx, name).await?;
        let applied = check_same_log(place, feed_id)?;
        let known = events.partition_point(|event| event.position() <= applied);
        let new = &events[known..];
        let Some((first, last)) = new.first().zip(new.last()) else {
            // A rebuild or another replica was faster. Who waits here has not heard of it.
            return place.ok_or(ConsumeError::Contract("a batch without events"));
        };
        if first.position() != applied + 1 {
            return Err(ConsumeError::Gap { checkpoint: applied, position: first.position() });
        }
        let place = place_of(feed_id, last)?;
        self.projection.apply(tx, "", new).await?;
        save_checkpoint(tx, name, place).await?;
        Ok(place)
    }

    /// Tells that the read model has `place`. Never goes back: a rebuild and the live run tell after they have
    /// committed, and so perhaps in the other order.
    pub(crate) fn moved_to(&self, place: LogPosition) {
        self.progress.send_modify(|progress| {
            // Another history has positions of its own.
            if progress.diverged {
                progress.start_over();
            }
            let newer =
                |known: LogPosition| known.feed_id != place.feed_id || known.position < place.position;
            if progress.place.is_none_or(newer) {
                progress.place = Some(place);
            }
            progress.head = progress.head.max(place.position);
        });
    }
}

/// The position up to which `place` has applied the log `feed_id`.
fn check_same_log(place: Option<LogPosition>, feed_id: Uuid) -> Result<i64, ConsumeError> {
    match place {
        None => Ok(0),
        Some(place) if place.feed_id == feed_id => Ok(place.position),
        Some(place) => Err(ConsumeError::Diverged { feed: feed_id, checkpoint: place.feed_id }),
    }
}

pub(crate) fn place_of(feed_id: Uuid, event: &impl FeedEvent) -> Result<LogPosition, ConsumeError> {
    let id =
        EventId::parse(event.event_id()).map_err(|_| ConsumeError::Contract("an event id is no UUID"))?;
    Ok(LogPosition { feed_id, position: event.position(), event_id: Some(id) })
}

/// Where the consumer stands; `None` before its first event.
pub(crate) async fn load_checkpoint<C: sea_orm::ConnectionTrait>(
    db: &C,
    consumer: &str,
) -> Result<Option<LogPosition>, DbErr> {
    let row = checkpoint::Entity::find_by_id(consumer.to_owned()).one(db).await?;
    Ok(row.map(|row| LogPosition {
        feed_id: row.feed_id,
        position: row.position,
        event_id: row.event_id.map(EventId::from),
    }))
}

pub(crate) async fn save_checkpoint(
    tx: &DatabaseTransaction,
    consumer: &str,
    place: LogPosition,
) -> Result<(), DbErr> {
    let row = checkpoint::Model {
        consumer: consumer.to_owned(),
        feed_id: place.feed_id,
        position: place.position,
        event_id: place.event_id.map(|id| *id.as_uuid()),
    };
    Table::<checkpoint::Entity>::default().upsert(tx, &[row]).await
}
