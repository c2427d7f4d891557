//! What one turn of a member's stream does: a pure function of the deliveries, the new events and the time.
//!
//! Each key has at most one event with the member at a time; the later ones are queued behind it. Deliveries that
//! failed too often go to the parking together with what is queued behind them. When too much queues behind one key,
//! its slot stops in the log, so that the keys of other slots keep their room.
//!
//! A member that leaves has not said which of its events was too much for it. The first time all are just sent again;
//! those with which members left twice are suspects: one is sent alone, and while the member answers two at once, then
//! four. Only of one that was alone it is certain that it drives members away, and only then an attempt counts.

mod decide;

use std::collections::{BTreeMap, BTreeSet, HashMap};
use std::sync::Arc;
use std::time::Duration;

use crate::event::WireEvent;
use crate::parking::KeyState;
use crate::store::group_delivery::Model as Delivery;

pub(crate) use decide::plan;

/// The slots of every group; the contract fixes it.
pub(crate) const SLOTS: i32 = 64;
/// Taken from the log, and waiting for an earlier event of its key or for room.
pub(crate) const QUEUED: &str = "queued";
/// With the member; an acknowledgement is due.
pub(crate) const SENT: &str = "sent";
/// The same, and nothing else is with the member: it is on trial.
pub(crate) const ALONE: &str = "alone";
/// A member left twice while it had this among others.
pub(crate) const SUSPECT: &str = "suspect";
/// A member left that had nothing but this.
pub(crate) const LEFT: &str = "left";
/// Between two attempts.
pub(crate) const WAITING: &str = "waiting";
/// The member said that it failed.
pub(crate) const FAILED: &str = "failed";
/// The member said that trying again is useless.
pub(crate) const POISON: &str = "poison";

pub(crate) const TIMED_OUT: &str = "it was not acknowledged in time";
/// Also the mark of what a member has once left behind.
pub(crate) const TAKEN_OVER: &str = "its members left without acknowledging it";

/// True for a delivery that is with its member.
pub(crate) fn is_out(row: &Delivery) -> bool {
    row.state == SENT || row.state == ALONE
}

/// The slot of a key's hash.
pub(crate) fn slot_of(key_hash: u64) -> i32 {
    (key_hash % u64::from(SLOTS.unsigned_abs())) as i32
}

/// How many slots each of so many members may have.
pub(crate) fn fair_share(members: usize) -> usize {
    (SLOTS as usize).div_ceil(members.max(1))
}

/// The rules that a turn keeps.
#[derive(Debug, Clone)]
pub(crate) struct Rules {
    pub group: String,
    pub epoch: i64,
    pub max_unacknowledged: usize,
    pub ack_timeout: Duration,
    pub max_attempts: i32,
    pub retry_initial: Duration,
    pub retry_max: Duration,
    /// Events of one key that are taken from the log, at most.
    pub key_events: usize,
    /// Bytes of them past which no more is taken.
    pub key_bytes: usize,
}

/// What a parking takes no more of.
#[derive(Debug, Clone, Copy, Default)]
pub(crate) struct Full {
    pub keys: bool,
    pub bytes: bool,
}

impl Full {
    /// True when no further key can be parked.
    pub fn any(self) -> bool {
        self.keys || self.bytes
    }
}

/// True when some key is being replayed, which makes room.
pub(crate) fn is_replaying(blocked: &HashMap<String, KeyState>) -> bool {
    blocked.values().any(|state| *state == KeyState::Replaying)
}

/// What a turn begins with.
pub(crate) struct Inputs<'a> {
    /// The member's deliveries by position.
    pub deliveries: BTreeMap<i64, Delivery>,
    /// New events for the member's slots that pass the filter, oldest first.
    pub new: Vec<&'a Arc<WireEvent>>,
    /// The next parked event of keys of the member's slots that are being replayed.
    pub replays: Vec<&'a Arc<WireEvent>>,
    pub blocked: HashMap<String, KeyState>,
    /// What the parking takes no more of: what belongs there is held back.
    pub full: Full,
    /// How many events the member may have at once while there are suspects.
    pub window: usize,
    /// Microseconds since 1970.
    pub now: i64,
    /// What really went into the stream: position and attempt.
    pub told: &'a HashMap<i64, i32>,
    /// The events of deliveries that are in memory; others cannot be sent yet.
    pub events: &'a HashMap<i64, Arc<WireEvent>>,
}

/// A key that goes to the parking.
#[derive(Debug, PartialEq, Eq)]
pub(crate) struct Park {
    /// The event that failed, then those behind it.
    pub positions: Vec<i64>,
    pub reason: String,
    pub attempts: i32,
}

/// What a turn writes and sends.
#[derive(Debug, Default)]
pub(crate) struct Plan {
    /// Rows that are new or changed.
    pub write: BTreeMap<i64, Delivery>,
    pub delete: Vec<i64>,
    pub park: Vec<Park>,
    /// New events of blocked keys.
    pub append: Vec<i64>,
    /// Keys whose replay failed, why, and after how many attempts.
    pub park_again: Vec<(String, String, i32)>,
    /// Something belongs to the parking, which is full.
    pub held_back: bool,
    /// There are suspects that are due.
    pub careful: bool,
    /// Positions to send, ascending.
    pub send: Vec<i64>,
    /// Deliveries after the turn.
    pub left: BTreeMap<i64, Delivery>,
    /// Slots that stop in the log, and the first event that each leaves there.
    pub stopped: BTreeMap<i32, i64>,
    /// Those of them that wait for room in the parking.
    pub no_room: BTreeSet<i32>,
    /// Something was not acknowledged in time.
    pub timed_out: bool,
    /// When something is due next, in microseconds since 1970. What is due already waits for room, not for a time.
    pub next_due: Option<i64>,
}

pub(crate) fn micros(duration: Duration) -> i64 {
    i64::try_from(duration.as_micros()).unwrap_or(i64::MAX / 4)
}

#[cfg(test)]
mod tests;
