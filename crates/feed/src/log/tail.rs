//! The newest events of a log in memory, shared by all live subscribers.

use std::collections::{BTreeMap, VecDeque};
use std::sync::Arc;

use ordermesh_kernel::EventId;

use crate::event::WireEvent;

/// The newest events, contiguous up to the head, bounded by bytes.
#[derive(Debug, Default)]
pub(super) struct Tail {
    events: VecDeque<Arc<WireEvent>>,
    bytes: usize,
    budget: usize,
    /// The event at the head, also when the tail no longer holds it or never did.
    newest: Option<(i64, EventId)>,
    /// Batches beyond a hole, by their first position: of two writers the later one may tell first.
    ahead: BTreeMap<i64, Vec<WireEvent>>,
}

impl Tail {
    /// An empty tail of at most so many bytes.
    pub fn bounded(budget: usize) -> Self {
        Self { budget, ..Self::default() }
    }

    /// The same, where a log stands at a position with this event.
    pub fn after_event(self, position: i64, id: Option<EventId>) -> Self {
        Self { newest: id.map(|id| (position, id)), ..self }
    }

    /// Takes events after `head` as far as they follow it without a hole, and tells the new head. What lies beyond a
    /// hole waits; what is known already is left out.
    pub fn take(&mut self, events: Vec<WireEvent>, mut head: i64) -> i64 {
        let Some(first) = events.first() else { return head };
        self.ahead.insert(first.position, events);
        while let Some(batch) = self.ahead.first_entry().filter(|batch| *batch.key() <= head + 1) {
            let mut events = batch.remove();
            events.retain(|event| event.position > head);
            head = events.last().map_or(head, |event| event.position);
            self.append(events);
        }
        if self.ahead.values().flatten().map(Self::weight).sum::<usize>() > self.budget {
            // The hole and what follows it will be read from the database.
            self.ahead.clear();
        }
        head
    }

    /// Forgets everything: what comes next follows this event, and not what is here.
    pub fn clear(&mut self, position: i64, id: Option<EventId>) {
        *self = Self::bounded(self.budget).after_event(position, id);
    }

    /// Takes the next events and drops the oldest ones that no longer fit.
    fn append(&mut self, events: Vec<WireEvent>) {
        for event in events {
            self.newest = Some((event.position, event.id));
            self.bytes += Self::weight(&event);
            self.events.push_back(Arc::new(event));
        }
        while self.bytes > self.budget {
            let Some(oldest) = self.events.pop_front() else { break };
            self.bytes -= Self::weight(&oldest);
        }
    }

    /// Events after `position`, so many bytes of them and one more, or `None` when the tail does not hold the next one.
    pub fn after(&self, position: i64, limit: usize, page_bytes: usize) -> Option<Vec<Arc<WireEvent>>> {
        let first = self.events.front()?.position;
        let skip = usize::try_from(position + 1 - first).ok()?;
        let mut bytes = 0;
        let fits = |event: &&Arc<WireEvent>| {
            let fits = bytes < page_bytes;
            bytes += event.bytes.len();
            fits
        };
        (skip < self.events.len())
            .then(|| self.events.iter().skip(skip).take(limit).take_while(fits).cloned().collect())
    }

    /// The event at a position, if it is the newest one or the tail holds it.
    pub fn known_at(&self, position: i64) -> Option<EventId> {
        let newest = self.newest.filter(|(newest, _)| *newest == position);
        newest.map(|(_, id)| id).or_else(|| self.id_at(position))
    }

    fn id_at(&self, position: i64) -> Option<EventId> {
        let index = usize::try_from(position - self.events.front()?.position).ok()?;
        self.events.get(index).map(|event| event.id)
    }

    /// What an event costs in memory, about: its bytes, its key, and the structure around them.
    fn weight(event: &WireEvent) -> usize {
        event.bytes.len() + event.key.len() + size_of::<WireEvent>() + 2 * size_of::<usize>()
    }
}

#[cfg(test)]
mod tests {
    use ordermesh_kernel::Timestamp;
    use uuid::Uuid;

    use super::*;

    const PAGE: usize = usize::MAX;

    fn events(positions: std::ops::RangeInclusive<i64>) -> Vec<WireEvent> {
        positions
            .map(|position| WireEvent {
                position,
                id: EventId::from(Uuid::from_u128(position as u128)),
                kind: "OrderCreated",
                key: String::new(),
                key_hash: 0,
                recorded: Timestamp::UNIX_EPOCH,
                bytes: bytes::Bytes::from_static(&[0; 100]),
            })
            .collect()
    }

    #[test]
    fn the_tail_keeps_the_newest_events_within_its_bytes() {
        let mut tail = Tail::bounded(3_000);
        assert_eq!(tail.take(events(1..=100), 0), 100);
        assert!(tail.bytes <= 3_000 && !tail.events.is_empty());
        assert_eq!(tail.events.back().map(|event| event.position), Some(100));
        assert!(tail.after(0, 10, PAGE).is_none(), "what was dropped must come from the log");
    }

    #[test]
    fn the_event_at_the_head_is_known_also_when_the_tail_holds_nothing() {
        let id = |position: u128| Some(EventId::from(Uuid::from_u128(position)));
        let mut tail = Tail::bounded(0).after_event(4, id(4));
        assert_eq!((tail.known_at(4), tail.known_at(3)), (id(4), None));
        assert_eq!(tail.take(events(5..=6), 4), 6);
        assert!(tail.events.is_empty());
        assert_eq!((tail.known_at(6), tail.known_at(5)), (id(6), None));
        tail.clear(9, id(9));
        assert_eq!((tail.known_at(9), tail.known_at(6)), (id(9), None));
    }

    #[test]
    fn the_tail_answers_only_with_the_very_next_event() {
        let mut tail = Tail::bounded(usize::MAX);
        assert!(tail.after(0, 10, PAGE).is_none());
        assert_eq!(tail.take(events(5..=9), 4), 9);
        assert!(tail.after(3, 10, PAGE).is_none());
        let positions = |after, limit| -> Vec<i64> {
            tail.after(after, limit, PAGE).unwrap().iter().map(|event| event.position).collect()
        };
        assert_eq!(positions(4, 3), [5, 6, 7]);
        assert_eq!(positions(8, 10), [9]);
        assert!(tail.after(9, 10, PAGE).is_none());
    }

    #[test]
    fn what_lies_beyond_a_hole_waits_until_the_hole_is_filled() {
        let mut tail = Tail::bounded(usize::MAX);
        assert_eq!(tail.take(events(4..=5), 0), 0);
        assert_eq!(tail.take(events(1..=2), 0), 2);
        assert_eq!(tail.after(1, 10, PAGE).unwrap().len(), 1, "the hole at 3 is not jumped over");
        assert_eq!(tail.take(events(2..=3), 2), 5);
        let positions: Vec<i64> =
            tail.after(0, 10, PAGE).unwrap().iter().map(|event| event.position).collect();
        assert_eq!(positions, [1, 2, 3, 4, 5]);
    }

    #[test]
    fn what_lies_beyond_a_hole_is_bounded_too() {
        let mut tail = Tail::bounded(3_000);
        for position in 1..=200 {
            assert_eq!(tail.take(events(position * 2..=position * 2), 0), 0);
            assert!(tail.ahead.values().flatten().map(Tail::weight).sum::<usize>() <= 3_000);
        }
    }
}
