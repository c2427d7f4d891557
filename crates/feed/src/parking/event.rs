//! What is parked: keys' states, events and their rows.

use bytes::Bytes;
use ordermesh_kernel::{EventId, Timestamp, clock};
use ordermesh_proto::feed::v1::EventEnvelope;
use prost::Message;
use sea_orm::DbErr;

use crate::event::{WireEvent, kernel_time};
use crate::store::{parked_event, parked_key};

pub(super) const PARKED: &str = "parked";
pub(super) const REPLAYING: &str = "replaying";

/// Why a key is blocked.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum KeyState {
    /// It waits for an operator.
    Parked,
    /// Its parked events are delivered again, one by one.
    Replaying,
}

impl KeyState {
    pub(super) fn of(text: &str) -> Result<Self, DbErr> {
        match text {
            PARKED => Ok(Self::Parked),
            REPLAYING => Ok(Self::Replaying),
            other => Err(DbErr::Type(format!("a parked key has the unknown state {other}"))),
        }
    }
}

/// A parked event, and why its key is blocked.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ParkedEvent {
    /// Place in the log.
    pub position: i64,
    /// Identity.
    pub id: EventId,
    /// Name such as `OrderCreated`.
    pub kind: String,
    /// What the event is about.
    pub key: String,
    /// When the log took it.
    pub recorded: Timestamp,
    /// When it was parked.
    pub parked: Timestamp,
    /// The encoded event message of the context.
    pub bytes: Vec<u8>,
    /// Whether the key waits or is being replayed.
    pub state: KeyState,
    /// Why the key was parked, in the consumer's words.
    pub reason: String,
    /// How often the key's first event was tried in vain.
    pub attempts: i32,
    /// When the key was blocked; a replay that fails leaves it.
    pub key_parked: Timestamp,
}

/// How much a consumer has parked.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Usage {
    /// Blocked keys.
    pub keys: u64,
    /// Parked events.
    pub events: u64,
    /// Their bytes.
    pub bytes: u64,
}

/// What was thrown away.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Discarded {
    /// Events.
    pub events: u64,
    /// Nothing is left of the key: its new events flow again.
    pub unblocked: bool,
}

pub(super) fn row_of(consumer: &str, event: &WireEvent, now: Timestamp) -> parked_event::Model {
    parked_event::Model {
        consumer: consumer.to_owned(),
        position: event.position,
        key: event.key.clone(),
        event_id: *event.id.as_uuid(),
        kind: event.kind.to_owned(),
        recorded_time: clock::to_micros(event.recorded),
        parked_time: clock::to_micros(now),
        bytes: event.bytes.to_vec(),
    }
}

/// The row of an event whose payload perhaps nobody here can read.
pub(super) fn row_of_encoded(
    consumer: &str,
    bytes: &Bytes,
    now: Timestamp,
) -> Result<parked_event::Model, DbErr> {
    let broken = |what: &str| DbErr::Custom(format!("an event cannot be parked: {what}"));
    let envelope = EventEnvelope::decode(bytes.clone()).map_err(|error| broken(&error.to_string()))?;
    let id = EventId::parse(&envelope.event_id).map_err(|_| broken("its id is no UUID"))?;
    let recorded = envelope.recorded_time.as_ref().and_then(kernel_time);
    Ok(parked_event::Model {
        consumer: consumer.to_owned(),
        position: envelope.position,
        key: envelope.key,
        event_id: *id.as_uuid(),
        kind: envelope.r#type,
        recorded_time: recorded.map_or(0, clock::to_micros),
        parked_time: clock::to_micros(now),
        bytes: bytes.to_vec(),
    })
}

/// An event with what its key's row says.
pub(super) fn of(key: &parked_key::Model, row: parked_event::Model) -> Result<ParkedEvent, DbErr> {
    let time = |micros| clock::from_micros(micros).map_err(|error| DbErr::Type(error.to_string()));
    Ok(ParkedEvent {
        position: row.position,
        id: EventId::from(row.event_id),
        kind: row.kind,
        recorded: time(row.recorded_time)?,
        parked: time(row.parked_time)?,
        bytes: row.bytes,
        state: KeyState::of(&key.state)?,
        reason: key.reason.clone(),
        attempts: key.attempts,
        key_parked: time(key.parked_time)?,
        key: row.key,
    })
}
