//! The decision of a turn, step by step: judge what is out, take what is new, send, replay.

use std::collections::{HashMap, HashSet};
use std::sync::Arc;

use super::{
    ALONE, FAILED, Full, Inputs, LEFT, POISON, Park, Plan, QUEUED, Rules, SENT, SUSPECT, TIMED_OUT, WAITING,
    is_out, micros, slot_of,
};
use crate::event::WireEvent;
use crate::parking::KeyState;
use crate::store::group_delivery::Model as Delivery;

/// Decides a turn.
pub(crate) fn plan(rules: &Rules, inputs: Inputs<'_>) -> Plan {
    let at_hand = inputs.new.iter().chain(&inputs.replays).map(|event| event.position).collect();
    let plan = Plan { left: inputs.deliveries, ..Plan::default() };
    let mut turn = Turn {
        rules,
        now: inputs.now,
        full: inputs.full,
        blocked: inputs.blocked,
        events: inputs.events,
        at_hand,
        room: 0,
        plan,
    };
    turn.judge();
    turn.take(&inputs.new);
    turn.send(inputs.told, inputs.window);
    turn.replay(&inputs.replays);
    turn.plan.send.sort_unstable();
    let waits = |row: &&Delivery| row.due_time > turn.now && (row.state == WAITING || row.state == SUSPECT);
    let due = turn.plan.left.values().filter(|row| is_out(row) || waits(row)).map(|row| row.due_time);
    turn.plan.next_due = due.min();
    turn.plan
}

struct Turn<'a> {
    rules: &'a Rules,
    now: i64,
    full: Full,
    blocked: HashMap<String, KeyState>,
    events: &'a HashMap<i64, Arc<WireEvent>>,
    at_hand: HashSet<i64>,
    /// Events that the member may have beside those that are with it.
    room: usize,
    plan: Plan,
}

