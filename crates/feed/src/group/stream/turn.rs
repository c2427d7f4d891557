//! A turn of a member's stream: read, decide, write in one transaction when there is something to write.

use std::collections::{BTreeMap, HashMap};
use std::sync::Arc;

use ordermesh_kernel::{EventId, Timestamp, clock};
use sea_orm::DbErr;
use tokio::time::Instant;

use super::held::{in_page, not_in_the_log};
use super::{POLL, PROGRESS_INTERVAL, Stream};
use crate::event::{WireEvent, key_hash};
use crate::group::plan::{FAILED, Full, Inputs, POISON, Plan, QUEUED, is_replaying, micros, plan, slot_of};
use crate::group::{GroupError, Groups, lease_lost};
use crate::parking::{KeyState, ParkedEvent};
use crate::store::{Table, WriteTransaction, group_delivery};

/// After so many time-outs without a word a member is taken for hung, and its keys move before they are parked.
const SILENT_TIMEOUTS: u32 = 3;

/// What came of a turn.
enum Outcome {
    Done(Box<Turned>),
    /// Nothing was written but the lease: events that go to the parking are to be read from the log first, outside of
    /// the transaction. A database in memory has no other connection than the transaction's.
    Lacks(Vec<i64>),
}

/// What a committed turn leaves in memory.
struct Turned {
    plan: Plan,
    /// Slots and the position to which each was written.
    reached: Vec<(i32, i64)>,
    /// Events that came from the parking.
    replays: Vec<Arc<WireEvent>>,
    silent_since: Option<Instant>,
    window: usize,
}

impl Stream {
    /// Does a turn and gives what it sends, with the attempts.
    pub(super) async fn turn(&mut self) -> Result<Vec<(Arc<WireEvent>, i32)>, GroupError> {
        let groups = self.server.groups.clone();
        if self.stale && self.held_bytes() < groups.settings.held_bytes {
            self.refresh_slots().await?;
            self.load_events().await?;
            self.changed = true;
        }
        self.look_elsewhere().await?;
        if self.changed {
            self.no_room.clear();
        }
        let page = self.read_page().await?;
        loop {
            let (started, now) = (Instant::now(), groups.clock.now());
            if !self.has_to_write(&page, now) {
                self.skip(&page);
                return Ok(Vec::new());
            }
            let stale = std::mem::replace(&mut self.stale, true);
            let tx = groups.writer.begin().await?;
            let outcome = self.turn_in(&tx, &page, now).await;
            let outcome = tx.end(outcome).await?;
            // Only now it is certain that the database knows what this stream knows.
            self.stale = stale;
            self.lease_end = started + groups.settings.lease;
            match outcome {
                Outcome::Done(turned) => return Ok(self.remember(*turned, page)),
                Outcome::Lacks(positions) => self.load(&positions).await?,
            }
        }
    }

    /// Nothing but a reason costs a transaction: a commit of which nothing is this member's, say, does not.
    fn has_to_write(&self, page: &[Arc<WireEvent>], now: Timestamp) -> bool {
        let progress = self.unwritten.is_some() && self.written_at.elapsed() >= PROGRESS_INTERVAL;
        self.changed
            || progress
            || self.next_due.is_some_and(|due| due <= clock::to_micros(now))
            || page.iter().any(|event| self.is_fresh(event))
    }

    /// Notices what other replicas were told of this member's deliveries.
    async fn look_elsewhere(&mut self) -> Result<(), GroupError> {
        if self.changed || !self.looks_elsewhere() || Instant::now() < self.next_look {
            return Ok(());
        }
        self.next_look = Instant::now() + POLL;
        let (rows, told) = self.membership.answered(&self.server.groups.reader).await?;
        self.changed = told > 0 || rows != self.deliveries as i64;
        Ok(())
    }

