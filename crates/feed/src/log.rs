//! The log of a context as subscribers read it: pages after a position, the head, and a tail in memory.
//!
//! All live subscribers share the tail, which is bounded by bytes; whoever is behind it reads pages from the
//! database. [`FeedSource`] is the seam: a replica or another engine can serve a feed without any change to
//! contracts or consumers.

mod boundary;
mod follow;
mod stored;
mod tail;

use std::sync::{Arc, PoisonError, RwLock};
use std::time::Duration;

use async_trait::async_trait;
use ordermesh_kernel::{Clock, EventId, Timestamp, clock};
use ordermesh_proto::event_types::EventType;
use sea_orm::{DatabaseConnection, DbBackend, DbErr, EntityTrait};
use tokio::sync::{Notify, watch};
use tokio_util::sync::CancellationToken;
use uuid::Uuid;

use crate::event::WireEvent;
use crate::store::{PATIENCE, PatientConnection, Table, log_head, within};
use crate::token::LogPosition;
use stored::event_id;
use tail::Tail;

pub(crate) use boundary::Boundary;
pub(crate) use stored::stored_rows;

/// Bytes of events in a page, but for its last event, unless a log is told otherwise. Whoever reads the log holds this
/// much at a time.
pub const PAGE_BYTES: usize = 512 << 10;

/// What a feed is, beside its events.
#[derive(Debug, Clone, Copy)]
pub struct FeedSchema {
    /// The events that the feed may carry.
    pub events: &'static [EventType],
    /// What the key is, such as "order id".
    pub key_description: &'static str,
}

impl FeedSchema {
    /// The event type of a name.
    pub fn event(&self, name: &str) -> Option<&'static EventType> {
        self.events.iter().find(|kind| kind.name == name)
    }
}

/// Events in the order of their positions, from the tail or from the database.
#[derive(Debug, Default)]
pub struct Page {
    /// The events, contiguous from the position asked for.
    pub events: Vec<Arc<WireEvent>>,
    /// The page came from the tail in memory.
    pub from_tail: bool,
}

/// Why a page cannot be had.
#[derive(Debug, thiserror::Error)]
pub enum PageError {
    /// What was asked for is no longer in the log: a truncation took it, perhaps while a subscriber was reading.
    #[error("the log starts at {earliest}; what followed position {position} is no longer in it")]
    Truncated {
        /// The position after which events were asked for.
        position: i64,
        /// The oldest position that the log still holds or will hold.
        earliest: i64,
    },
    /// The log cannot be read.
    #[error(transparent)]
    Store(#[from] DbErr),
}

/// From where a feed is served.
#[async_trait]
pub trait FeedSource: Send + Sync {
    /// What the feed is.
    fn schema(&self) -> FeedSchema;
    /// Identity of the log.
    fn feed_id(&self) -> Uuid;
    /// The newest position, and a way to wait for a newer one.
    fn head(&self) -> watch::Receiver<i64>;
    /// The newest position in the store itself: where other processes write too, [`head`](Self::head) learns of it later.
    async fn stored_head(&self) -> Result<i64, DbErr>;
    /// At most `limit` events after `position`, about a page's bytes of them and at least one; empty only at the head.
    /// Never with a gap: where a truncation took the next event that is an error.
    async fn page(&self, position: i64, limit: usize) -> Result<Page, PageError>;
    /// The event at a position, also the one at the boundary of a truncation; `None` when the log does not know it.
    async fn event_id_at(&self, position: i64) -> Result<Option<EventId>, DbErr>;
    /// The position before the first event recorded at `time` or later. When a truncation took events of that time, a
    /// position before what the log holds.
    async fn position_before(&self, time: Timestamp) -> Result<i64, DbErr>;
    /// The oldest position that the log holds; after a truncation of everything the one after the head; `None` when
    /// nothing was ever written.
    async fn earliest(&self) -> Result<Option<i64>, DbErr>;
    /// When the newest event was recorded; `None` when the log is empty.
    async fn head_time(&self) -> Result<Option<Timestamp>, DbErr>;
}

/// The log in a context's own database.
#[derive(Debug)]
pub struct EventLog {
    schema: FeedSchema,
    feed_id: Uuid,
    reader: PatientConnection,
    tail: RwLock<Tail>,
    page_bytes: usize,
    /// The newest position up to which the log is known without a hole.
    head: watch::Sender<i64>,
    /// Something that was committed here is to be told to the other replicas.
    news: Notify,
    /// Fires when the log in the database is not the one that this process knows.
    diverged: CancellationToken,
}

impl EventLog {
    /// Opens the log, making its identity when it is new. `tail_bytes` bounds the events kept in memory. Where other
    /// processes write to the same database, [`follow`](Self::follow) keeps it up with them.
    pub async fn open(
        writer: &DatabaseConnection,
        reader: DatabaseConnection,
        schema: FeedSchema,
        tail_bytes: usize,
        clock: &dyn Clock,
    ) -> Result<Self, DbErr> {
        let head = match log_head::Entity::find_by_id(1).one(writer).await? {
            Some(head) => head,
            None => create_head(writer, clock).await?,
        };
        let newest = match event_id(writer, head.position).await? {
            Some(id) => Some(id),
            None => Boundary::of(&head).event_id_at(head.position),
        };
        Ok(Self {
            schema,
            feed_id: head.feed_id,
            reader: PatientConnection::new(reader, PATIENCE),
            tail: RwLock::new(Tail::bounded(tail_bytes).after_event(head.position, newest)),
            page_bytes: PAGE_BYTES,
            head: watch::Sender::new(head.position),
            news: Notify::new(),
            diverged: CancellationToken::new(),
        })
    }