impl Turn<'_> {
    /// Time-outs and failures: another attempt later, or the parking.
    fn judge(&mut self) {
        let (now, last) = (self.now, self.rules.max_attempts);
        let over = |row: &&Delivery| match row.state.as_str() {
            FAILED | POISON | LEFT => true,
            SENT | ALONE => row.due_time <= now,
            // It was held back.
            WAITING => row.attempt >= last && row.due_time <= now,
            _ => false,
        };
        let failed: Vec<Delivery> = self.plan.left.values().filter(over).cloned().collect();
        for mut row in failed {
            if is_out(&row) {
                self.plan.timed_out = true;
                row.last_error = TIMED_OUT.to_owned();
            }
            let parks = row.state == POISON || row.attempt >= last;
            if parks && !self.is_held_back(&row) {
                self.park(row);
            } else {
                if parks {
                    row.attempt = row.attempt.max(last);
                }
                row.due_time = self.now + self.back_off(&row);
                let suspect = row.state == LEFT && row.attempt < last;
                row.state = if suspect { SUSPECT } else { WAITING }.to_owned();
                self.put(row);
            }
        }
    }

    /// What is replayed is parked as it is, and needs no room.
    fn is_held_back(&mut self, row: &Delivery) -> bool {
        let held_back = self.full.any() && !row.replay;
        self.plan.held_back |= held_back;
        held_back
    }

    fn park(&mut self, row: Delivery) {
        if row.replay {
            self.remove(row.position);
            self.blocked.insert(row.key.clone(), KeyState::Parked);
            return self.plan.park_again.push((row.key, row.last_error, row.attempt));
        }
        let behind = self.plan.left.range(row.position..).filter(|(_, other)| other.key == row.key);
        let positions: Vec<i64> = behind.map(|(position, _)| *position).collect();
        for position in &positions {
            self.remove(*position);
        }
        self.blocked.insert(row.key, KeyState::Parked);
        self.plan.park.push(Park { positions, reason: row.last_error, attempts: row.attempt });
    }

    /// New events join the queues of their keys, or what is parked of them, as long as a queue is not full.
    fn take(&mut self, new: &[&Arc<WireEvent>]) {
        let mut queues = self.queues(new);
        for event in new {
            let slot = slot_of(event.key_hash);
            if self.plan.stopped.contains_key(&slot) {
                continue;
            }
            if self.blocked.contains_key(&event.key) {
                if self.full.bytes {
                    self.plan.held_back = true;
                    self.plan.stopped.insert(slot, event.position);
                    self.plan.no_room.insert(slot);
                    continue;
                }
                self.plan.append.push(event.position);
            } else if !self.plan.left.contains_key(&event.position) {
                let (count, bytes) = queues.entry(&event.key).or_default();
                if *count >= self.rules.key_events || *bytes >= self.rules.key_bytes {
                    self.plan.stopped.insert(slot, event.position);
                    continue;
                }
                (*count, *bytes) = (*count + 1, *bytes + event.bytes.len());
                let row = self.delivery(event, false);
                self.put(row);
            }
        }
    }

    /// How much there is of each key that has new events.
    fn queues<'b>(&self, new: &[&'b Arc<WireEvent>]) -> HashMap<&'b str, (usize, usize)> {
        let mut queues: HashMap<&str, (usize, usize)> =
            new.iter().map(|event| (event.key.as_str(), (0, 0))).collect();
        for row in self.plan.left.values() {
            if let Some((count, bytes)) = queues.get_mut(row.key.as_str()) {
                *count += 1;
                *bytes += self.events.get(&row.position).map_or(0, |event| event.bytes.len());
            }
        }
        queues
    }

    /// Sends what is due, what did not reach the stream, and the first of each key, as far as there is room; as long as
    /// there are suspects, nothing else.
    fn send(&mut self, told: &HashMap<i64, i32>, window: usize) {
        let out = self.plan.left.values().filter(|row| is_out(row)).count();
        let on_trial = self.plan.left.values().any(|row| row.state == ALONE);
        let is_due = |row: &Delivery| row.due_time <= self.now && self.is_at_hand(row.position);
        let suspects = self.plan.left.values().any(|row| row.state == SUSPECT && is_due(row));
        let most = if suspects { window } else { self.rules.max_unacknowledged };
        let mut room = if on_trial { 0 } else { most.min(self.rules.max_unacknowledged).saturating_sub(out) };
        let mut busy = HashSet::new();
        let mut send = Vec::new();
        for row in self.plan.left.values() {
            let first = busy.insert(row.key.as_str());
            let due = match row.state.as_str() {
                SUSPECT => is_due(row),
                WAITING => !suspects && is_due(row),
                QUEUED => !suspects && first && self.is_at_hand(row.position),
                _ => false,
            };
            if due && room > 0 {
                room -= 1;
                send.push((row.position, true));
            } else if is_out(row) && told.get(&row.position) != Some(&row.attempt) {
                send.extend(self.is_at_hand(row.position).then_some((row.position, false)));
            }
        }
        self.plan.careful = on_trial || suspects;
        self.room = if suspects { 0 } else { room };
        let alone = suspects && out == 0 && send.len() == 1;
        let state = if alone { ALONE } else { SENT };
        for (position, again) in send {
            self.deliver(position, again.then_some(state));
        }
    }

    fn is_at_hand(&self, position: i64) -> bool {
        self.events.contains_key(&position) || self.at_hand.contains(&position)
    }

    fn replay(&mut self, replays: &[&Arc<WireEvent>]) {
        let busy: HashSet<String> = self.plan.left.values().map(|row| row.key.clone()).collect();
        for event in replays {
            let replaying = self.blocked.get(&event.key) == Some(&KeyState::Replaying);
            if replaying && !busy.contains(&event.key) && self.room > 0 {
                self.room -= 1;
                let row = self.delivery(event, true);
                self.put(row);
                self.deliver(event.position, Some(SENT));
            }
        }
    }

    /// Puts an event into the stream: as another attempt in a state, or as the same that did not get there.
    fn deliver(&mut self, position: i64, attempt: Option<&str>) {
        let Some(mut row) = self.plan.left.get(&position).cloned() else { return };
        if let Some(state) = attempt {
            row.attempt += 1;
            row.state = state.to_owned();
        }
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
