//! What the runtime does about a consumer's parking by itself: which stopped keys it tries again, and when.

use crate::store::WriteTransaction;
use std::collections::{BTreeMap, BTreeSet};

use bytes::Bytes;
use ordermesh_kernel::{Timestamp, to_micros};
use sea_orm::sea_query::OnConflict;
use sea_orm::{ColumnTrait, ConnectionTrait, DbErr, EntityTrait, QueryFilter, QueryOrder, QuerySelect, Set};

use super::feed::envelope;
use super::{ConsumeError, ConsumerSettings};
use crate::parking::Parking;
use crate::store::parked_work::{ActiveModel, Column, Entity, Model};

/// A stopped key whose next event is due.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Due {
    pub key: String,
    pub time: i64,
    /// Tries of the event so far; negative for an operator's replay, which has one.
    pub tries: i32,
    pub suppress_effects: bool,
}

/// The keys whose events are parked, and why.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Stops<'a> {
    /// Keys that were stopped before.
    pub blocked: &'a BTreeMap<String, String>,
    /// Keys that stop now.
    pub stopped: &'a BTreeMap<String, String>,
}

/// Parks events: those of keys that stop now stop them, and are tried again by and by; the others queue behind.
/// [`ConsumeError::ParkingFull`] when there is no room.
pub(crate) async fn park(
    tx: &WriteTransaction,
    consumer: &str,
    events: &[Bytes],
    Stops { blocked, stopped }: Stops<'_>,
    now: Timestamp,
    settings: &ConsumerSettings,
) -> Result<(), ConsumeError> {
    // An event of a key that flows would lie there for ever: nobody would replay it, and the checkpoint is past it.
    for bytes in events {
        let key = envelope(bytes)?.key;
        if !blocked.contains_key(&key) && !stopped.contains_key(&key) {
            return Err(ConsumeError::NotStopped { key });
        }
    }
    let parking = Parking::of(consumer);
    let keys = stopped.iter().map(|(key, reason)| (key.as_str(), reason.as_str()));
    parking.block(tx, keys, 1, now).await?;
    parking.append_encoded(tx, events, now).await?;
    let usage = parking.usage(tx).await?;
    if usage.keys > settings.max_parked_keys || usage.bytes > settings.max_parked_bytes {
        return Err(ConsumeError::ParkingFull { keys: usage.keys, bytes: usage.bytes });
    }
    for key in stopped.keys().filter(|_| settings.max_tries > 1) {
        let due = Due {
            key: key.clone(),
            time: due_time(now, settings, 1, key),
            tries: 1,
            suppress_effects: false,
        };
        plan(tx, consumer, due).await?;
    }
    Ok(())
}

fn due_time(now: Timestamp, settings: &ConsumerSettings, tries: i32, key: &str) -> i64 {
    let wait = settings.backoff(u32::try_from(tries).unwrap_or(1), key);
    to_micros(now).saturating_add(i64::try_from(wait.as_micros()).unwrap_or(i64::MAX))
}

/// Has the runtime apply a key's next event when it is due.
pub(crate) async fn plan<C: ConnectionTrait>(db: &C, consumer: &str, due: Due) -> Result<(), DbErr> {
    let row = ActiveModel {
        consumer: Set(consumer.to_owned()),
        key: Set(due.key),
        due_time: Set(due.time),
        tries: Set(due.tries),
        suppress_effects: Set(due.suppress_effects),
    };
    let planned = OnConflict::columns([Column::Consumer, Column::Key])
        .update_columns([Column::DueTime, Column::Tries, Column::SuppressEffects])
        .to_owned();
    Entity::insert(row).on_conflict(planned).exec_without_returning(db).await.map(|_| ())
}

/// The key that is due first.
pub(crate) async fn first_due<C: ConnectionTrait>(db: &C, consumer: &str) -> Result<Option<Due>, DbErr> {
    let first = Entity::find().filter(Column::Consumer.eq(consumer));
    let first = first.order_by_asc(Column::DueTime).order_by_asc(Column::Key).limit(1);
    Ok(first.one(db).await?.map(due))
}

/// What is planned for a key now.
pub(crate) async fn planned<C: ConnectionTrait>(
    db: &C,
    consumer: &str,
    key: &str,
) -> Result<Option<Due>, DbErr> {
    Ok(Entity::find_by_id((consumer.to_owned(), key.to_owned())).one(db).await?.map(due))
}

fn due(row: Model) -> Due {
    Due { key: row.key, time: row.due_time, tries: row.tries, suppress_effects: row.suppress_effects }
}