    async fn turn_in(
        &self,
        tx: &WriteTransaction,
        page: &[Arc<WireEvent>],
        now: Timestamp,
    ) -> Result<Outcome, GroupError> {
        let micros_now = clock::to_micros(now);
        let lease_until = micros_now + micros(self.server.groups.settings.lease);
        self.membership.renew(tx, lease_until).await?;
        let deliveries = self.membership.deliveries(tx).await?;
        let silent_since = self.silent_since.filter(|_| !is_answered(self.told.keys(), &deliveries));
        // A member that answers for what may have driven others away is trusted with twice as much.
        let window = match is_answered(&self.on_trial, &deliveries) {
            true => self.window.saturating_mul(2),
            false => self.window,
        };
        let parking = Groups::parking(&self.membership.group);
        let blocked = parking.blocked(tx).await?;
        let replays = self.next_replays(tx, &blocked, &deliveries).await?;
        let decide = |deliveries, full| {
            let inputs = Inputs {
                deliveries,
                new: page.iter().filter(|event| self.is_fresh(event)).collect(),
                replays: replays.iter().collect(),
                blocked: blocked.clone(),
                full,
                window,
                now: micros_now,
                told: &self.told,
                events: &self.events,
            };
            plan(&self.rules, inputs)
        };
        let mut plan = decide(deliveries, Full::default());
        if !plan.park.is_empty() || !plan.append.is_empty() {
            let full = self.server.groups.full(parking.usage(tx).await?);
            if full.any() {
                plan = decide(self.membership.deliveries(tx).await?, full);
            }
            if plan.held_back && !is_replaying(&blocked) {
                return Err(GroupError::ParkingFull);
            }
        }
        let silence = self.wish.ack_timeout * SILENT_TIMEOUTS;
        if plan.timed_out && silent_since.is_some_and(|since| since.elapsed() >= silence) {
            return Err(lease_lost().with("epoch", self.membership.epoch).into());
        }
        let parked = plan.park.iter().flat_map(|park| &park.positions).copied();
        let lacking: Vec<i64> = parked.filter(|position| self.at_hand(*position, page).is_none()).collect();
        if !lacking.is_empty() {
            return Ok(Outcome::Lacks(lacking));
        }
        self.write(tx, &plan, page, now).await?;
        let reached = self.advance(tx, &plan, page).await?;
        Ok(Outcome::Done(Box::new(Turned { plan, reached, replays, silent_since, window })))
    }

    /// The next parked events of the member's own keys that are being replayed, as far as there is room for them.
    async fn next_replays(
        &self,
        tx: &WriteTransaction,
        blocked: &HashMap<String, KeyState>,
        deliveries: &BTreeMap<i64, group_delivery::Model>,
    ) -> Result<Vec<Arc<WireEvent>>, GroupError> {
        // Of stopped slots, too: what is replayed may be what they wait for.
        let own = |key: &str| self.is_kept(slot_of(key_hash(key)));
        let keys = blocked.iter().filter(|(key, state)| **state == KeyState::Replaying && own(key));
        let keys: Vec<&str> = keys.map(|(key, _)| key.as_str()).collect();
        if keys.is_empty() {
            return Ok(Vec::new());
        }
        let parking = Groups::parking(&self.membership.group);
        let at_hand = |row: &group_delivery::Model| row.replay && self.events.contains_key(&row.position);
        let none_is_at_hand = !deliveries.values().any(at_hand);
        let mut room = self.server.groups.settings.held_bytes.saturating_sub(self.held_bytes());
        let mut positions = Vec::new();
        for (position, bytes) in parking.next_of(tx, &keys).await? {
            if self.events.contains_key(&position) || positions.len() >= self.wish.max_unacknowledged {
                continue;
            }
            // One goes in any case: it may be larger than all the room, or what fills the room may wait for it.
            if bytes > room && !(positions.is_empty() && none_is_at_hand) {
                break;
            }
            room = room.saturating_sub(bytes);
            positions.push(position);
        }
        let parked = parking.events_at(tx, positions).await?;
        Ok(parked.into_iter().map(|parked| self.parked_event(parked)).collect::<Result<_, _>>()?)
    }

    /// Writes how far the slots are.
    async fn advance(
        &self,
        tx: &WriteTransaction,
        plan: &Plan,
        page: &[Arc<WireEvent>],
    ) -> Result<Vec<(i32, i64)>, GroupError> {
        let mut places: BTreeMap<i64, (EventId, Vec<i32>)> = BTreeMap::new();
        let last = page.last().map(|last| (last.position, last.id));
        for (slot, position) in self.slots.iter().filter(|(slot, _)| self.is_active(**slot)) {
            let place = match plan.stopped.get(slot) {
                Some(stop) => Self::place_before(page, *stop),
                None => last,
            };
            let unwritten = self.unwritten.filter(|(at, _)| at == position);
            if let Some((place, id)) = place.filter(|(at, _)| at > position).or(unwritten) {
                places.entry(place).or_insert((id, Vec::new())).1.push(*slot);
            }
        }
        let mut reached = Vec::new();
        for (position, (event_id, slots)) in places {
            self.membership.advance(tx, slots.iter().copied(), position, event_id).await?;
            reached.extend(slots.into_iter().map(|slot| (slot, position)));
        }
        Ok(reached)
    }

