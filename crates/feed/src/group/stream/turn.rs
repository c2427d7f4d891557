//! A turn of a member's stream: read, decide, write in one transaction.

use std::collections::BTreeMap;
use std::sync::Arc;

use ordermesh_kernel::{Timestamp, clock};
use sea_orm::DbErr;
use tokio::time::Instant;

use super::{HELD_BYTES, READ_AHEAD, Stream, full};
use crate::event::{WireEvent, key_hash};
use crate::group::plan::{Inputs, Plan, micros, plan, slot_of};
use crate::group::{GroupError, Groups};
use crate::parking::{KeyState, ParkedEvent, Usage};
use crate::store::{Table, WriteTransaction, group_delivery};

/// Events read at once.
const PAGE: usize = 1000;

/// What a committed turn leaves in memory.
struct Turned {
    plan: Plan,
    slots: BTreeMap<i32, i64>,
    /// Events that came from the parking.
    replays: Vec<Arc<WireEvent>>,
}

impl Stream {
    /// Does a turn and gives what it sends, with the attempts.
    pub(super) async fn turn(&mut self) -> Result<Vec<(Arc<WireEvent>, i32)>, GroupError> {
        let groups = self.server.groups.clone();
        if self.taken_over {
            self.load_events().await?;
            self.taken_over = false;
        }
        let page = self.read_page().await?;
        let started = Instant::now();
        let now = groups.clock.now();
        let tx = WriteTransaction::begin(&groups.writer).await?;
        let turned = self.turn_in(&tx, &page, now).await;
        let turned = tx.end(turned).await?;
        self.lease_end = started + groups.settings.lease;
        Ok(self.remember(turned, page))
    }

    /// True when the log holds events that no turn of this stream has taken, and there is room for them.
    pub(super) fn behind(&self, head: i64) -> bool {
        self.room() > 0 && self.read_position().is_some_and(|position| position < head)
    }

    fn room(&self) -> usize {
        let held: usize = self.events.values().map(|event| event.bytes.len()).sum();
        match held < HELD_BYTES {
            true => (self.wish.max_unacknowledged + READ_AHEAD).saturating_sub(self.events.len()).min(PAGE),
            false => 0,
        }
    }

    /// How far the slot is that is behind all others.
    fn read_position(&self) -> Option<i64> {
        let active = self.slots.iter().filter(|(slot, _)| !self.share.surplus.contains(slot));
        active.map(|(_, position)| *position).min()
    }

    async fn read_page(&self) -> Result<Vec<Arc<WireEvent>>, GroupError> {
        match self.read_position() {
            Some(position) if self.behind(*self.head.borrow()) => {
                Ok(self.server.source.page(position, self.room()).await?.events)
            }
            _ => Ok(Vec::new()),
        }
    }

    async fn turn_in(
        &self,
        tx: &WriteTransaction,
        page: &[Arc<WireEvent>],
        now: Timestamp,
    ) -> Result<Turned, GroupError> {
        let micros_now = clock::to_micros(now);
        let lease_until = micros_now + micros(self.server.groups.settings.lease);
        self.membership.renew(tx, lease_until).await?;
        let mut slots = self.membership.slots(tx).await?;
        let deliveries = self.membership.deliveries(tx).await?;
        let parking = Groups::parking(&self.membership.group);
        let blocked = parking.blocked(tx).await?;
        let replays = match blocked.values().any(|state| *state == KeyState::Replaying) {
            true => parking.next_to_replay(tx, self.server.groups.settings.max_parked_keys).await?,
            false => Vec::new(),
        };
        let owned = |slot: i32| slots.contains_key(&slot) && !self.share.surplus.contains(&slot);
        let replays = replays.into_iter().map(|parked| self.parked_event(parked));
        let replays: Vec<_> = replays.collect::<Result<Vec<_>, _>>()?;
        let replays: Vec<_> = replays.into_iter().filter(|event| owned(slot_of(event.key_hash))).collect();
        let fresh = |event: &&Arc<WireEvent>| {
            let slot = slot_of(event.key_hash);
            owned(slot) && slots[&slot] < event.position && self.filter.passes(event)
        };
        let inputs = Inputs {
            deliveries,
            new: page.iter().filter(fresh).collect(),
            replays: replays.iter().collect(),
            blocked,
            now: micros_now,
            told: &self.told,
        };
        let plan = plan(&self.rules, inputs);
        self.write(tx, &plan, page, now).await?;
        if let Some(last) = page.last() {
            let active: Vec<i32> = slots.keys().copied().filter(|slot| owned(*slot)).collect();
            self.membership.advance(tx, active.iter().copied(), last.position, last.id).await?;
            for slot in active {
                slots.entry(slot).and_modify(|position| *position = last.position.max(*position));
            }
        }
        Ok(Turned { plan, slots, replays })
    }

