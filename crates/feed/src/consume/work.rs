//! A batch on its way: what the handler gets, and what is set aside with its key.
//!
//! Which keys are stopped may change between two attempts, so nothing that an attempt has set aside stays so: each
//! one sorts all that has arrived anew.

use std::collections::{BTreeMap, BTreeSet};

use bytes::Bytes;
use ordermesh_proto::event_types::FeedEvent;
use uuid::Uuid;

use super::feed::{Arrived, envelope};
use super::{ConsumeError, checkpoint};
use crate::token::LogPosition;

/// A batch of which a part may have to be parked.
pub(super) struct Work<E> {
    /// For the handler, in order.
    pub apply: Vec<E>,
    /// Those that somebody else has done meanwhile.
    pub known: Vec<E>,
    /// Those that wait behind a key that is stopped.
    aside: Vec<E>,
    /// All that is to do, by position: what is parked is parked as it came.
    bytes: BTreeMap<i64, Bytes>,
    /// Events without a readable payload, by position.
    undecodable: BTreeMap<i64, Stop>,
    /// Events that the handler could make nothing of, by position.
    refused: BTreeMap<i64, Stop>,
}

/// A key that stops, and why.
#[derive(Debug, Clone)]
struct Stop {
    key: String,
    reason: String,
}

impl<E: FeedEvent> Work<E> {
    pub fn new(arrived: Vec<Arrived<E>>) -> Self {
        let mut work = Self::empty();
        work.apply.reserve(arrived.len());
        for Arrived { position, event, bytes } in arrived {
            work.bytes.insert(position, bytes);
            match event {
                Ok(event) => work.apply.push(event),
                Err(broken) => {
                    let stop = Stop { key: broken.envelope.key, reason: broken.reason };
                    work.undecodable.insert(position, stop);
                }
            }
        }
        work
    }

    fn empty() -> Self {
        Self {
            apply: Vec::new(),
            known: Vec::new(),
            aside: Vec::new(),
            bytes: BTreeMap::new(),
            undecodable: BTreeMap::new(),
            refused: BTreeMap::new(),
        }
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
        let after = position.saturating_add(1);
        self.bytes = self.bytes.split_off(&after);
        self.undecodable = self.undecodable.split_off(&after);
        self.refused = self.refused.split_off(&after);
        self.bring_back();
        let known = self.apply.partition_point(|event| event.position() <= position);
        self.known.extend(self.apply.drain(..known));
    }

    /// Sorts all events into those for the handler and those that are set aside: of keys that are blocked already,
    /// and of keys that stop here, from the event that stops them on.
    pub fn sort(&mut self, is_blocked: impl Fn(&str) -> bool) {
        self.bring_back();
        if self.undecodable.is_empty() && self.refused.is_empty() && !self.any_of(&is_blocked) {
            return;
        }
        let stops = self.stops();
        let waits = |event: &E| {
            is_blocked(event.key())
                || stops.get(event.key()).is_some_and(|(position, _)| event.position() >= *position)
        };
        (self.aside, self.apply) = std::mem::take(&mut self.apply).into_iter().partition(waits);
    }

    fn any_of(&self, is_blocked: &impl Fn(&str) -> bool) -> bool {
        self.apply.iter().any(|event| is_blocked(event.key()))
    }

    fn bring_back(&mut self) {
        if !self.aside.is_empty() {
            self.apply.append(&mut self.aside);
            self.apply.sort_unstable_by_key(FeedEvent::position);
        }
    }

    /// The keys that stop in this batch: where each does, and why.
    fn stops(&self) -> BTreeMap<String, (i64, String)> {
        let mut stops = BTreeMap::<_, (i64, String)>::new();
        for (position, stop) in self.undecodable.iter().chain(&self.refused) {
            let first = stops.entry(stop.key.clone()).or_insert_with(|| (*position, stop.reason.clone()));
            if *position < first.0 {
                *first = (*position, stop.reason.clone());
            }
        }
        stops
    }

    /// The keys that stop in this batch, and why.
    pub fn stopped(&self) -> BTreeMap<String, String> {
        self.stops().into_iter().map(|(key, (_, reason))| (key, reason)).collect()
    }

    /// Stops a key at an event that makes no sense; false when the handler was not given it.
    pub fn stop(&mut self, position: i64, key: String, reason: String) -> bool {
        let given = self.apply.iter().any(|event| event.position() == position && event.key() == key);
        if given {
            self.refused.insert(position, Stop { key, reason });
        }
        given
    }

    /// What is parked, in order, as it was sorted last.
    pub fn parked_bytes(&self) -> Vec<Bytes> {
        let positions: BTreeSet<i64> =
            self.aside.iter().map(FeedEvent::position).chain(self.undecodable.keys().copied()).collect();
        positions.iter().filter_map(|position| self.bytes.get(position).cloned()).collect()
    }

