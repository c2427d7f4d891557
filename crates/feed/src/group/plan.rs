//! What one turn of a member's stream does: a pure function of the deliveries, the new events and the time.
//!
//! Each key has at most one event with the member at a time; the later ones are queued behind it. Deliveries that
//! failed too often go to the parking together with what is queued behind them.

use std::collections::{BTreeMap, HashMap, HashSet};
use std::sync::Arc;
use std::time::Duration;

use crate::event::WireEvent;
use crate::parking::KeyState;
use crate::store::group_delivery::Model as Delivery;

/// The slots of every group; the contract fixes it.
pub(crate) const SLOTS: i32 = 64;
/// Taken from the log, and waiting for an earlier event of its key or for room.
pub(crate) const QUEUED: &str = "queued";
/// With the member; an acknowledgement is due.
pub(crate) const SENT: &str = "sent";
/// Between two attempts.
pub(crate) const WAITING: &str = "waiting";
/// The member said that it failed.
pub(crate) const FAILED: &str = "failed";
/// The member said that trying again is useless.
pub(crate) const POISON: &str = "poison";

const TIMED_OUT: &str = "it was not acknowledged in time";

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
    /// Microseconds since 1970.
    pub now: i64,
    /// What really went into the stream: position and attempt.
    pub told: &'a HashMap<i64, i32>,
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
    /// Keys whose replay failed, and why.
    pub park_again: Vec<(String, String)>,
    /// Positions to send, ascending.
    pub send: Vec<i64>,
    /// Deliveries after the turn.
    pub left: BTreeMap<i64, Delivery>,
}

impl Plan {
    /// When something is due next, in microseconds since 1970.
    pub fn next_due(&self) -> Option<i64> {
        self.left.values().filter(|row| row.state != QUEUED).map(|row| row.due_time).min()
    }
}

/// Decides a turn.
pub(crate) fn plan(rules: &Rules, inputs: Inputs<'_>) -> Plan {
    let mut turn = Turn { rules, now: inputs.now, blocked: inputs.blocked, plan: Plan::default() };
    turn.plan.left = inputs.deliveries;
    turn.judge();
    turn.take(&inputs.new);
    turn.send(inputs.told);
    turn.replay(&inputs.replays);
    turn.plan.send.sort_unstable();
    turn.plan
}

struct Turn<'a> {
    rules: &'a Rules,
    now: i64,
    blocked: HashMap<String, KeyState>,
    plan: Plan,
}

