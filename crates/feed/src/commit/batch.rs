//! One batch of the committer: deduplicate, load, decide, write, commit, publish, answer.

use std::collections::HashMap;
use std::time::Duration;

use ordermesh_kernel::{Clock, EventId, clock};
use sea_orm::sea_query::Value;
use sea_orm::{ConnectionTrait, DatabaseConnection, DatabaseTransaction, DbErr, FromQueryResult, Statement};
use uuid::Uuid;

use super::job::{Job, Outcome};
use super::{CommandIdentity, UnitOfWork};
use crate::event::{Cause, LoggedEvent, NewEvent, WireEvent};
use crate::log::{EventLog, FeedSource};
use crate::store::{Table, WriteTransaction, event, idempotency, is_transient};
use crate::token::LogPosition;

type Jobs<U> = Vec<Box<dyn Job<U>>>;

/// What a batch does with one of its jobs.
enum Fate {
    /// Known before this batch.
    Known(idempotency::Model),
    /// Accepted; its record is this one of the batch.
    Accepted(usize),
    /// Same request_id as an accepted one of this batch.
    Follows(usize),
    Refused,
}

pub(super) struct Batch<'a> {
    writer: &'a DatabaseConnection,
    log: &'a EventLog,
    clock: &'a dyn Clock,
}

/// What is decided and not yet written.
#[derive(Default)]
struct Decided {
    events: Vec<Staged>,
    records: Vec<idempotency::Model>,
}

/// The records and the events of a batch, as they are in the database.
type Written = (Vec<idempotency::Model>, Vec<WireEvent>);

/// An event that waits for its position, with the record of the command that decided it.
struct Staged {
    record: usize,
    cause: Cause,
    event: NewEvent,
}

impl<'a> Batch<'a> {
    pub fn new(writer: &'a DatabaseConnection, log: &'a EventLog, clock: &'a dyn Clock) -> Self {
        Self { writer, log, clock }
    }

