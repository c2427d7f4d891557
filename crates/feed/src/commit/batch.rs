//! One batch of the committer: deduplicate, load, decide, write, commit, publish, answer.

use std::collections::HashMap;
use std::sync::atomic::{AtomicU32, Ordering};
use std::time::Duration;

use ordermesh_kernel::{Clock, EventId, clock};
use sea_orm::sea_query::Value;
use sea_orm::{
    ColumnTrait, ConnectionTrait, DatabaseConnection, DbBackend, DbErr, EntityTrait, JoinType, QueryFilter,
    QuerySelect,
};
use uuid::Uuid;

use super::job::{Job, Outcome};
use super::{CommandIdentity, UnitOfWork};
use crate::event::{Cause, LoggedEvent, NewEvent, WireEvent, key_hash};
use crate::log::{EventLog, FeedSource};
use crate::store::{Failure, Table, WriteTransaction, Writes, append, event, idempotency, within_on};
use crate::token::LogPosition;

/// How often a batch is tried again at once: another writer was faster, or a connection of the pool was dead.
const RETRIES: u32 = 8;

/// Batches that look request_ids up before they claim them, after one that met a claimed one.
const LOOKS: u32 = 32;

type Jobs<U> = Vec<Box<dyn Job<U>>>;
type Key = [u8; 32];

/// What a batch does with one of its jobs.
enum Fate {
    /// Known before this batch.
    Known(Known),
    /// Accepted; its record is this one of the batch.
    Accepted(usize),
    /// Same request_id as an accepted one of this batch.
    Follows(usize),
    Refused,
}

/// What an earlier batch has committed.
#[derive(Clone)]
struct Known {
    record: idempotency::Model,
    place: LogPosition,
}

pub(super) struct Batch<'a> {
    writer: &'a DatabaseConnection,
    log: &'a EventLog,
    clock: &'a dyn Clock,
    /// So many more batches look first.
    looks: AtomicU32,
}

/// What is decided and not yet written.
#[derive(Default)]
struct Decided {
    events: Vec<Staged>,
    records: Vec<idempotency::Model>,
}

/// An event that waits for its position, with the record of the command that decided it.
struct Staged {
    record: usize,
    cause: Cause,
    event: NewEvent,
}

/// What a batch has written: its records with the places of their newest events, and all its events.
#[derive(Default)]
struct Written {
    records: Vec<Known>,
    events: Vec<WireEvent>,
}

impl<'a> Batch<'a> {
    pub fn new(writer: &'a DatabaseConnection, log: &'a EventLog, clock: &'a dyn Clock) -> Self {
        Self { writer, log, clock, looks: AtomicU32::new(0) }
    }

    /// Carries out the jobs together. When the database refuses what should be right, one by one, so that a bad
    /// command fails alone.
    pub async fn run<U: UnitOfWork>(&self, mut jobs: Jobs<U>) {
        let error = match self.attempts(&mut jobs).await {
            Ok((fates, written)) => return answer(jobs, fates, &written.records),
            Err(error) => error,
        };
        let failure = Failure::of(&error);
        // A conflict that a single command could not get past in all its attempts: others are in its way just now.
        let in_the_way = failure == Failure::Conflict && jobs.len() == 1;
        if in_the_way || matches!(failure, Failure::Disconnected | Failure::Unavailable) {
            tracing::warn!(%error, commands = jobs.len(), "the database cannot take commands");
            jobs.into_iter().for_each(|job| job.finish(Outcome::Unavailable));
            // Without this pause a database that fails fast would have every retry fail at once.
            tokio::time::sleep(Duration::from_millis(20)).await;
        } else if jobs.len() == 1 {
            tracing::error!(%error, "a command could not be written");
            jobs.into_iter().for_each(|job| job.finish(Outcome::Internal(error.to_string())));
        } else {
            tracing::error!(%error, commands = jobs.len(), "a batch could not be written; trying one by one");
            for job in jobs {
                Box::pin(self.run(vec![job])).await;
            }
        }
    }

