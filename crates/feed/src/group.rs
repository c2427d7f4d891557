//! Consumer groups: the server keeps how far each share of the keys has come, for clients without a database.
//!
//! All state is in the log's own database, so any replica serves a member's stream or its Acknowledge. A member's row
//! is the lock of everything that its epoch owns: whoever changes deliveries of an epoch updates or locks it first,
//! and whoever takes slots from a member deletes it. Registered subscribers, which keep their own place, report here.
//!
//! # Layout
//! - `plan`: what one turn of a stream does, a pure function
//! - `table`, `rebalance`: membership, slots and deliveries in the database, and how members share them
//! - `request`, `terms`, `page`: what callers may ask, and what a group was made with
//! - `stream`: one member's open stream, from its opening to its end
//! - `acknowledge`, `admin`, `parked`, `subscribers`: the unary methods

mod acknowledge;
mod admin;
mod page;
mod parked;
mod plan;
mod rebalance;
mod request;
mod stream;
mod subscribers;
mod table;
mod terms;

use std::collections::HashMap;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use ordermesh_kernel::Clock;
use ordermesh_proto::common::v1::CommonErrorReason;
use ordermesh_proto::error::Problem;
use ordermesh_proto::feed::v1::FeedErrorReason;
use sea_orm::DbErr;
use tokio::sync::Notify;
use tonic::Code;

use crate::log::PageError;
use crate::parking::{Parking, Usage};
use crate::serve::{page_problem, store_problem};
use crate::store::PatientConnection;

use plan::Full;

pub(crate) use parked::not_parked;
pub(crate) use stream::subscribe;

/// How groups behave.
#[derive(Debug, Clone)]
pub struct GroupSettings {
    /// How long slots stay a member's when nothing renews them.
    pub lease: Duration,
    /// Attempts to deliver an event before its key is parked.
    pub max_attempts: i32,
    /// Wait before the second attempt; doubled for each further one, with jitter.
    pub retry_initial: Duration,
    /// The wait never grows past this, but for the jitter.
    pub retry_max: Duration,
    /// Keys that a group may have parked.
    pub max_parked_keys: u64,
    /// Bytes of events that a group may have parked.
    pub max_parked_bytes: u64,
    /// Bytes of events that a member's stream holds; past them it takes nothing more from the log.
    pub held_bytes: usize,
}

impl Default for GroupSettings {
    fn default() -> Self {
        Self {
            lease: Duration::from_secs(10),
            max_attempts: 5,
            retry_initial: Duration::from_millis(500),
            retry_max: Duration::from_secs(60),
            max_parked_keys: 1000,
            max_parked_bytes: 64 << 20,
            held_bytes: 8 << 20,
        }
    }
}

/// The groups of one log.
#[derive(Clone)]
pub struct Groups {
    writer: PatientConnection,
    reader: PatientConnection,
    settings: GroupSettings,
    clock: Arc<dyn Clock>,
    hub: Arc<Hub>,
}

impl Groups {
    /// The groups in the log's database.
    pub fn new(
        writer: PatientConnection,
        reader: PatientConnection,
        settings: GroupSettings,
        clock: Arc<dyn Clock>,
    ) -> Self {
        Self { writer, reader, settings, clock, hub: Arc::default() }
    }

    /// The same groups as the stream of a member asks for them: in time for another connection to be tried before the lease
    /// ends.
    fn within_a_lease(&self) -> Self {
        let soon = |connections: &PatientConnection| connections.at_most(self.settings.lease / 2);
        Self { writer: soon(&self.writer), reader: soon(&self.reader), ..self.clone() }
    }

    fn parking(group: &str) -> Parking {
        Parking::of(format!("group:{group}"))
    }

    /// What is not to be parked any more. What one turn parks may go past the limit, but only once.
    fn full(&self, usage: Usage) -> Full {
        Full {
            keys: usage.keys >= self.settings.max_parked_keys,
            bytes: usage.bytes >= self.settings.max_parked_bytes,
        }
    }
}

/// Wakes the open streams of a group on this replica. A PostgreSQL NOTIFY of another replica would call
/// [`wake`](Self::wake) too; until then streams poll.
#[derive(Debug, Default)]
struct Hub(Mutex<HashMap<(String, i64), Arc<Notify>>>);

impl Hub {
    fn open(&self, group: &str, epoch: i64) -> Arc<Notify> {
        let mut streams = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        streams.entry((group.to_owned(), epoch)).or_default().clone()
    }

    fn close(&self, group: &str, epoch: i64) {
        self.0.lock().unwrap_or_else(PoisonError::into_inner).remove(&(group.to_owned(), epoch));
    }

    /// Wakes one member's stream.
    fn wake_epoch(&self, group: &str, epoch: i64) {
        let streams = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(notify) = streams.get(&(group.to_owned(), epoch)) {
            notify.notify_one();
        }
    }

    /// Wakes all streams of a group.
    fn wake(&self, group: &str) {
        let streams = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        for (_, notify) in streams.iter().filter(|((name, _), _)| name == group) {
            notify.notify_one();
        }
    }
}

/// Why a group cannot do what was asked.
#[derive(Debug, thiserror::Error)]
enum GroupError {
    #[error(transparent)]
    Store(#[from] DbErr),
    #[error("the group has no such member any more")]
    LeaseLost,
    #[error("the group has parked as much as it may")]
    ParkingFull,
    /// A refusal of the contract.
    #[error("refused")]
    Refused(Problem),
}

impl From<Problem> for GroupError {
    fn from(problem: Problem) -> Self {
        Self::Refused(problem)
    }
}

impl From<PageError> for GroupError {
    fn from(error: PageError) -> Self {
        match error {
            PageError::Store(error) => Self::Store(error),
            truncated @ PageError::Truncated { .. } => Self::Refused(page_problem(&truncated)),
        }
    }
}

impl From<GroupError> for Problem {
    fn from(error: GroupError) -> Self {
        match error {
            GroupError::Store(error) => store_problem(&error),
            GroupError::LeaseLost => lease_lost(),
            GroupError::ParkingFull => parking_full(),
            GroupError::Refused(problem) => problem,
        }
    }
}

fn not_found(group: &str) -> Problem {
    let message = format!("there is no group {group}");
    Problem::new(Code::NotFound, FeedErrorReason::GroupNotFound, message)
        .field("group", "must be a group's name")
        .with("group", group)
}

fn lease_lost() -> Problem {
    let message = "the slots are no longer this member's";
    Problem::new(Code::Aborted, FeedErrorReason::LeaseLost, message)
}

fn parking_full() -> Problem {
    let message = "the group has parked as much as it may and delivers nothing";
    Problem::new(Code::ResourceExhausted, FeedErrorReason::ParkingFull, message)
        .retry_after(Duration::from_secs(30))
}

fn internal(message: &str) -> Problem {
    Problem::new(Code::Internal, CommonErrorReason::Internal, message)
}