    /// Carries out the jobs together. When the database refuses what should be right, one by one, so that a bad
    /// command fails alone.
    pub async fn run<U: UnitOfWork>(&self, mut jobs: Jobs<U>) {
        if jobs.is_empty() {
            return;
        }
        let error = match self.attempt(&mut jobs).await {
            Ok((fates, records)) => return answer(jobs, fates, &records, self.log),
            Err(error) => error,
        };
        if is_transient(&error) {
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

    async fn attempt<U: UnitOfWork>(
        &self,
        jobs: &mut Jobs<U>,
    ) -> Result<(Vec<Fate>, Vec<idempotency::Model>), DbErr> {
        let tx = WriteTransaction::begin(self.writer).await?;
        let written = match self.attempt_in(&tx, jobs).await {
            Ok((fates, None)) => {
                tx.undo().await;
                return Ok((fates, Vec::new()));
            }
            Ok((fates, Some(written))) => Ok((fates, written)),
            Err(error) => Err(error),
        };
        let (fates, (records, wire)) = tx.end(written).await?;
        self.log.publish(wire);
        Ok((fates, records))
    }

    /// What becomes of each job, and what was written; `None` when no job was accepted.
    async fn attempt_in<U: UnitOfWork>(
        &self,
        tx: &DatabaseTransaction,
        jobs: &mut Jobs<U>,
    ) -> Result<(Vec<Fate>, Option<Written>), DbErr> {
        let keys: Vec<[u8; 32]> = jobs.iter().map(|job| job.identity().key()).collect();
        let known = known_records(tx, &keys).await?;
        let fresh = jobs.iter().zip(&keys).filter(|(_, key)| !known.contains_key(key.as_slice()));
        let wants = fresh.flat_map(|(job, _)| job.wants()).collect();
        let mut unit = U::load(tx, wants).await?;

        let (fates, decided) = self.decide(jobs, &keys, &known, &mut unit);
        if decided.records.is_empty() {
            return Ok((fates, None));
        }
        unit.store(tx).await?;
        Ok((fates, Some(self.append(tx, decided).await?)))
    }

    fn decide<U: UnitOfWork>(
        &self,
        jobs: &mut Jobs<U>,
        keys: &[[u8; 32]],
        known: &HashMap<Vec<u8>, idempotency::Model>,
        unit: &mut U,
    ) -> (Vec<Fate>, Decided) {
        let now = self.clock.now();
        let mut decided = Decided::default();
        let mut accepted: HashMap<[u8; 32], usize> = HashMap::new();
        let mut fates = Vec::with_capacity(jobs.len());
        for (job, key) in jobs.iter_mut().zip(keys) {
            let fate = if let Some(record) = known.get(key.as_slice()) {
                Fate::Known(record.clone())
            } else if let Some(record) = accepted.get(key) {
                Fate::Follows(*record)
            } else if job.decide(unit, now) {
                let record = decided.records.len();
                let cause = &job.identity().cause;
                let staged = |event| Staged { record, cause: cause.clone(), event };
                decided.events.extend(unit.take_events().into_iter().map(staged));
                decided.records.push(idempotency::Model {
                    id: key.to_vec(),
                    request_id: job.identity().request_id.clone(),
                    fingerprint: job.identity().fingerprint.to_vec(),
                    answer: job.answer(),
                    position: 0,
                    event_id: Uuid::nil(),
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

    /// Gives positions, writes events and idempotency records. The head's row lock lives from here to the commit.
    async fn append(&self, tx: &DatabaseTransaction, decided: Decided) -> Result<Written, DbErr> {
        let Decided { events, mut records } = decided;
        let now = clock::to_micros(self.clock.now());
        let head = advance_head(tx, events.len() as i64, now).await?;
        let recorded =
            clock::from_micros(head.recorded_time).map_err(|error| DbErr::Type(error.to_string()))?;

        let (mut rows, mut wire) = (Vec::with_capacity(events.len()), Vec::with_capacity(events.len()));
        let first = head.position - events.len() as i64 + 1;
        self.log.expect_next(first, tx.get_database_backend())?;
        for (position, Staged { record, cause, event }) in (first..).zip(events) {
            let record = &mut records[record];
            let id = EventId::new_v7(recorded);
            (record.position, record.event_id) = (position, *id.as_uuid());
            let kind = self.log.schema().event(event.kind).ok_or_else(|| {
                DbErr::Type(format!("{} is not an event of this feed's contract", event.kind))
            })?;
            let logged = LoggedEvent { position, id, recorded, cause, event };
            let wire_event = WireEvent::new(&logged, kind);
            rows.push(row(logged, wire_event.key_hash));
            wire.push(wire_event);
        }
        Table::<event::Entity>::default().insert(tx, &rows).await?;
        Table::<idempotency::Entity>::default().insert(tx, &records).await?;
        Ok((records, wire))
    }
}

async fn known_records(
    tx: &DatabaseTransaction,
    keys: &[[u8; 32]],
) -> Result<HashMap<Vec<u8>, idempotency::Model>, DbErr> {
    let values = keys.iter().map(|key| Value::from(key.to_vec()));
    let records =
        Table::<idempotency::Entity>::default().find_in(tx, idempotency::Column::Id, values).await?;
    Ok(records.into_iter().map(|record| (record.id.clone(), record)).collect())
}

#[derive(FromQueryResult)]
struct Head {
    position: i64,
    recorded_time: i64,
}

/// Moves the head by `count` events; its time never goes back, whatever the clock does.
async fn advance_head(tx: &DatabaseTransaction, count: i64, now: i64) -> Result<Head, DbErr> {
    const ADVANCE: &str = "UPDATE log_head SET position = position + $1, \
         recorded_time = CASE WHEN recorded_time > $2 THEN recorded_time ELSE $2 END \
         WHERE id = 1 RETURNING position, recorded_time";
    let statement =
        Statement::from_sql_and_values(tx.get_database_backend(), ADVANCE, [count.into(), now.into()]);
    let row = tx.query_one_raw(statement).await?;
    let row = row.ok_or_else(|| DbErr::RecordNotFound("log_head has no row".to_owned()))?;
    Head::from_query_result(&row, "")
}

fn row(logged: LoggedEvent, key_hash: u64) -> event::Model {
    let LoggedEvent { position, id, recorded, cause, event } = logged;
    event::Model {
        position,
        event_id: *id.as_uuid(),
        kind: event.kind.to_owned(),
        schema_version: event.schema_version,
        key: event.key,
        key_revision: event.key_revision,
        key_hash: key_hash.cast_signed(),
        occurred_time: clock::to_micros(event.occurred),
        recorded_time: clock::to_micros(recorded),
        correlation_id: cause.correlation_id,
        causation_id: cause.causation_id,
        traceparent: cause.traceparent,
        payload: event.payload,
        personal: event.personal,
    }
}

fn answer<U: UnitOfWork>(jobs: Jobs<U>, fates: Vec<Fate>, records: &[idempotency::Model], log: &EventLog) {
    for (job, fate) in jobs.into_iter().zip(fates) {
        let outcome = match &fate {
            Fate::Known(record) => repeat(job.identity(), record, log),
            Fate::Follows(record) => repeat(job.identity(), &records[*record], log),
            Fate::Accepted(record) => Outcome::Committed(place(&records[*record], log)),
            Fate::Refused => Outcome::Refused,
        };
        job.finish(outcome);
    }
}

fn repeat(identity: &CommandIdentity, record: &idempotency::Model, log: &EventLog) -> Outcome {
    match record.fingerprint == identity.fingerprint {
        true => Outcome::Replayed(record.answer.clone(), place(record, log)),
        false => Outcome::RequestIdReused,
    }
}

fn place(record: &idempotency::Model, log: &EventLog) -> LogPosition {
    log.place(record.position, Some(EventId::from(record.event_id)))
}
