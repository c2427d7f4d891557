//! What clients did, what subscribers saw, and the log as it is at the end: whether all of it fits what the platform
//! promises.
//!
//! A test records while it runs, with [`Attempt`]s and [`Subscriber`]s, adds the log and the write model when all is
//! over, and asks [`History::check`] for every violation.

mod commands;
mod log;
mod subscribers;

use std::fmt;

use ordermesh_proto::order::v1::OrderEvent;
use ordermesh_proto::order::v1::order_event::Payload;

pub use commands::{Attempt, Outcome};
pub use log::{assert_log_is_sound, check_log};
pub use subscribers::{Filter, Seen, Session, Subscriber};

/// Everything of one run.
#[derive(Debug, Clone, Default)]
pub struct History {
    /// Every call of PlaceOrder, in any order. A call that is tried again is another attempt of its request_id.
    pub attempts: Vec<Attempt>,
    /// Every subscriber.
    pub subscribers: Vec<Subscriber>,
    /// The log from its beginning.
    pub log: Vec<Entry>,
    /// The orders of the write model.
    pub orders: Vec<StoredOrder>,
}

/// What the checker needs of one event of the log.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Entry {
    /// Its place in the log.
    pub position: i64,
    /// Its identity.
    pub event_id: String,
    /// Its type such as `OrderCreated`.
    pub kind: String,
    /// Its key: the order's id.
    pub key: String,
    /// The how-manieth event of its key.
    pub key_revision: i64,
    /// Microseconds since 1970.
    pub recorded: i64,
    /// The request that made it, for the event that creates an order.
    pub request_id: Option<String>,
}

impl Entry {
    /// Of an event as the feed tells it. The order's reference must be the request_id of its PlaceOrder.
    pub fn of(event: &OrderEvent) -> Self {
        let recorded = event.recorded_time.unwrap_or_default();
        let request_id = match &event.payload {
            Some(Payload::OrderCreated(created)) => Some(created.order_reference.clone()),
            _ => None,
        };
        Self {
            position: event.position,
            event_id: event.event_id.clone(),
            kind: event.r#type.clone(),
            key: event.key.clone(),
            key_revision: event.key_revision,
            recorded: recorded.seconds * 1_000_000 + i64::from(recorded.nanos) / 1000,
            request_id,
        }
    }
}

/// One order of the write model.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct StoredOrder {
    /// Its id.
    pub order_id: String,
    /// The request_id of its PlaceOrder.
    pub request_id: String,
}

/// What the platform promises.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum Promise {
    /// An acknowledged order is in the log.
    AcknowledgedIsLogged,
    /// An acknowledged order is in the write model.
    AcknowledgedIsStored,
    /// A request makes at most one order.
    OneOrderARequest,
    /// A refused request changes nothing.
    RefusedChangesNothing,
    /// The write model has the orders of the log and no others.
    LogAndStoreAgree,
    /// A token's position is the position of the order's event.
    TokenIsThePosition,
    /// What was acknowledged before another command was sent stands before it.
    RealTimeOrder,
    /// Positions are 1, 2, 3, …
    PositionsAreGapless,
    /// Times of recording never go back.
    TimeNeverGoesBack,
    /// An event's id is its alone.
    EventIdsAreUnique,
    /// A key's revisions are 1, 2, 3, …
    RevisionsAreGapless,
    /// A stream carries what its filter and shard pass, and only that.
    FilterIsKept,
    /// A stream carries each event as the log has it.
    EventIsTheLogs,
    /// Positions increase within a stream.
    StreamIsOrdered,
    /// A stream leaves nothing out between its start and its newest frame.
    NothingIsSkipped,
    /// A stream starts where the subscriber's stored cursor says.
    ResumesWhereItWas,
    /// Every event of a subscriber has its effect once.
    EffectOnce,
    /// Effects of a key come in the order of its revisions.
    EffectsAreInKeyOrder,
}

/// A promise that a history breaks.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Violation {
    /// Which promise.
    pub promise: Promise,
    /// By what.
    pub what: String,
}

impl fmt::Display for Violation {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(formatter, "{:?}: {}", self.promise, self.what)
    }
}

/// Collects violations.
#[derive(Debug, Default)]
struct Found(Vec<Violation>);

impl Found {
    fn add(&mut self, promise: Promise, what: impl Into<String>) {
        self.0.push(Violation { promise, what: what.into() });
    }

    fn expect(&mut self, holds: bool, promise: Promise, what: impl FnOnce() -> String) {
        if !holds {
            self.add(promise, what());
        }
    }
}

impl History {
    /// All violations; none for a sound history.
    pub fn check(&self) -> Vec<Violation> {
        let mut found = Found::default();
        log::check_entries(&self.log, &mut found);
        commands::check(self, &mut found);
        for subscriber in &self.subscribers {
            subscribers::check(subscriber, &self.log, &mut found);
        }
        found.0
    }

    /// Asserts that there are no violations; shows the first ones.
    #[track_caller]
    pub fn assert_sound(&self) {
        let violations = self.check();
        let shown: Vec<_> = violations.iter().take(20).map(ToString::to_string).collect();
        assert!(violations.is_empty(), "{} violations:\n{}", violations.len(), shown.join("\n"));
    }
}