    /// Tries until the batch is written or cannot be. A batch whose connection broke during the commit may be
    /// durable or not: trying again is safe, since its idempotency records are either found or claimed anew, and
    /// a commit that is still under way holds them until it is decided.
    async fn attempts<U: UnitOfWork>(&self, jobs: &mut Jobs<U>) -> Result<(Vec<Fate>, Written), DbErr> {
        let (mut failures, mut in_doubt) = (0, false);
        let mut look = self.looks_first();
        loop {
            // A commit of SQLite's that nobody waits for would leave us with a head that is not the log's.
            let backend = self.writer.get_database_backend();
            let error = match within_on(backend, self.log.patience(), self.attempt(jobs, look)).await {
                Ok(done) => return Ok(done),
                Err(error) => error,
            };
            failures += 1;
            let again = matches!(Failure::of(&error), Failure::Disconnected | Failure::Conflict);
            in_doubt |= Failure::of(&error) != Failure::Conflict;
            if !in_doubt {
                // Else an earlier call's answer that happens to be the same would pass for this call's own.
                jobs.iter_mut().for_each(|job| job.forget());
            }
            if !again || failures > RETRIES {
                return Err(error);
            }
            tracing::info!(%error, commands = jobs.len(), "a batch is tried again");
            look = true;
            self.looks.store(LOOKS, Ordering::Relaxed);
        }
    }

    /// Whether the next batch looks request_ids and unique names up before it claims them. Hardly any is taken, and the
    /// claim itself is the guard: looking first costs PostgreSQL two round trips, which only batches around a
    /// repeated request are worth. On SQLite a look costs less than an attempt in vain.
    fn looks_first(&self) -> bool {
        let spend = |left: u32| left.checked_sub(1);
        self.writer.get_database_backend() != DbBackend::Postgres
            || self.looks.fetch_update(Ordering::Relaxed, Ordering::Relaxed, spend).is_ok()
    }

    async fn attempt<U: UnitOfWork>(
        &self,
        jobs: &mut Jobs<U>,
        look: bool,
    ) -> Result<(Vec<Fate>, Written), DbErr> {
        let tx = WriteTransaction::begin(self.writer).await?;
        let written = match self.attempt_in(&tx, jobs, look).await {
            Ok((fates, None)) => {
                tx.undo().await;
                return Ok((fates, Written::default()));
            }
            Ok((fates, Some(written))) => Ok((fates, written)),
            Err(error) => Err(error),
        };
        let (fates, mut written) = tx.end(written).await?;
        let events = std::mem::take(&mut written.events);
        if !events.is_empty() {
            self.log.publish(events);
        }
        Ok((fates, written))
    }

    /// What becomes of each job, and what was written; `None` when no job was accepted.
    async fn attempt_in<U: UnitOfWork>(
        &self,
        tx: &WriteTransaction,
        jobs: &mut Jobs<U>,
        look: bool,
    ) -> Result<(Vec<Fate>, Option<Written>), DbErr> {
        let keys: Vec<Key> = jobs.iter().map(|job| job.identity().key()).collect();
        let known = if look { self.known(tx, &keys).await? } else { HashMap::new() };
        if !known.is_empty() {
            self.looks.store(LOOKS, Ordering::Relaxed);
        }
        let fresh = jobs.iter().zip(&keys).filter(|(_, key)| !known.contains_key(*key));
        let wants = fresh.flat_map(|(job, _)| job.wants()).filter(|want| look || !U::is_guarded(want));
        let mut unit = U::load(tx, wants.collect()).await?;

        let (mut fates, decided) = self.decide(jobs, &keys, &known, &mut unit);
        self.judge_refusals_again(tx, &keys, &mut fates).await?;
        if decided.records.is_empty() {
            return Ok((fates, None));
        }
        let mut writes = Writes::default();
        claim(&mut writes, &decided.records)?;
        unit.store(&mut writes)?;
        writes.run(tx).await?;
        Ok((fates, Some(self.append(tx, decided).await?)))
    }