    async fn write(
        &self,
        tx: &WriteTransaction,
        plan: &Plan,
        page: &[Arc<WireEvent>],
        now: Timestamp,
    ) -> Result<(), GroupError> {
        let parking = Groups::parking(&self.membership.group);
        let append = self.events_of(&plan.append, page)?;
        let parked = plan.park.iter().map(|park| self.events_of(&park.positions, page));
        let parked: Vec<_> = parked.collect::<Result<_, _>>()?;
        for (park, events) in plan.park.iter().zip(&parked) {
            let events: Vec<&WireEvent> = events.iter().map(AsRef::as_ref).collect();
            parking.park(tx, &events, &park.reason, park.attempts, now).await?;
            let key = events.first().map(|event| event.key.as_str());
            tracing::warn!(group = self.membership.group, key, "a key was parked");
        }
        let append: Vec<&WireEvent> = append.iter().map(AsRef::as_ref).collect();
        parking.append(tx, &append, now).await?;
        for (key, reason, attempts) in &plan.park_again {
            parking.park_again(tx, key, reason, *attempts).await?;
        }
        self.membership.delete(tx, &plan.delete).await?;
        let rows: Vec<_> = plan.write.values().cloned().collect();
        Ok(Table::<group_delivery::Entity>::default().upsert(tx, &rows).await?)
    }

    /// Events that go to the parking.
    fn events_of(&self, positions: &[i64], page: &[Arc<WireEvent>]) -> Result<Vec<Arc<WireEvent>>, DbErr> {
        let event = |position: &i64| self.at_hand(*position, page).cloned().ok_or(*position);
        positions.iter().map(event).collect::<Result<_, _>>().map_err(not_in_the_log)
    }

    /// Takes over what the committed turn did.
    fn remember(&mut self, turned: Turned, page: Vec<Arc<WireEvent>>) -> Vec<(Arc<WireEvent>, i32)> {
        let Turned { plan, reached, replays, silent_since, window } = turned;
        self.on_trial.retain(|position| plan.left.contains_key(position));
        if plan.careful {
            self.window = window;
            self.on_trial.extend(&plan.send);
        } else {
            self.window = 1;
            self.on_trial.clear();
        }
        for (slot, position) in reached {
            self.move_slot(slot, position);
        }
        self.note_written();
        self.changed = false;
        if let Some(last) = page.last() {
            self.pass(last);
        }
        self.no_room.extend(&plan.no_room);
        for (slot, position) in plan.stopped.iter().filter(|(slot, _)| !plan.no_room.contains(slot)) {
            let key = in_page(&page, *position).map(|event| event.key.clone());
            self.stopped.insert(*slot, key.unwrap_or_default());
        }
        for event in page.into_iter().chain(replays) {
            if plan.left.contains_key(&event.position) {
                self.events.insert(event.position, event);
            }
        }
        self.events.retain(|position, _| plan.left.contains_key(position));
        self.told.retain(|position, _| plan.left.contains_key(position));
        self.go_on(&plan);
        let tried = plan.left.values().any(|row| row.attempt > 0 && row.state != QUEUED);
        self.silent_since = tried.then(|| silent_since.unwrap_or_else(Instant::now));
        self.deliveries = plan.left.len();
        self.next_due = plan.next_due;
        let send = |position: &i64| {
            let attempt = plan.left.get(position)?.attempt;
            Some((self.events.get(position)?.clone(), attempt))
        };
        plan.send.iter().filter_map(send).collect()
    }

    /// Slots that stopped go on when half of the queue that stopped them is gone.
    fn go_on(&mut self, plan: &Plan) {
        let (events, rules) = (&self.events, &self.rules);
        self.stopped.retain(|_, key| {
            let rows = || plan.left.values().filter(|row| row.key == *key);
            let held = |row: &group_delivery::Model| events.get(&row.position).map_or(0, |it| it.bytes.len());
            let bytes: usize = rows().map(held).sum();
            rows().count() > rules.key_events / 2 || bytes > rules.key_bytes / 2
        });
    }

    fn parked_event(&self, parked: ParkedEvent) -> Result<Arc<WireEvent>, DbErr> {
        let kind = self.server.source.schema().event(&parked.kind);
        let kind =
            kind.ok_or_else(|| DbErr::Type(format!("a parked event has the unknown type {}", parked.kind)))?;
        Ok(Arc::new(WireEvent {
            position: parked.position,
            id: parked.id,
            kind: kind.name,
            key_hash: key_hash(&parked.key),
            key: parked.key,
            recorded: parked.recorded,
            bytes: parked.bytes.into(),
        }))
    }
}

/// True when the member has said something of events that it has: then it is not hung.
fn is_answered<'a>(
    had: impl IntoIterator<Item = &'a i64>,
    deliveries: &BTreeMap<i64, group_delivery::Model>,
) -> bool {
    had.into_iter().any(|position| match deliveries.get(position) {
        Some(row) => row.state == FAILED || row.state == POISON,
        None => true,
    })
}
