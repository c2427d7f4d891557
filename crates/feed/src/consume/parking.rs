//! Events that wait because their key is stopped, in order per key, for any consumer of the context's database.

use std::collections::BTreeMap;

use bytes::Bytes;
use ordermesh_kernel::{Timestamp, to_micros};
use ordermesh_proto::feed::v1::EventEnvelope;
use prost::Message;
use sea_orm::sea_query::{Expr, ExprTrait};
use sea_orm::{
    ColumnTrait, ConnectionTrait, DbErr, EntityTrait, FromQueryResult, QueryFilter, QueryOrder, QuerySelect,
    Statement,
};
use uuid::Uuid;

use crate::event::kernel_time;
use crate::store::{Table, parked_event, parked_key};

/// A stopped key.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ParkedKey {
    /// The key.
    pub key: String,
    /// What was wrong with the event that stopped it.
    pub reason: String,
    /// How often that one was tried.
    pub attempts: i32,
    /// When it was stopped, in microseconds since 1970.
    pub parked_time: i64,
}

/// An event that waits.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ParkedEvent {
    /// Place in the log.
    pub position: i64,
    /// What it is about.
    pub key: String,
    /// Identity.
    pub event_id: Uuid,
    /// The encoded event message, as the feed sent it.
    pub bytes: Vec<u8>,
}

/// How much a consumer has parked.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, FromQueryResult)]
pub struct Usage {
    /// Stopped keys.
    pub keys: i64,
    /// Their events.
    pub events: i64,
    /// Bytes of these.
    pub bytes: i64,
}

/// The stopped keys of a consumer, by key.
pub async fn keys<C: ConnectionTrait>(db: &C, consumer: &str) -> Result<BTreeMap<String, ParkedKey>, DbErr> {
    let rows = parked_key::Entity::find().filter(parked_key::Column::Consumer.eq(consumer)).all(db).await?;
    let parked = |row: parked_key::Model| ParkedKey {
        key: row.key,
        reason: row.reason,
        attempts: row.attempts,
        parked_time: row.parked_time,
    };
    Ok(rows.into_iter().map(|row| (row.key.clone(), parked(row))).collect())
}

/// Parks events, given as the feed sent them. `stopped` are the keys that stop with them, and why.
pub async fn park<C: ConnectionTrait>(
    db: &C,
    consumer: &str,
    events: &[Bytes],
    stopped: &BTreeMap<String, String>,
    now: Timestamp,
) -> Result<(), DbErr> {
    let parked_time = to_micros(now);
    let keys: Vec<_> = stopped
        .iter()
        .map(|(key, reason)| parked_key::Model {
            consumer: consumer.to_owned(),
            key: key.clone(),
            state: "parked".to_owned(),
            reason: reason.clone(),
            attempts: 1,
            parked_time,
        })
        .collect();
    let events =
        events.iter().map(|bytes| row(consumer, bytes, parked_time)).collect::<Result<Vec<_>, _>>()?;
    Table::<parked_key::Entity>::default().insert(db, &keys).await?;
    Table::<parked_event::Entity>::default().insert(db, &events).await
}

fn row(consumer: &str, bytes: &Bytes, parked_time: i64) -> Result<parked_event::Model, DbErr> {
    let broken = |what: &str| DbErr::Custom(format!("an event cannot be parked: {what}"));
    let envelope = EventEnvelope::decode(bytes.clone()).map_err(|error| broken(&error.to_string()))?;
    let recorded = envelope.recorded_time.as_ref().and_then(kernel_time).map_or(0, to_micros);
    Ok(parked_event::Model {
        consumer: consumer.to_owned(),
        position: envelope.position,
        key: envelope.key,
        event_id: Uuid::parse_str(&envelope.event_id).map_err(|_| broken("its id is no UUID"))?,
        kind: envelope.r#type,
        recorded_time: recorded,
        parked_time,
        bytes: bytes.to_vec(),
    })
}