    /// A refusal may come of the very same command: it was carried out before, and nobody has looked; or by another
    /// replica, or an attempt whose commit was not answered, which became visible between the look and the load.
    async fn judge_refusals_again(
        &self,
        tx: &WriteTransaction,
        keys: &[Key],
        fates: &mut [Fate],
    ) -> Result<(), DbErr> {
        if tx.get_database_backend() == DbBackend::Sqlite {
            return Ok(());
        }
        let refused = fates.iter().zip(keys).filter(|(fate, _)| matches!(fate, Fate::Refused));
        let refused: Vec<Key> = refused.map(|(_, key)| *key).collect();
        let known = self.known(tx, &refused).await?;
        for (fate, key) in fates.iter_mut().zip(keys) {
            // Two callers may have asked under one request_id: both get the answer.
            if matches!(fate, Fate::Refused)
                && let Some(known) = known.get(key)
            {
                *fate = Fate::Known(known.clone());
            }
        }
        Ok(())
    }

    fn decide<U: UnitOfWork>(
        &self,
        jobs: &mut Jobs<U>,
        keys: &[Key],
        known: &HashMap<Key, Known>,
        unit: &mut U,
    ) -> (Vec<Fate>, Decided) {
        let now = self.clock.now();
        let mut decided = Decided::default();
        let mut accepted: HashMap<Key, usize> = HashMap::new();
        let mut fates = Vec::with_capacity(jobs.len());
        for (job, key) in jobs.iter_mut().zip(keys) {
            let fate = if let Some(known) = known.get(key) {
                Fate::Known(known.clone())
            } else if let Some(record) = accepted.get(key) {
                Fate::Follows(*record)
            } else if job.decide(unit, now) {
                let record = decided.records.len();
                let cause = &job.identity().cause;
                let staged = |event| Staged { record, cause: cause.clone(), event };
                let events = unit.take_events();
                let newest = events.last().map(|event| (event.key.clone(), event.key_revision));
                let (event_key, event_key_revision) = newest.unwrap_or_default();
                decided.events.extend(events.into_iter().map(staged));
                decided.records.push(idempotency::Model {
                    id: key.to_vec(),
                    request_id: job.identity().request_id.clone(),
                    fingerprint: job.identity().fingerprint.to_vec(),
                    answer: job.answer(),
                    event_key,
                    event_key_revision,
                    recorded_time: clock::to_micros(now),
                });
                accepted.insert(*key, record);
                Fate::Accepted(record)
            } else {
                Fate::Refused
            };
            fates.push(fate);
        }
        (fates, decided)
    }

    /// Gives positions and writes events. The head's row lock lives from here to the commit; where there is nothing to
    /// tell, nobody waits for it.
    async fn append(&self, tx: &WriteTransaction, decided: Decided) -> Result<Written, DbErr> {
        let nowhere = self.log.place(0, None);
        let known = |record| Known { record, place: nowhere };
        let mut records: Vec<Known> = decided.records.into_iter().map(known).collect();
        if decided.events.is_empty() {
            return Ok(Written { records, events: Vec::new() });
        }
        let now = self.clock.now();
        let mut staged = Vec::with_capacity(decided.events.len());
        let mut rows = Vec::with_capacity(decided.events.len());
        for (number, Staged { record, cause, event }) in (1..).zip(decided.events) {
            let kind = self.log.schema().event(event.kind).ok_or_else(|| {
                DbErr::Type(format!("{} is not an event of this feed's contract", event.kind))
            })?;
            let (id, key_hash) = (EventId::new_v7(now), key_hash(&event.key));
            let logged = LoggedEvent { position: number, id, recorded: now, key_hash, cause, event };
            rows.push(row(&logged));
            staged.push((record, kind, logged));
        }
        let count = rows.len() as i64;
        let head = append(tx, clock::to_micros(now), rows).await?;
        let recorded =
            clock::from_micros(head.recorded_time).map_err(|error| DbErr::Type(error.to_string()))?;
        let before = head.position - count;
        self.log.expect_next(before + 1, tx.get_database_backend())?;

        let mut events = Vec::with_capacity(staged.len());
        for (record, kind, mut logged) in staged {
            logged.position += before;
            logged.recorded = recorded;
            records[record].place = self.log.place(logged.position, Some(logged.id));
            events.push(WireEvent::new(logged, kind));
        }
        Ok(Written { records, events })
    }

