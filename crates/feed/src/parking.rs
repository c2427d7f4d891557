//! The parking: keys that a consumer cannot get past, set aside with their events in order.
//!
//! A key is blocked from the event that failed until nothing of it is parked any more: while it is parked and while
//! it is replayed, its new events are appended here. So everything else flows on, and order per key holds.
//!
//! All calls of one consumer that change the same key must be serialized by the caller: the Rust runtime by its
//! checkpoint's compare-and-set, a group by its slot's row. Parked bytes hold personal data as the wire has it.

mod event;

use std::collections::{BTreeMap, HashMap, HashSet};

use bytes::Bytes;
use ordermesh_kernel::{Timestamp, clock};
use sea_orm::sea_query::{Expr, ExprTrait, OnConflict};
use sea_orm::{
    ActiveValue, ColumnTrait, ConnectionTrait, DbErr, EntityTrait, PaginatorTrait, QueryFilter, QueryOrder,
    QuerySelect, Statement,
};

use crate::event::WireEvent;
use crate::store::{StoreConnection, Table, parked_event, parked_key};
pub use event::{Discarded, KeyState, ParkedEvent, Usage};

/// Keys of a statement's IN list; both databases take more.
const KEYS_AT_ONCE: usize = 500;

/// The parking of one consumer. The calls run on whatever connection or transaction they are given.
#[derive(Debug, Clone)]
pub struct Parking {
    consumer: String,
}

impl Parking {
    /// The parking of a consumer such as `order-query` or `group:billing-mail`.
    pub fn of(consumer: impl Into<String>) -> Self {
        Self { consumer: consumer.into() }
    }

    /// The blocked keys.
    pub async fn blocked<C: ConnectionTrait>(&self, db: &C) -> Result<HashMap<String, KeyState>, DbErr> {
        let rows = parked_key::Entity::find()
            .filter(parked_key::Column::Consumer.eq(&self.consumer))
            .all(db)
            .await?;
        rows.into_iter().map(|row| Ok((row.key, KeyState::of(&row.state)?))).collect()
    }

    /// The blocked keys, and why each is.
    pub async fn reasons<C: ConnectionTrait>(&self, db: &C) -> Result<BTreeMap<String, String>, DbErr> {
        let rows = parked_key::Entity::find()
            .filter(parked_key::Column::Consumer.eq(&self.consumer))
            .all(db)
            .await?;
        Ok(rows.into_iter().map(|row| (row.key, row.reason)).collect())
    }

    /// Parks events, oldest first, of one or several keys. A key that is not blocked yet becomes parked with `reason`
    /// after so many `attempts`; of one that is, the events are appended. Parking an event twice is parking it once.
    pub async fn park<C: StoreConnection>(
        &self,
        db: &C,
        events: &[&WireEvent],
        reason: &str,
        attempts: i32,
        now: Timestamp,
    ) -> Result<(), DbErr> {
        let mut seen = HashSet::new();
        let fresh = events.iter().filter(|event| seen.insert(event.key.as_str()));
        self.block(db, fresh.map(|event| (event.key.as_str(), reason)), attempts, now).await?;
        self.append(db, events, now).await
    }