impl Turn<'_> {
    /// Time-outs and failures: another attempt later, or the parking.
    fn judge(&mut self) {
        let now = self.now;
        let over = |row: &&Delivery| {
            row.state == FAILED || row.state == POISON || (row.state == SENT && row.due_time <= now)
        };
        let failed: Vec<Delivery> = self.plan.left.values().filter(over).cloned().collect();
        for mut row in failed {
            if row.state == SENT {
                row.last_error = TIMED_OUT.to_owned();
            }
            if row.state == POISON || row.attempt >= self.rules.max_attempts {
                self.park(row);
            } else {
                row.due_time = self.now + self.back_off(&row);
                row.state = WAITING.to_owned();
                self.put(row);
            }
        }
    }

    fn park(&mut self, row: Delivery) {
        if row.replay {
            self.remove(row.position);
            self.blocked.insert(row.key.clone(), KeyState::Parked);
            return self.plan.park_again.push((row.key, row.last_error));
        }
        let behind = self.plan.left.range(row.position..).filter(|(_, other)| other.key == row.key);
        let positions: Vec<i64> = behind.map(|(position, _)| *position).collect();
        for position in &positions {
            self.remove(*position);
        }
        self.blocked.insert(row.key, KeyState::Parked);
        self.plan.park.push(Park { positions, reason: row.last_error, attempts: row.attempt });
    }

    /// New events join the queues of their keys, or what is parked of them.
    fn take(&mut self, new: &[&Arc<WireEvent>]) {
        for event in new {
            if self.blocked.contains_key(&event.key) {
                self.plan.append.push(event.position);
            } else if !self.plan.left.contains_key(&event.position) {
                let row = self.delivery(event, false);
                self.put(row);
            }
        }
    }

    /// Sends what is due, what did not reach the stream, and the first of each key as far as there is room.
    fn send(&mut self, told: &HashMap<i64, i32>) {
        let with_member = |row: &&Delivery| row.state == SENT || row.state == WAITING;
        let mut room =
            self.rules.max_unacknowledged.saturating_sub(self.plan.left.values().filter(with_member).count());
        let mut busy = HashSet::new();
        let mut send = Vec::new();
        for row in self.plan.left.values() {
            let first = busy.insert(row.key.clone());
            match row.state.as_str() {
                WAITING if row.due_time <= self.now => send.push((row.position, true)),
                SENT if told.get(&row.position) != Some(&row.attempt) => send.push((row.position, false)),
                QUEUED if first && room > 0 => {
                    room -= 1;
                    send.push((row.position, true));
                }
                _ => {}
            }
        }
        for (position, again) in send {
            self.deliver(position, again);
        }
    }

    fn replay(&mut self, replays: &[&Arc<WireEvent>]) {
        let busy: HashSet<String> = self.plan.left.values().map(|row| row.key.clone()).collect();
        for event in replays {
            let replaying = self.blocked.get(&event.key) == Some(&KeyState::Replaying);
            if replaying && !busy.contains(&event.key) && self.plan.left.len() < self.rules.max_unacknowledged
            {
                let row = self.delivery(event, true);
                self.put(row);
                self.deliver(event.position, true);
            }
        }
    }

    fn deliver(&mut self, position: i64, again: bool) {
        let Some(mut row) = self.plan.left.get(&position).cloned() else { return };
        if again {
            row.attempt += 1;
        }
        row.state = SENT.to_owned();
        row.due_time = self.now + micros(self.rules.ack_timeout);
        self.put(row);
        self.plan.send.push(position);
    }

    fn delivery(&self, event: &WireEvent, replay: bool) -> Delivery {
        Delivery {
            group_name: self.rules.group.clone(),
            position: event.position,
            slot: slot_of(event.key_hash),
            key: event.key.clone(),
            event_id: *event.id.as_uuid(),
            epoch: self.rules.epoch,
            state: QUEUED.to_owned(),
            attempt: 0,
            due_time: 0,
            last_error: String::new(),
            replay,
        }
    }

    /// Exponential, with a jitter of up to a half more that differs by event and attempt.
    fn back_off(&self, row: &Delivery) -> i64 {
        let doubled = 1_u32.checked_shl(row.attempt.max(1).unsigned_abs() - 1).unwrap_or(u32::MAX);
        let wait = self.rules.retry_initial.saturating_mul(doubled).min(self.rules.retry_max);
        let seed =
            row.position.unsigned_abs().wrapping_mul(31).wrapping_add(row.attempt.unsigned_abs().into());
        let spread = (seed.wrapping_mul(0x9e37_79b9_7f4a_7c15) >> 48) as i64;
        micros(wait) + micros(wait) / 2 * spread / 65_536
    }

    fn put(&mut self, row: Delivery) {
        self.plan.write.insert(row.position, row.clone());
        self.plan.left.insert(row.position, row);
    }

    fn remove(&mut self, position: i64) {
        self.plan.write.remove(&position);
        self.plan.left.remove(&position);
        self.plan.delete.push(position);
    }
}