    /// What is known of the keys, with the places of the events that came of it.
    async fn known(&self, tx: &WriteTransaction, keys: &[Key]) -> Result<HashMap<Key, Known>, DbErr> {
        let values = keys.iter().map(|key| Value::from(key.to_vec()));
        let records =
            Table::<idempotency::Entity>::default().find_in(tx, idempotency::Column::Id, values).await?;
        if records.is_empty() {
            return Ok(HashMap::new());
        }
        let places = self.places(tx, &records).await?;
        let known = |record: idempotency::Model| {
            let key = record.id.as_slice().try_into().ok()?;
            let event = (record.event_key.clone(), record.event_key_revision);
            // An event that was truncated has been seen by all: there is nothing to wait for.
            let place = places.get(&event).copied().unwrap_or_else(|| self.log.place(0, None));
            Some((key, Known { record, place }))
        };
        Ok(records.into_iter().filter_map(known).collect())
    }

    /// The places of the records' newest events, by key and key revision.
    async fn places(
        &self,
        tx: &WriteTransaction,
        records: &[idempotency::Model],
    ) -> Result<HashMap<(String, i64), LogPosition>, DbErr> {
        let newest = event::Entity::belongs_to(idempotency::Entity)
            .from((event::Column::Key, event::Column::KeyRevision))
            .to((idempotency::Column::EventKey, idempotency::Column::EventKeyRevision))
            .into();
        let rows: Vec<(String, i64, i64, Uuid)> = event::Entity::find()
            .select_only()
            .columns([event::Column::Key, event::Column::KeyRevision])
            .columns([event::Column::Position, event::Column::EventId])
            .join(JoinType::InnerJoin, newest)
            .filter(idempotency::Column::Id.is_in(records.iter().map(|record| record.id.clone())))
            .into_tuple()
            .all(tx)
            .await?;
        let place = |(key, revision, position, id)| {
            ((key, revision), self.log.place(position, Some(EventId::from(id))))
        };
        Ok(rows.into_iter().map(place).collect())
    }
}

/// Claims the idempotency records, in the order of their keys: writers that claim the same ones do it in the same order
/// and cannot wait for each other. A key that another one has claimed meanwhile is a conflict of the batch.
fn claim(writes: &mut Writes, records: &[idempotency::Model]) -> Result<(), DbErr> {
    let mut records = records.to_vec();
    records.sort_unstable_by(|one, other| one.id.cmp(&other.id));
    writes.insert(&Table::<idempotency::Entity>::default(), records)
}

fn row(logged: &LoggedEvent) -> event::Model {
    let LoggedEvent { cause, event, .. } = logged;
    event::Model {
        position: logged.position,
        event_id: *logged.id.as_uuid(),
        kind: event.kind.to_owned(),
        schema_version: event.schema_version,
        key: event.key.clone(),
        key_revision: event.key_revision,
        key_hash: logged.key_hash.cast_signed(),
        occurred_time: clock::to_micros(event.occurred),
        recorded_time: clock::to_micros(logged.recorded),
        correlation_id: cause.correlation_id.clone(),
        causation_id: cause.causation_id.clone(),
        traceparent: cause.traceparent.clone(),
        payload: event.payload.clone(),
        personal: event.personal.clone(),
    }
}

fn answer<U: UnitOfWork>(jobs: Jobs<U>, fates: Vec<Fate>, written: &[Known]) {
    for (job, fate) in jobs.into_iter().zip(fates) {
        let outcome = match &fate {
            Fate::Known(known) => repeat(job.identity(), known),
            Fate::Follows(record) => repeat(job.identity(), &written[*record]),
            Fate::Accepted(record) => Outcome::Committed(written[*record].place),
            Fate::Refused => Outcome::Refused,
        };
        job.finish(outcome);
    }
}

fn repeat(identity: &CommandIdentity, known: &Known) -> Outcome {
    match known.record.fingerprint == identity.fingerprint {
        true => Outcome::Replayed(known.record.answer.clone(), known.place),
        false => Outcome::RequestIdReused,
    }
}