    /// The same log with larger or smaller pages.
    #[must_use]
    pub fn with_page_bytes(self, page_bytes: usize) -> Self {
        Self { page_bytes, ..self }
    }

    /// Bounds the time that anything here waits for PostgreSQL (else 30 s), whose network may swallow a question and its answer.
    #[must_use]
    pub fn with_patience(self, patience: Duration) -> Self {
        Self { reader: PatientConnection::new(self.reader.pool().clone(), patience), ..self }
    }

    /// How long the database may take for an answer.
    pub(crate) fn patience(&self) -> Duration {
        self.reader.patience()
    }

    /// What comes of `work` on the database, or that there was no answer in time.
    async fn in_time<T, E: From<DbErr>>(&self, work: impl Future<Output = Result<T, E>>) -> Result<T, E> {
        within(self.patience(), work).await
    }

    /// Refuses a position that does not follow the head: on SQLite this process alone writes, so somebody else has
    /// changed the database, and going on would make two histories of one.
    pub(crate) fn expect_next(&self, position: i64, backend: DbBackend) -> Result<(), DbErr> {
        let head = *self.head.borrow();
        match backend == DbBackend::Sqlite && position != head + 1 {
            true => {
                Err(DbErr::Custom(format!("the log's head is {head}, but the next position is {position}")))
            }
            false => Ok(()),
        }
    }

    /// Takes events that are now durable, and has other replicas told.
    pub(crate) fn publish(&self, events: Vec<WireEvent>) {
        self.news.notify_one();
        self.take(events);
    }

    /// Takes durable events, committed here or read from the database. What is known already is left out; what does
    /// not follow the head is kept until the hole before it is filled.
    fn take(&self, events: Vec<WireEvent>) {
        // A poisoned lock only means that a reader panicked; the tail itself is changed in whole steps.
        let mut tail = self.tail.write().unwrap_or_else(PoisonError::into_inner);
        let head = *self.head.borrow();
        if events.iter().any(|event| tail.known_at(event.position).is_some_and(|id| id != event.id)) {
            tracing::error!(head, "another event stands in the database at a known position");
            return self.diverged.cancel();
        }
        let newest = tail.take(events, head);
        if newest > head {
            // Under the tail's lock: the head never tells of events that the tail does not have yet.
            self.head.send_replace(newest);
        }
    }
}

async fn create_head(writer: &DatabaseConnection, clock: &dyn Clock) -> Result<log_head::Model, DbErr> {
    let head = log_head::Model {
        id: 1,
        feed_id: Uuid::now_v7(),
        position: 0,
        recorded_time: clock::to_micros(clock.now()),
        truncated_position: 0,
        truncated_event_id: None,
        truncated_time: None,
        imported_position: None,
    };
    let made = Table::<log_head::Entity>::default().insert(writer, std::slice::from_ref(&head)).await;
    match log_head::Entity::find_by_id(1).one(writer).await? {
        // Perhaps another replica's, which was faster.
        Some(head) => Ok(head),
        None => made.map(|()| head),
    }
}

#[async_trait]
impl FeedSource for EventLog {
    fn schema(&self) -> FeedSchema {
        self.schema
    }

    fn feed_id(&self) -> Uuid {
        self.feed_id
    }

    fn head(&self) -> watch::Receiver<i64> {
        self.head.subscribe()
    }

    async fn stored_head(&self) -> Result<i64, DbErr> {
        let head = log_head::Entity::find_by_id(1).one(&self.reader).await?;
        Ok(head.map_or(0, |head| head.position))
    }

    async fn page(&self, position: i64, limit: usize) -> Result<Page, PageError> {
        let tail =
            self.tail.read().unwrap_or_else(PoisonError::into_inner).after(position, limit, self.page_bytes);
        if let Some(events) = tail {
            return Ok(Page { events, from_tail: true });
        }
        self.in_time(self.stored_page(position, limit)).await
    }

    async fn event_id_at(&self, position: i64) -> Result<Option<EventId>, DbErr> {
        let tail = self.tail.read().unwrap_or_else(PoisonError::into_inner).after(position - 1, 1, 1);
        if let Some(event) = tail.as_deref().and_then(<[_]>::first) {
            return Ok(Some(event.id));
        }
        self.in_time(self.stored_id(position)).await
    }

    async fn position_before(&self, time: Timestamp) -> Result<i64, DbErr> {
        self.in_time(self.stored_position_before(time)).await
    }

    async fn earliest(&self) -> Result<Option<i64>, DbErr> {
        self.in_time(self.stored_earliest()).await
    }

    async fn head_time(&self) -> Result<Option<Timestamp>, DbErr> {
        self.in_time(self.stored_head_time()).await
    }
}

impl EventLog {
    /// The newest position known here, and the event there as far as it is known.
    fn known_head(&self) -> (i64, Option<EventId>) {
        let tail = self.tail.read().unwrap_or_else(PoisonError::into_inner);
        let head = *self.head.borrow();
        (head, tail.known_at(head))
    }

    /// A place in this log, for cursors and tokens.
    pub(crate) fn place(&self, position: i64, event_id: Option<EventId>) -> LogPosition {
        LogPosition { feed_id: self.feed_id, position, event_id }
    }
}