    /// Splits the later half off, and tells where the earlier one ends; `None` when there is but one event.
    pub fn halve(&mut self, feed_id: Uuid) -> Result<Option<(LogPosition, Self)>, ConsumeError> {
        let half = self.bytes.len() / 2;
        let Some(middle) = self.bytes.keys().nth(half).copied().filter(|_| half > 0) else { return Ok(None) };
        self.bring_back();
        let mut later = Self::empty();
        later.bytes = self.bytes.split_off(&middle);
        later.undecodable = self.undecodable.split_off(&middle);
        later.refused = self.refused.split_off(&middle);
        let first = self.apply.partition_point(|event| event.position() < middle);
        later.apply = self.apply.split_off(first);
        let Some((last, bytes)) = self.bytes.last_key_value() else { return Ok(None) };
        let end = checkpoint::place_of(feed_id, *last, &envelope(bytes)?.event_id)?;
        Ok(Some((end, later)))
    }

    /// Stops the key of the one event that the handler was given; false when it was given none or several.
    pub fn stop_the_one(&mut self, reason: String) -> bool {
        let [event] = self.apply.as_slice() else { return false };
        let (position, key) = (event.position(), event.key().to_owned());
        self.stop(position, key, reason)
    }
}

#[cfg(test)]
mod tests {
    use ordermesh_proto::order::v1::OrderEvent;
    use prost::Message;

    use super::*;
    use crate::consume::feed::Undecodable;

    fn arrived(position: i64, key: &str) -> Arrived<OrderEvent> {
        let event_id = Uuid::from_u128(position.unsigned_abs().into()).to_string();
        let event = OrderEvent { position, event_id, key: key.to_owned(), ..OrderEvent::default() };
        Arrived { position, bytes: event.encode_to_vec().into(), event: Ok(event) }
    }

    fn undecodable(position: i64, key: &str) -> Arrived<OrderEvent> {
        let arrived = arrived(position, key);
        let envelope = envelope(&arrived.bytes).unwrap();
        let reason = format!("garbage at {position}");
        Arrived { event: Err(Box::new(Undecodable { envelope, reason })), ..arrived }
    }

    /// What the handler gets, and what is parked.
    fn sorted(work: &mut Work<OrderEvent>, blocked: &[&str]) -> (Vec<i64>, Vec<i64>) {
        work.sort(|key| blocked.contains(&key));
        let parked = work.parked_bytes();
        let parked = parked.iter().map(|bytes| envelope(bytes).unwrap().position).collect();
        (work.apply.iter().map(|event| event.position).collect(), parked)
    }

    #[test]
    fn an_event_that_queued_behind_a_key_is_applied_when_the_key_flows_again_at_the_next_attempt() {
        let mut work = Work::new(vec![arrived(1, "a"), arrived(2, "b"), arrived(3, "a"), arrived(4, "c")]);
        assert_eq!(sorted(&mut work, &["a"]), (vec![2, 4], vec![1, 3]));
        assert!(work.stopped().is_empty());
        assert_eq!(sorted(&mut work, &[]), (vec![1, 2, 3, 4], vec![]));
        assert_eq!(sorted(&mut work, &["c"]), (vec![1, 2, 3], vec![4]));
    }

    #[test]
    fn a_key_that_stops_here_stays_stopped_from_its_first_bad_event_on() {
        let mut work =
            Work::new(vec![arrived(1, "a"), arrived(2, "a"), undecodable(3, "a"), arrived(4, "a")]);
        assert_eq!(sorted(&mut work, &[]), (vec![1, 2], vec![3, 4]));
        assert_eq!(work.stopped()["a"], "garbage at 3");
        assert!(work.stop(2, "a".to_owned(), "poison".to_owned()));
        assert!(!work.stop(4, "a".to_owned(), "it was not given this one".to_owned()));
        assert_eq!(sorted(&mut work, &[]), (vec![1], vec![2, 3, 4]));
        assert_eq!(work.stopped()["a"], "poison");
        // Somebody else has dealt with it; what cannot be decoded still cannot.
        work.forget_up_to(2);
        assert_eq!(sorted(&mut work, &[]), (vec![], vec![3, 4]));
        assert_eq!(work.stopped()["a"], "garbage at 3");
    }

    #[test]
    fn a_batch_is_halved_down_to_single_events() {
        let mut work = Work::new((1..=3).map(|position| arrived(position, "a")).collect());
        sorted(&mut work, &["a"]);
        let (end, mut later) = work.halve(Uuid::nil()).unwrap().unwrap();
        assert_eq!((work.span(), later.span()), (Some((1, 1, true)), Some((2, 3, true))));
        assert_eq!(end.position, 1);
        assert!(work.halve(Uuid::nil()).unwrap().is_none());
        let (end, last) = later.halve(Uuid::nil()).unwrap().unwrap();
        assert_eq!((end.position, last.span()), (2, Some((3, 3, true))));
    }
}