    /// Blocks keys, each given once with its reason, after so many `attempts`; one that is blocked already stays as
    /// it is. The events that stopped them are appended by the same transaction: a key without events is not blocked.
    pub(crate) async fn block<'a, C: ConnectionTrait>(
        &self,
        db: &C,
        keys: impl Iterator<Item = (&'a str, &'a str)>,
        attempts: i32,
        now: Timestamp,
    ) -> Result<(), DbErr> {
        let keys: Vec<_> = keys
            .map(|(key, reason)| parked_key::ActiveModel {
                consumer: ActiveValue::Set(self.consumer.clone()),
                key: ActiveValue::Set(key.to_owned()),
                state: ActiveValue::Set(event::PARKED.to_owned()),
                reason: ActiveValue::Set(reason.to_owned()),
                attempts: ActiveValue::Set(attempts),
                parked_time: ActiveValue::Set(clock::to_micros(now)),
            })
            .collect();
        let unless_blocked = OnConflict::columns([parked_key::Column::Consumer, parked_key::Column::Key])
            .do_nothing()
            .to_owned();
        for keys in keys.chunks(KEYS_AT_ONCE) {
            parked_key::Entity::insert_many(keys.to_vec())
                .on_conflict(unless_blocked.clone())
                .exec_without_returning(db)
                .await?;
        }
        Ok(())
    }

    /// Appends later events of keys that are blocked, oldest first.
    pub async fn append<C: StoreConnection>(
        &self,
        db: &C,
        events: &[&WireEvent],
        now: Timestamp,
    ) -> Result<(), DbErr> {
        let row = |event: &&WireEvent| event::row_of(&self.consumer, event, now);
        let rows: Vec<_> = events.iter().map(row).collect();
        Table::<parked_event::Entity>::default().upsert(db, &rows).await
    }

    /// The same with events as a feed sent them; only their envelopes need to be readable.
    pub(crate) async fn append_encoded<C: StoreConnection>(
        &self,
        db: &C,
        events: &[Bytes],
        now: Timestamp,
    ) -> Result<(), DbErr> {
        let row = |bytes| event::row_of_encoded(&self.consumer, bytes, now);
        let rows = events.iter().map(row).collect::<Result<Vec<_>, _>>()?;
        Table::<parked_event::Entity>::default().upsert(db, &rows).await
    }

    /// The oldest parked event of a key.
    pub(crate) async fn first<C: ConnectionTrait>(
        &self,
        db: &C,
        key: &str,
    ) -> Result<Option<ParkedEvent>, DbErr> {
        Ok(self.list(db, Some(key), 0, 1).await?.pop())
    }

    /// At most `limit` parked events after a position, oldest first; of one key, or of all.
    pub async fn list<C: ConnectionTrait>(
        &self,
        db: &C,
        key: Option<&str>,
        after: i64,
        limit: u64,
    ) -> Result<Vec<ParkedEvent>, DbErr> {
        let mut query = parked_event::Entity::find()
            .filter(parked_event::Column::Consumer.eq(&self.consumer))
            .filter(parked_event::Column::Position.gt(after));
        if let Some(key) = key {
            query = query.filter(parked_event::Column::Key.eq(key));
        }
        let rows = query.order_by_asc(parked_event::Column::Position).limit(limit).all(db).await?;
        self.with_keys(db, rows).await
    }

    /// Position and bytes of the oldest parked event of each of the keys, oldest first.
    pub async fn next_of<C: ConnectionTrait>(
        &self,
        db: &C,
        keys: &[&str],
    ) -> Result<Vec<(i64, usize)>, DbErr> {
        let mut next = Vec::new();
        for keys in keys.chunks(KEYS_AT_ONCE) {
            let firsts = parked_event::Entity::find()
                .select_only()
                .column_as(parked_event::Column::Position.min(), "first")
                .filter(parked_event::Column::Consumer.eq(&self.consumer))
                .filter(parked_event::Column::Key.is_in(keys.iter().copied()))
                .group_by(parked_event::Column::Key);
            let firsts: Vec<i64> = firsts.into_tuple().all(db).await?;
            let lengths = self.at(firsts).select_only().column(parked_event::Column::Position);
            let lengths = lengths.expr(Expr::cust("CAST(LENGTH(bytes) AS BIGINT)"));
            let lengths: Vec<(i64, i64)> = lengths.into_tuple().all(db).await?;
            next.extend(
                lengths.into_iter().map(|(position, bytes)| (position, bytes.unsigned_abs() as usize)),
            );
        }
        next.sort_unstable();
        Ok(next)
    }

    /// The parked events at positions, oldest first.
    pub async fn events_at<C: ConnectionTrait>(
        &self,
        db: &C,
        positions: Vec<i64>,
    ) -> Result<Vec<ParkedEvent>, DbErr> {
        if positions.is_empty() {
            return Ok(Vec::new());
        }
        let rows = self.at(positions).order_by_asc(parked_event::Column::Position).all(db).await?;
        self.with_keys(db, rows).await
    }

    /// How much is parked.
    pub async fn usage<C: ConnectionTrait>(&self, db: &C) -> Result<Usage, DbErr> {
        const EVENTS: &str = "SELECT COUNT(*) AS events, \
             CAST(COALESCE(SUM(LENGTH(bytes)), 0) AS BIGINT) AS bytes FROM parked_events WHERE consumer = $1";
        let keys = parked_key::Entity::find().filter(parked_key::Column::Consumer.eq(&self.consumer));
        let keys = keys.count(db).await?;
        let values = [self.consumer.as_str().into()];
        let statement = Statement::from_sql_and_values(db.get_database_backend(), EVENTS, values);
        let row = db.query_one_raw(statement).await?;
        let row = row.ok_or_else(|| DbErr::RecordNotFound("an aggregate has a row".to_owned()))?;
        let count = |column| Ok::<_, DbErr>(row.try_get::<i64>("", column)?.unsigned_abs());
        Ok(Usage { keys, events: count("events")?, bytes: count("bytes")? })
    }

    /// Lets keys be replayed, or all that are blocked. Gives those that are now, which leaves out what is not blocked.
    pub async fn start_replay<C: ConnectionTrait>(
        &self,
        db: &C,
        keys: Option<&[String]>,
    ) -> Result<Vec<String>, DbErr> {
        let Some(keys) = keys else {
            parked_key::Entity::update_many()
                .col_expr(parked_key::Column::State, Expr::value(event::REPLAYING))
                .filter(parked_key::Column::Consumer.eq(&self.consumer))
                .exec(db)
                .await?;
            return Ok(self.blocked(db).await?.into_keys().collect());
        };
        let mut found = Vec::new();
        for keys in keys.chunks(KEYS_AT_ONCE) {
            let among = parked_key::Column::Key.is_in(keys);
            parked_key::Entity::update_many()
                .col_expr(parked_key::Column::State, Expr::value(event::REPLAYING))
                .filter(parked_key::Column::Consumer.eq(&self.consumer))
                .filter(among.clone())
                .exec(db)
                .await?;
            found.extend(self.existing(db, among).await?);
        }
        Ok(found)
    }

    /// Removes events that were replayed, by their positions, and unblocks the keys of which nothing is left. Gives
    /// those keys.
    pub async fn remove<C: ConnectionTrait>(&self, db: &C, positions: &[i64]) -> Result<Vec<String>, DbErr> {
        let mut keys = HashSet::new();
        for positions in positions.chunks(KEYS_AT_ONCE) {
            let of: Vec<String> = self
                .at(positions.to_vec())
                .select_only()
                .column(parked_event::Column::Key)
                .into_tuple()
                .all(db)
                .await?;
            keys.extend(of);
            parked_event::Entity::delete_many()
                .filter(parked_event::Column::Consumer.eq(&self.consumer))
                .filter(parked_event::Column::Position.is_in(positions.iter().copied()))
                .exec(db)
                .await?;
        }
        self.unblock(db, keys.into_iter().collect()).await
    }

    /// Throws away a key's events, all or up to and with a position, and unblocks it when nothing is left.
    pub async fn discard<C: ConnectionTrait>(
        &self,
        db: &C,
        key: &str,
        up_to: Option<i64>,
    ) -> Result<Discarded, DbErr> {
        let deleted = parked_event::Entity::delete_many()
            .filter(parked_event::Column::Consumer.eq(&self.consumer))
            .filter(parked_event::Column::Key.eq(key))
            .filter(parked_event::Column::Position.lte(up_to.unwrap_or(i64::MAX)))
            .exec(db)
            .await?;
        let unblocked = !self.unblock(db, vec![key.to_owned()]).await?.is_empty();
        Ok(Discarded { events: deleted.rows_affected, unblocked })
    }

    /// Parks a key again whose replay failed after so many more attempts, with the new reason. False when it is not blocked.
    pub async fn park_again<C: StoreConnection>(
        &self,
        db: &C,
        key: &str,
        reason: &str,
        attempts: i32,
    ) -> Result<bool, DbErr> {
        let attempts = Expr::col(parked_key::Column::Attempts).add(attempts);
        let updated = parked_key::Entity::update_many()
            .col_expr(parked_key::Column::State, Expr::value(event::PARKED))
            .col_expr(parked_key::Column::Reason, Expr::value(reason))
            .col_expr(parked_key::Column::Attempts, attempts)
            .filter(parked_key::Column::Consumer.eq(&self.consumer))
            .filter(parked_key::Column::Key.eq(key))
            .exec(db)
            .await?;
        Ok(updated.rows_affected > 0)
    }

    /// Forgets everything that the consumer has parked, as when it begins anew.
    pub async fn clear<C: ConnectionTrait>(&self, db: &C) -> Result<(), DbErr> {
        let events = parked_event::Column::Consumer.eq(&self.consumer);
        parked_event::Entity::delete_many().filter(events).exec(db).await?;
        let keys = parked_key::Column::Consumer.eq(&self.consumer);
        parked_key::Entity::delete_many().filter(keys).exec(db).await?;
        Ok(())
    }

    fn at(&self, positions: Vec<i64>) -> sea_orm::Select<parked_event::Entity> {
        parked_event::Entity::find()
            .filter(parked_event::Column::Consumer.eq(&self.consumer))
            .filter(parked_event::Column::Position.is_in(positions))
    }

    async fn existing<C: ConnectionTrait>(&self, db: &C, among: Expr) -> Result<Vec<String>, DbErr> {
        parked_key::Entity::find()
            .select_only()
            .column(parked_key::Column::Key)
            .filter(parked_key::Column::Consumer.eq(&self.consumer))
            .filter(among)
            .into_tuple()
            .all(db)
            .await
    }

    /// Removes those of the keys that have no event left, and gives them.
    async fn unblock<C: ConnectionTrait>(&self, db: &C, keys: Vec<String>) -> Result<Vec<String>, DbErr> {
        let mut unblocked = Vec::new();
        for keys in keys.chunks(KEYS_AT_ONCE) {
            let left: Vec<String> = parked_event::Entity::find()
                .select_only()
                .column(parked_event::Column::Key)
                .distinct()
                .filter(parked_event::Column::Consumer.eq(&self.consumer))
                .filter(parked_event::Column::Key.is_in(keys))
                .into_tuple()
                .all(db)
                .await?;
            let gone: Vec<_> = keys.iter().filter(|key| !left.contains(*key)).cloned().collect();
            let among = parked_key::Column::Key.is_in(&gone);
            let blocked = self.existing(db, among.clone()).await?;
            parked_key::Entity::delete_many()
                .filter(parked_key::Column::Consumer.eq(&self.consumer))
                .filter(among)
                .exec(db)
                .await?;
            unblocked.extend(blocked);
        }
        Ok(unblocked)
    }

    async fn with_keys<C: ConnectionTrait>(
        &self,
        db: &C,
        rows: Vec<parked_event::Model>,
    ) -> Result<Vec<ParkedEvent>, DbErr> {
        let names: HashSet<&str> = rows.iter().map(|row| row.key.as_str()).collect();
        let keys = parked_key::Entity::find()
            .filter(parked_key::Column::Consumer.eq(&self.consumer))
            .filter(parked_key::Column::Key.is_in(names))
            .all(db)
            .await?;
        let keys: HashMap<_, _> = keys.into_iter().map(|key| (key.key.clone(), key)).collect();
        // A key without a row was unblocked between the two reads: its events are gone.
        let with_key = |row: parked_event::Model| Some(event::of(keys.get(&row.key)?, row));
        rows.into_iter().filter_map(with_key).collect()
    }
}
