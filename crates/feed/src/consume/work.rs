//! A batch on its way: what the handler gets, and what is set aside with its key.

use std::collections::{BTreeMap, BTreeSet};

use bytes::Bytes;
use ordermesh_proto::event_types::FeedEvent;

use super::feed::Arrived;

/// A batch of which a part may have to be parked.
pub(super) struct Work<E> {
    /// For the handler, in order.
    pub apply: Vec<E>,
    /// Those that somebody else has done meanwhile.
    pub known: Vec<E>,
    /// All that arrived, by position: what is parked is parked as it came.
    bytes: BTreeMap<i64, Bytes>,
    /// Positions that are parked.
    parked: BTreeSet<i64>,
    /// Keys that stop with this batch, and why.
    pub stopped: BTreeMap<String, String>,
}

impl<E: FeedEvent> Work<E> {
    pub fn new(arrived: Vec<Arrived<E>>) -> Self {
        let mut work = Self {
            apply: Vec::with_capacity(arrived.len()),
            known: Vec::new(),
            bytes: BTreeMap::new(),
            parked: BTreeSet::new(),
            stopped: BTreeMap::new(),
        };
        for Arrived { position, event, bytes } in arrived {
            work.bytes.insert(position, bytes);
            match event {
                Ok(event) if work.stopped.contains_key(event.key()) => work.park(position),
                Ok(event) => work.apply.push(event),
                Err(undecodable) => {
                    work.park(position);
                    work.stopped.entry(undecodable.envelope.key).or_insert(undecodable.reason);
                }
            }
        }
        work
    }

    fn park(&mut self, position: i64) {
        self.parked.insert(position);
    }

    /// First and last position, and whether none is missing between them.
    pub fn span(&self) -> Option<(i64, i64, bool)> {
        let (first, _) = self.bytes.first_key_value()?;
        let (last, _) = self.bytes.last_key_value()?;
        let whole = usize::try_from(last - first + 1).is_ok_and(|count| count == self.bytes.len());
        Some((*first, *last, whole))
    }

    /// Leaves out what was done before.
    pub fn forget_up_to(&mut self, position: i64) {
        self.bytes = self.bytes.split_off(&(position + 1));
        self.parked = self.parked.split_off(&(position + 1));
        let known = self.apply.partition_point(|event| event.position() <= position);
        self.known.extend(self.apply.drain(..known));
        let keys: BTreeSet<_> = self.parked_bytes().filter_map(|bytes| key_of(&bytes)).collect();
        self.stopped.retain(|key, _| keys.contains(key));
    }

    /// Parks the events of keys that are blocked already.
    pub fn queue_behind(&mut self, is_blocked: impl Fn(&str) -> bool) {
        let parked = &mut self.parked;
        self.apply.retain(|event| {
            let blocked = is_blocked(event.key());
            if blocked {
                parked.insert(event.position());
            }
            !blocked
        });
    }

    /// Parks an event that makes no sense and those of its key after it; false when the handler was not given it.
    pub fn stop(&mut self, position: i64, key: &str, reason: String) -> bool {
        if !self.apply.iter().any(|event| event.position() == position && event.key() == key) {
            return false;
        }
        let parked = &mut self.parked;
        self.apply.retain(|event| {
            let stays = event.key() != key || event.position() < position;
            if !stays {
                parked.insert(event.position());
            }
            stays
        });
        self.stopped.insert(key.to_owned(), reason);
        true
    }

    /// What is parked, in order.
    pub fn parked_bytes(&self) -> impl Iterator<Item = Bytes> {
        self.parked.iter().filter_map(|position| self.bytes.get(position).cloned())
    }
}

fn key_of(bytes: &Bytes) -> Option<String> {
    super::feed::envelope(bytes).ok().map(|envelope| envelope.key)
}
