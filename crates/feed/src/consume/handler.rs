//! What a context writes: which events it wants, and what to do with a batch of them.

use crate::store::WriteTransaction;
use async_trait::async_trait;
use ordermesh_proto::event_types::FeedEvent;
use ordermesh_proto::feed::v1::EventFilter;
use sea_orm::DbErr;

/// Follows one feed. Everything else is the runtime's: where it stands, batches, retries, parking, replay, lag.
///
/// A handler works in one of two ways, or in both:
/// - [`apply`](Self::apply) changes the context's own tables in the runtime's transaction, which stores the
///   checkpoint too: each event has its effect exactly once. An effect outside of the database is never made here;
///   write an intent that a worker performs under a stable key.
/// - [`react`](Self::react) does durable work of its own first, such as commands through the committer with a
///   request id made of the event's id. The checkpoint is stored when all of the batch is done. A crash in between repeats
///   the batch, so the work must be repeat-safe.
#[async_trait]
pub trait Handler: Send + Sync + 'static {
    /// The event message of the feed.
    type Event: FeedEvent;

    /// Name of the consumer and of its checkpoint.
    fn name(&self) -> &'static str;

    /// Which events it wants; the server leaves the others out. Empty: all.
    fn filter(&self) -> EventFilter {
        EventFilter::default()
    }

    /// Whether [`react`](Self::react) is to be called.
    fn reacts(&self) -> bool {
        false
    }

    /// Does durable, repeat-safe work of its own.
    async fn react(&self, _events: &[Self::Event], _delivery: Delivery) -> Result<(), HandlerError> {
        Ok(())
    }

    /// Changes the context's tables. The events come in order, those of one key without a hole.
    async fn apply(
        &self,
        _tx: &WriteTransaction,
        _events: &[Self::Event],
        _delivery: Delivery,
    ) -> Result<(), HandlerError> {
        Ok(())
    }

    /// Called after the events' effect is committed.
    fn applied(&self, _events: &[Self::Event]) {}

    /// Called when somebody else has applied events that this replica has not seen: the active replica, or a rebuild.
    fn applied_elsewhere(&self) {}
}

/// How events come to a handler.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Delivery {
    /// From the feed, or from the parking without anybody's help.
    Live,
    /// From the parking, by an operator's will.
    Replay {
        /// Change the consumer's own state only: nothing may leave it.
        suppress_effects: bool,
    },
}

impl Delivery {
    /// Whether the handler may have effects beyond its own state: write intents, send commands.
    pub fn allows_effects(self) -> bool {
        !matches!(self, Self::Replay { suppress_effects: true })
    }
}

/// Why events cannot be handled.
#[derive(Debug, thiserror::Error)]
pub enum HandlerError {
    /// The database refuses. Parks only what it will never take, such as a row against a constraint: of anything else
    /// it is not known that it is the event's fault.
    #[error(transparent)]
    Store(#[from] DbErr),
    /// It may succeed later as it is: something that the handler needs is away. Tried again for ever.
    #[error("not now: {reason}")]
    Retry {
        /// What is missing.
        reason: String,
    },
    /// An event makes no sense to the handler. Tried again a few times, then parked with its key.
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
