//! What subscribers saw and did, beside the log.

use std::collections::{BTreeMap, BTreeSet};

use ordermesh_proto::feed::v1::{EventFilter, Shard, SubscribeRequest};

use super::{Entry, Found, Promise};
use crate::feed::key_hash;

/// What a subscriber wants: empty lists and no shard pass everything.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Filter {
    /// Types of events, any of them.
    pub types: Vec<String>,
    /// Keys, any of them.
    pub keys: Vec<String>,
    /// Index and count of the share of keys.
    pub shard: Option<(u64, u64)>,
}

impl Filter {
    /// Whether an event of this type and key passes, as the contract of feeds says.
    pub fn passes(&self, kind: &str, key: &str) -> bool {
        let one_of = |list: &[String], value: &str| list.is_empty() || list.iter().any(|one| one == value);
        let in_shard = |(index, count)| key_hash(key) % count == index;
        one_of(&self.types, kind) && one_of(&self.keys, key) && self.shard.is_none_or(in_shard)
    }

    /// As a request without a start.
    pub fn request(&self) -> SubscribeRequest {
        let number = |number: u64| i32::try_from(number).expect("a shard's number is small");
        SubscribeRequest {
            filter: Some(EventFilter { types: self.types.clone(), keys: self.keys.clone() }),
            shard: self.shard.map(|(index, count)| Shard { index: number(index), count: number(count) }),
            ..SubscribeRequest::default()
        }
    }
}

/// One subscriber over all its streams.
#[derive(Debug, Clone, Default)]
pub struct Subscriber {
    /// Its name.
    pub name: String,
    /// What it asked for, in every stream.
    pub filter: Filter,
    /// Its streams, one after another.
    pub sessions: Vec<Session>,
    /// Ids of the events that had their effect, in this order; effect and cursor were stored together.
    pub effects: Vec<String>,
}

/// One stream.
#[derive(Debug, Clone, Default)]
pub struct Session {
    /// The position of the stored cursor that it started after; 0 for the earliest event.
    pub after: i64,
    /// What came.
    pub seen: Vec<Seen>,
    /// The position of its newest frame that was read: everything up to it has come.
    pub upto: i64,
    /// The position of the cursor that was stored last when it ended; `after` when none was.
    pub stored: i64,
}

/// One event as a stream told it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Seen {
    /// Its place in the log.
    pub position: i64,
    /// Its identity.
    pub event_id: String,
    /// Its type.
    pub kind: String,
    /// Its key.
    pub key: String,
    /// The how-manieth event of its key.
    pub key_revision: i64,
}

pub(super) fn check(subscriber: &Subscriber, log: &[Entry], found: &mut Found) {
    let name = &subscriber.name;
    let mut stored = 0;
    for (session, number) in subscriber.sessions.iter().zip(1..) {
        let who = format!("{name}, stream {number}");
        found.expect(session.after == stored, Promise::ResumesWhereItWas, || {
            format!("{who} started after {} with {stored} stored", session.after)
        });
        stored = session.stored;
        check_session(&who, &subscriber.filter, session, log, found);
    }
    check_effects(subscriber, stored, log, found);
}

fn check_session(who: &str, filter: &Filter, session: &Session, log: &[Entry], found: &mut Found) {
    let by_position: BTreeMap<_, _> = log.iter().map(|entry| (entry.position, entry)).collect();
    let mut last = session.after;
    for seen in &session.seen {
        let at = seen.position;
        found.expect(at > last, Promise::StreamIsOrdered, || format!("{who}: {at} came after {last}"));
        last = last.max(at);
        found.expect(filter.passes(&seen.kind, &seen.key), Promise::FilterIsKept, || {
            format!("{who}: {} of {} at {at} was not wanted", seen.kind, seen.key)
        });
        let same = by_position.get(&at).is_some_and(|entry| {
            (&entry.event_id, &entry.kind, &entry.key, entry.key_revision)
                == (&seen.event_id, &seen.kind, &seen.key, seen.key_revision)
        });
        found.expect(same, Promise::EventIsTheLogs, || format!("{who}: the log has no {seen:?}"));
    }
    let came: BTreeSet<_> = session.seen.iter().map(|seen| seen.position).collect();
    for entry in wanted(log, filter, session.after, session.upto.max(last)) {
        found.expect(came.contains(&entry.position), Promise::NothingIsSkipped, || {
            format!(
                "{who}: {} was left out between {} and {}",
                entry.position,
                session.after,
                session.upto.max(last)
            )
        });
    }
}

fn check_effects(subscriber: &Subscriber, stored: i64, log: &[Entry], found: &mut Found) {
    let name = &subscriber.name;
    let mut times = BTreeMap::<&str, usize>::new();
    for effect in &subscriber.effects {
        *times.entry(effect).or_default() += 1;
    }
    for entry in wanted(log, &subscriber.filter, 0, stored) {
        let times = times.remove(entry.event_id.as_str()).unwrap_or_default();
        found.expect(times == 1, Promise::EffectOnce, || {
            format!("{name}: {} had its effect {times} times", entry.position)
        });
    }
    for (event, times) in times {
        found.add(Promise::EffectOnce, format!("{name}: {event} had {times} effects and should have none"));
    }
    let by_id: BTreeMap<_, _> = log.iter().map(|entry| (entry.event_id.as_str(), entry)).collect();
    let mut revisions = BTreeMap::<&str, i64>::new();
    for entry in subscriber.effects.iter().filter_map(|effect| by_id.get(effect.as_str())) {
        let before = revisions.insert(&entry.key, entry.key_revision).unwrap_or_default();
        found.expect(before <= entry.key_revision, Promise::EffectsAreInKeyOrder, || {
            format!("{name}: {} of {} had its effect after {before}", entry.key_revision, entry.key)
        });
    }
}

/// What passes the filter after one position up to another one.
fn wanted<'a>(log: &'a [Entry], filter: &Filter, after: i64, upto: i64) -> impl Iterator<Item = &'a Entry> {
    let passes = move |entry: &&Entry| entry.position > after && entry.position <= upto;
    log.iter().filter(passes).filter(|entry| filter.passes(&entry.kind, &entry.key))
}