pub(crate) fn micros(duration: Duration) -> i64 {
    i64::try_from(duration.as_micros()).unwrap_or(i64::MAX / 4)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::event::key_hash;
    use ordermesh_kernel::{EventId, Timestamp};

    fn rules() -> Rules {
        Rules {
            group: "g".into(),
            epoch: 3,
            max_unacknowledged: 10,
            ack_timeout: Duration::from_secs(30),
            max_attempts: 2,
            retry_initial: Duration::from_secs(1),
            retry_max: Duration::from_secs(60),
        }
    }

    fn event(position: i64, key: &str) -> Arc<WireEvent> {
        Arc::new(WireEvent {
            position,
            id: EventId::from(uuid::Uuid::from_u128(position.unsigned_abs().into())),
            kind: "OrderCreated",
            key: key.to_owned(),
            key_hash: key_hash(key),
            recorded: Timestamp::UNIX_EPOCH,
            bytes: bytes::Bytes::new(),
        })
    }

    /// Turns one after the other, with what each leaves.
    struct Member {
        rules: Rules,
        rows: BTreeMap<i64, Delivery>,
        told: HashMap<i64, i32>,
        blocked: HashMap<String, KeyState>,
        now: i64,
    }

    impl Member {
        fn new() -> Self {
            let (rows, told, blocked) = Default::default();
            Self { rules: rules(), rows, told, blocked, now: 1 }
        }

        fn turn(&mut self, new: &[Arc<WireEvent>]) -> Plan {
            self.turn_with(new, &[])
        }

        fn turn_with(&mut self, new: &[Arc<WireEvent>], replays: &[Arc<WireEvent>]) -> Plan {
            let plan = plan(
                &self.rules,
                Inputs {
                    deliveries: self.rows.clone(),
                    new: new.iter().collect(),
                    replays: replays.iter().collect(),
                    blocked: self.blocked.clone(),
                    now: self.now,
                    told: &self.told,
                },
            );
            self.rows = plan.left.clone();
            self.told.extend(plan.send.iter().map(|position| (*position, self.rows[position].attempt)));
            plan
        }

        fn say(&mut self, position: i64, state: &str) {
            self.rows.get_mut(&position).unwrap().state = state.to_owned();
        }
    }

    #[test]
    fn members_share_the_slots_evenly() {
        assert_eq!([0, 1, 2, 3, 5, 64, 100].map(fair_share), [64, 64, 32, 22, 13, 1, 1]);
        assert!((0..1000).all(|n| (0..SLOTS).contains(&slot_of(key_hash(&n.to_string())))));
    }

    #[test]
    fn a_keys_next_event_goes_out_when_the_one_before_is_acknowledged() {
        let mut member = Member::new();
        assert_eq!(member.turn(&[event(1, "a"), event(2, "b"), event(3, "a")]).send, [1, 2]);
        assert_eq!(member.turn(&[]).send, [0; 0]);
        member.rows.remove(&1);
        assert_eq!(member.turn(&[event(4, "a")]).send, [3]);
        member.rows.remove(&3);
        assert_eq!(member.turn(&[]).send, [4]);
    }

    #[test]
    fn no_more_events_are_with_the_member_than_it_may_have() {
        let mut member = Member::new();
        member.rules.max_unacknowledged = 2;
        let events: Vec<_> = (1..=5).map(|position| event(position, &position.to_string())).collect();
        assert_eq!(member.turn(&events).send, [1, 2]);
        member.rows.remove(&2);
        assert_eq!(member.turn(&[]).send, [3]);
    }

    #[test]
    fn what_is_not_acknowledged_in_time_is_sent_again_and_parked_in_the_end_with_what_is_behind_it() {
        let mut member = Member::new();
        member.turn(&[event(1, "a"), event(2, "b"), event(3, "a")]);
        member.now += 30_000_000;
        member.rows.remove(&2);
        assert_eq!(member.turn(&[]).send, [0; 0], "it backs off first");
        let due = member.rows[&1].due_time - member.now;
        assert!((1_000_000..1_500_000).contains(&due), "{due}");
        member.now += due;
        assert_eq!(member.turn(&[]).send, [1]);
        assert_eq!(member.rows[&1].attempt, 2);
        member.now += 30_000_000;
        let plan = member.turn(&[event(4, "a"), event(5, "b")]);
        let park = Park { positions: vec![1, 3], reason: TIMED_OUT.to_owned(), attempts: 2 };
        assert_eq!((plan.park, plan.append, plan.send), (vec![park], vec![4], vec![5]));
    }

    #[test]
    fn poison_is_parked_at_once_and_a_failed_replay_parks_its_key_again() {
        let mut member = Member::new();
        member.turn(&[event(1, "a")]);
        member.say(1, POISON);
        assert_eq!(member.turn(&[]).park[0].positions, [1]);
        member.blocked.insert("a".into(), KeyState::Replaying);
        assert_eq!(member.turn_with(&[event(2, "a")], &[event(1, "a")]).append, [2]);
        assert_eq!(member.rows.keys().copied().collect::<Vec<_>>(), [1]);
        assert!(member.turn_with(&[], &[event(1, "a")]).send.is_empty(), "one at a time");
        member.say(1, POISON);
        let plan = member.turn_with(&[], &[event(1, "a")]);
        assert_eq!((plan.park_again.len(), plan.delete, plan.left.len()), (1, vec![1], 0));
    }

    #[test]
    fn what_was_written_and_did_not_reach_the_stream_goes_out_without_a_new_attempt() {
        let mut member = Member::new();
        member.turn(&[event(1, "a")]);
        member.told.clear();
        assert_eq!(member.turn(&[]).send, [1]);
        assert_eq!(member.rows[&1].attempt, 1);
    }
}