/// Leaves a key to the operator, or to nobody when it is not stopped any more.
pub(crate) async fn forget_plan<C: ConnectionTrait>(db: &C, consumer: &str, key: &str) -> Result<(), DbErr> {
    Entity::delete_by_id((consumer.to_owned(), key.to_owned())).exec(db).await.map(|_| ())
}

/// Has the next event of a key follow the one that was applied: at once, and with tries of its own.
pub(crate) async fn plan_next<C: ConnectionTrait>(
    db: &C,
    consumer: &str,
    due: &Due,
    now: Timestamp,
) -> Result<(), DbErr> {
    plan(db, consumer, Due { time: to_micros(now), tries: due.tries.min(0), ..due.clone() }).await
}

/// Has the next event of a key wait as long as anything does, without counting a try.
pub(crate) async fn postpone<C: ConnectionTrait>(
    db: &C,
    consumer: &str,
    due: &Due,
    now: Timestamp,
    settings: &ConsumerSettings,
) -> Result<(), DbErr> {
    let time = due_time(now, settings, i32::MAX, &due.key);
    plan(db, consumer, Due { time, ..due.clone() }).await
}

/// Notes that the next event of a key failed: it is tried again later, or waits for an operator.
pub(crate) async fn failed(
    tx: &WriteTransaction,
    consumer: &str,
    due: &Due,
    reason: &str,
    now: Timestamp,
    settings: &ConsumerSettings,
) -> Result<bool, DbErr> {
    Parking::of(consumer).park_again(tx, &due.key, reason, 1).await?;
    let tries = due.tries + 1;
    // An operator's replay is one try: whoever asked looks at the outcome.
    let again = due.tries >= 0 && tries < settings.max_tries;
    match again {
        true => {
            let time = due_time(now, settings, tries, &due.key);
            plan(tx, consumer, Due { time, tries, ..due.clone() }).await?;
        }
        false => forget_plan(tx, consumer, &due.key).await?,
    }
    Ok(again)
}

/// Empties a consumer's parking: its state is made anew from the whole history.
pub(crate) async fn clear<C: ConnectionTrait>(db: &C, consumer: &str) -> Result<(), DbErr> {
    Parking::of(consumer).clear(db).await?;
    Entity::delete_many().filter(Column::Consumer.eq(consumer)).exec(db).await.map(|_| ())
}

/// The stopped keys that the runtime applies by itself.
pub(crate) async fn planned_keys<C: ConnectionTrait>(
    db: &C,
    consumer: &str,
) -> Result<BTreeSet<String>, DbErr> {
    let rows = Entity::find().filter(Column::Consumer.eq(consumer)).all(db).await?;
    Ok(rows.into_iter().map(|row| row.key).collect())
}

#[cfg(test)]
mod tests {
    use ordermesh_proto::order::v1::OrderEvent;
    use prost::Message;
    use sea_orm::{ConnectOptions, Database};
    use sea_orm_migration::{MigrationTrait, MigratorTrait};
    use uuid::Uuid;

    use super::*;
    use crate::store::{InboxMigration, ParkingMigration};

    struct Migrator;

    impl MigratorTrait for Migrator {
        fn migrations() -> Vec<Box<dyn MigrationTrait>> {
            vec![Box::new(ParkingMigration), Box::new(InboxMigration)]
        }
    }

    #[tokio::test]
    async fn an_event_of_a_key_that_flows_is_never_parked() {
        let mut options = ConnectOptions::new("sqlite::memory:");
        let db = Database::connect(options.max_connections(1).clone()).await.unwrap();
        Migrator::up(&db, None).await.unwrap();
        let event = |position: u8, key: &str| {
            let event_id = Uuid::from_u128(position.into()).to_string();
            let event =
                OrderEvent { position: position.into(), event_id, key: key.to_owned(), ..Default::default() };
            Bytes::from(event.encode_to_vec())
        };
        let events = [event(1, "stops"), event(2, "flows")];
        let stopped = BTreeMap::from([("stops".to_owned(), "poison".to_owned())]);
        let park = async |events: &[Bytes], blocked: &BTreeMap<_, _>| {
            let (stops, settings) = (Stops { blocked, stopped: &stopped }, ConsumerSettings::default());
            let tx = WriteTransaction::begin(&db).await.unwrap();
            let parked = park(&tx, "mail", events, stops, Timestamp::UNIX_EPOCH, &settings).await;
            tx.end(parked).await
        };
        let refused = park(&events, &BTreeMap::new()).await;
        assert!(matches!(refused, Err(ConsumeError::NotStopped { key }) if key == "flows"));
        assert_eq!(Parking::of("mail").usage(&db).await.unwrap().events, 0);
        park(&events[..1], &BTreeMap::new()).await.unwrap();
        assert_eq!(Parking::of("mail").usage(&db).await.unwrap().events, 1);
    }
}