/// How much a consumer has parked.
pub async fn usage<C: ConnectionTrait>(db: &C, consumer: &str) -> Result<Usage, DbErr> {
    let sql = "SELECT (SELECT COUNT(*) FROM parked_keys WHERE consumer = $1) AS keys, \
        COUNT(*) AS events, COALESCE(SUM(LENGTH(bytes)), 0) AS bytes FROM parked_events WHERE consumer = $2";
    let values = [consumer.into(), consumer.into()];
    let statement = Statement::from_sql_and_values(db.get_database_backend(), sql, values);
    Ok(Usage::find_by_statement(statement).one(db).await?.unwrap_or_default())
}

/// Events of a consumer after a position, or of one key of it, in order.
pub async fn list<C: ConnectionTrait>(
    db: &C,
    consumer: &str,
    key: Option<&str>,
    after: i64,
    limit: u64,
) -> Result<Vec<ParkedEvent>, DbErr> {
    let mut events = parked_event::Entity::find()
        .filter(parked_event::Column::Consumer.eq(consumer))
        .filter(parked_event::Column::Position.gt(after));
    if let Some(key) = key {
        events = events.filter(parked_event::Column::Key.eq(key));
    }
    let rows = events.order_by_asc(parked_event::Column::Position).limit(limit).all(db).await?;
    let event = |row: parked_event::Model| ParkedEvent {
        position: row.position,
        key: row.key,
        event_id: row.event_id,
        bytes: row.bytes,
    };
    Ok(rows.into_iter().map(event).collect())
}

/// The first event of a key.
pub async fn first_event<C: ConnectionTrait>(
    db: &C,
    consumer: &str,
    key: &str,
) -> Result<Option<ParkedEvent>, DbErr> {
    Ok(list(db, consumer, Some(key), 0, 1).await?.pop())
}

/// Takes an event out; true when it was the last of its key, which flows again.
pub async fn remove<C: ConnectionTrait>(
    db: &C,
    consumer: &str,
    key: &str,
    position: i64,
) -> Result<bool, DbErr> {
    parked_event::Entity::delete_by_id((consumer.to_owned(), position)).exec(db).await?;
    unblock_when_empty(db, consumer, key).await
}

/// Gives up a key's events up to a position; how many those were, and whether the key flows again.
pub async fn discard<C: ConnectionTrait>(
    db: &C,
    consumer: &str,
    key: &str,
    up_to: i64,
) -> Result<(u64, bool), DbErr> {
    let gone = parked_event::Entity::delete_many()
        .filter(parked_event::Column::Consumer.eq(consumer))
        .filter(parked_event::Column::Key.eq(key))
        .filter(parked_event::Column::Position.lte(up_to));
    let gone = gone.exec(db).await?.rows_affected;
    Ok((gone, unblock_when_empty(db, consumer, key).await?))
}

async fn unblock_when_empty<C: ConnectionTrait>(db: &C, consumer: &str, key: &str) -> Result<bool, DbErr> {
    let empty = first_event(db, consumer, key).await?.is_none();
    if empty {
        parked_key::Entity::delete_by_id((consumer.to_owned(), key.to_owned())).exec(db).await?;
    }
    Ok(empty)
}

/// Notes that a stopped key's next event failed again.
pub async fn park_again<C: ConnectionTrait>(
    db: &C,
    consumer: &str,
    key: &str,
    reason: &str,
) -> Result<(), DbErr> {
    let attempts = Expr::col(parked_key::Column::Attempts).add(1);
    let update = parked_key::Entity::update_many()
        .col_expr(parked_key::Column::Attempts, attempts)
        .col_expr(parked_key::Column::Reason, Expr::value(reason))
        .filter(parked_key::Column::Consumer.eq(consumer))
        .filter(parked_key::Column::Key.eq(key));
    update.exec(db).await.map(|_| ())
}

/// Empties a consumer's parking.
pub async fn clear<C: ConnectionTrait>(db: &C, consumer: &str) -> Result<(), DbErr> {
    let events = parked_event::Entity::delete_many().filter(parked_event::Column::Consumer.eq(consumer));
    events.exec(db).await?;
    let keys = parked_key::Entity::delete_many().filter(parked_key::Column::Consumer.eq(consumer));
    keys.exec(db).await.map(|_| ())
}