    async fn write(
        &self,
        tx: &WriteTransaction,
        plan: &Plan,
        page: &[Arc<WireEvent>],
        now: Timestamp,
    ) -> Result<(), GroupError> {
        let parking = Groups::parking(&self.membership.group);
        let event =
            |position: &i64| {
                self.events.get(position).or_else(|| in_page(page, *position)).map(AsRef::as_ref).ok_or_else(
                    || DbErr::Custom(format!("the event {position} of a delivery is not at hand")),
                )
            };
        let events = |positions: &[i64]| positions.iter().map(event).collect::<Result<Vec<&WireEvent>, _>>();
        let append = events(&plan.append)?;
        let parked = plan.park.iter().map(|park| events(&park.positions)).collect::<Result<Vec<_>, _>>()?;
        let bytes: usize = parked.iter().flatten().chain(&append).map(|event| event.bytes.len()).sum();
        if bytes > 0 {
            let more = Usage { keys: parked.len() as u64, events: 0, bytes: bytes as u64 };
            if self.server.groups.is_too_much(parking.usage(tx).await?, more) {
                return Err(full());
            }
        }
        for (park, events) in plan.park.iter().zip(&parked) {
            parking.park(tx, events, &park.reason, park.attempts, now).await?;
            tracing::warn!(group = self.membership.group, key = events[0].key, "a key was parked");
        }
        parking.append(tx, &append, now).await?;
        for (key, reason) in &plan.park_again {
            parking.park_again(tx, key, reason).await?;
        }
        self.membership.delete(tx, &plan.delete).await?;
        let rows: Vec<_> = plan.write.values().cloned().collect();
        Ok(Table::<group_delivery::Entity>::default().upsert(tx, &rows).await?)
    }

    /// Takes over what the committed turn did.
    fn remember(&mut self, turned: Turned, page: Vec<Arc<WireEvent>>) -> Vec<(Arc<WireEvent>, i32)> {
        let Turned { plan, slots, replays } = turned;
        if let Some(last) = page.last().filter(|last| last.position > self.place.position) {
            self.place.position = last.position;
            self.place.event_id = Some(last.id);
        }
        for event in page.into_iter().chain(replays) {
            if plan.left.contains_key(&event.position) {
                self.events.insert(event.position, event);
            }
        }
        self.events.retain(|position, _| plan.left.contains_key(position));
        self.told.retain(|position, _| plan.left.contains_key(position));
        self.slots = slots;
        self.next_due = plan.next_due();
        let send = |position: &i64| {
            let attempt = plan.left.get(position)?.attempt;
            Some((self.events.get(position)?.clone(), attempt))
        };
        plan.send.iter().filter_map(send).collect()
    }

    /// Reads the events of deliveries that were another member's.
    async fn load_events(&mut self) -> Result<(), GroupError> {
        let deliveries = self.membership.deliveries(&self.server.groups.writer).await?;
        let mut page: Vec<Arc<WireEvent>> = Vec::new();
        for (position, row) in deliveries {
            if self.events.contains_key(&position) || row.replay {
                continue;
            }
            if page.last().is_none_or(|last| last.position < position) {
                page = self.server.source.page(position - 1, PAGE).await?.events;
            }
            let event = in_page(&page, position);
            let event = event.ok_or_else(|| {
                DbErr::RecordNotFound(format!("the log no longer holds the event {position} of a delivery"))
            })?;
            self.events.insert(position, event.clone());
        }
        Ok(())
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

/// The event at a position of a page, whose positions have no gaps.
fn in_page(page: &[Arc<WireEvent>], position: i64) -> Option<&Arc<WireEvent>> {
    let index = usize::try_from(position - page.first()?.position).ok()?;
    page.get(index).filter(|event| event.position == position)
}
