//! What a stream has in memory: the events of its deliveries, and how far each of its slots is.

use std::sync::Arc;

use ordermesh_kernel::EventId;
use sea_orm::{ConnectionTrait, DbErr};
use tokio::time::Instant;

use super::Stream;
use crate::event::WireEvent;
use crate::group::GroupError;
use crate::group::plan::slot_of;
use crate::store::within_on;

/// Events that are taken from the log beyond those that the member may have.
const READ_AHEAD: usize = 1000;
/// Events read at once.
const PAGE: usize = 1000;

impl Stream {
    /// True when the log holds events that no turn of this stream has taken, and there is room for them.
    pub(super) fn behind(&self, head: i64) -> bool {
        self.room() > 0 && self.read_position().is_some_and(|position| position < head)
    }

    fn room(&self) -> usize {
        let deliveries = self.deliveries.max(self.events.len());
        match self.held_bytes() < self.server.groups.settings.held_bytes {
            true => (self.wish.max_unacknowledged + READ_AHEAD).saturating_sub(deliveries).min(PAGE),
            false => 0,
        }
    }

    pub(super) fn held_bytes(&self) -> usize {
        self.events.values().map(|event| event.bytes.len()).sum()
    }

    /// True for a slot of the member's for which it takes events from the log.
    pub(super) fn is_active(&self, slot: i32) -> bool {
        self.is_kept(slot) && !self.stopped.contains_key(&slot) && !self.no_room.contains(&slot)
    }

    /// True for a slot of the member's that it need not give up.
    pub(super) fn is_kept(&self, slot: i32) -> bool {
        self.slots.contains_key(&slot) && !self.share.surplus.contains(&slot)
    }

    /// True for an event that no turn has taken for the member.
    pub(super) fn is_fresh(&self, event: &WireEvent) -> bool {
        let slot = slot_of(event.key_hash);
        self.is_active(slot)
            && self.slots.get(&slot).is_some_and(|position| *position < event.position)
            && self.filter.passes(event)
    }

    /// How far the slot is that is behind all others.
    fn read_position(&self) -> Option<i64> {
        let active = self.slots.iter().filter(|(slot, _)| self.is_active(**slot));
        active.map(|(_, position)| *position).min()
    }

    pub(super) async fn read_page(&mut self) -> Result<Vec<Arc<WireEvent>>, GroupError> {
        self.lagging = false;
        let behind = self.behind(*self.head.borrow());
        let Some(position) = self.read_position().filter(|_| behind) else { return Ok(Vec::new()) };
        let page = self.page(position, self.room()).await?;
        self.lagging = page.is_empty();
        Ok(page)
    }

    /// A page of the log, in a member's time: the log itself may be more patient than a lease.
    async fn page(&self, position: i64, limit: usize) -> Result<Vec<Arc<WireEvent>>, GroupError> {
        let page = async { Ok(self.server.source.page(position, limit).await?.events) };
        let reader = &self.server.groups.reader;
        within_on(reader.get_database_backend(), reader.patience(), page).await
    }

    /// Goes past a page that has nothing for the member. The database hears of it with the next turn that has something
    /// to write, or after a while.
    pub(super) fn skip(&mut self, page: &[Arc<WireEvent>]) {
        let Some(last) = page.last() else { return };
        self.pass(last);
        let active: Vec<i32> = self.slots.keys().copied().filter(|slot| self.is_active(*slot)).collect();
        for slot in active {
            self.move_slot(slot, last.position);
        }
        if self.unwritten.is_none_or(|(position, _)| position < last.position) {
            self.unwritten = Some((last.position, last.id));
        }
    }

    pub(super) fn move_slot(&mut self, slot: i32, to: i64) {
        self.slots.entry(slot).and_modify(|position| *position = to.max(*position));
    }

    /// Slots and how far the database says that each is, or further where this stream has only read and not written.
    pub(super) async fn refresh_slots(&mut self) -> Result<(), DbErr> {
        let mut slots = self.membership.slots(&self.server.groups.writer).await?;
        for (slot, position) in &mut slots {
            *position = self.slots.get(slot).copied().unwrap_or(0).max(*position);
        }
        self.stopped.retain(|slot, _| slots.contains_key(slot));
        self.slots = slots;
        Ok(())
    }

    /// Reads the events of deliveries that are not in memory, the oldest first, as far as there is room for their bytes.
    /// The others wait until some are acknowledged.
    pub(super) async fn load_events(&mut self) -> Result<(), GroupError> {
        let deliveries = self.membership.deliveries(&self.server.groups.writer).await?;
        self.deliveries = deliveries.len();
        let mut page: Vec<Arc<WireEvent>> = Vec::new();
        let mut bytes = self.held_bytes();
        for (position, row) in deliveries {
            if self.events.contains_key(&position) || row.replay {
                continue;
            }
            if bytes >= self.server.groups.settings.held_bytes {
                return Ok(());
            }
            if page.last().is_none_or(|last| last.position < position) {
                page = self.page(position - 1, PAGE).await?;
            }
            let event = in_page(&page, position).cloned();
            let event = event.ok_or_else(|| not_in_the_log(position))?;
            bytes += event.bytes.len();
            self.events.insert(position, event);
        }
        self.stale = false;
        Ok(())
    }

    /// Reads events of deliveries, however much there is in memory: they are about to leave it for the parking.
    pub(super) async fn load(&mut self, positions: &[i64]) -> Result<(), GroupError> {
        for position in positions {
            let page = self.page(position - 1, 1).await?;
            let event = in_page(&page, *position).cloned().ok_or_else(|| not_in_the_log(*position))?;
            self.events.insert(*position, event);
        }
        Ok(())
    }

    /// An event of a delivery, or of a page that is about to be taken.
    pub(super) fn at_hand<'a>(
        &'a self,
        position: i64,
        page: &'a [Arc<WireEvent>],
    ) -> Option<&'a Arc<WireEvent>> {
        self.events.get(&position).or_else(|| in_page(page, position))
    }

    /// Notes that the slots' positions are written.
    pub(super) fn note_written(&mut self) {
        self.unwritten = None;
        self.written_at = Instant::now();
    }

    /// The place before a position of a page.
    pub(super) fn place_before(page: &[Arc<WireEvent>], position: i64) -> Option<(i64, EventId)> {
        in_page(page, position - 1).map(|event| (event.position, event.id))
    }
}

pub(super) fn not_in_the_log(position: i64) -> DbErr {
    DbErr::RecordNotFound(format!("the log no longer holds the event {position} of a delivery"))
}

/// The event at a position of a page, whose positions have no gaps.
pub(super) fn in_page(page: &[Arc<WireEvent>], position: i64) -> Option<&Arc<WireEvent>> {
    let index = usize::try_from(position - page.first()?.position).ok()?;
    page.get(index).filter(|event| event.position == position)
}
