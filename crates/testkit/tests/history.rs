//! The history checker on histories that are broken in one way each, and on generated ones.

#![expect(clippy::unwrap_used, reason = "a test may panic, and its helpers too")]

use std::collections::BTreeSet;

use ordermesh_testkit::history::{
    Attempt, Entry, Filter, History, Outcome, Promise, Seen, Session, StoredOrder, Subscriber,
};
use ordermesh_testkit::random::Random;
use proptest::prelude::*;

const CREATED: &str = "OrderCreated";
const CANCELLED: &str = "OrderCancelled";

/// Orders order-1, order-2, …, some cancelled later, each acknowledged before the next one is sent or beside it; three
/// subscribers, who were cut off once and had not stored the last event that they saw.
fn generated(random: &mut Random, orders: usize) -> History {
    let mut history = History::default();
    let mut open = Vec::new();
    let mut placed = 0;
    while placed < orders || !open.is_empty() {
        let position = history.log.len() as i64 + 1;
        let cancels = !open.is_empty() && (placed == orders || random.below(3) == 0);
        let (kind, key, key_revision, request_id) = match cancels {
            true => (CANCELLED, open.remove(random.below(open.len() as u64) as usize), 2, None),
            false => {
                placed += 1;
                let key = format!("order-{placed}");
                open.push(key.clone());
                (CREATED, key, 1, Some(format!("request-{placed}")))
            }
        };
        if let Some(request_id) = &request_id {
            place(&mut history, random, request_id, &key, position);
        }
        history.log.push(Entry {
            position,
            event_id: format!("event-{position}"),
            kind: kind.to_owned(),
            key,
            key_revision,
            recorded: position / 2,
            request_id,
        });
    }
    let filters = [
        Filter::default(),
        Filter { types: vec![CANCELLED.to_owned()], ..Filter::default() },
        Filter { shard: Some((0, 2)), ..Filter::default() },
    ];
    let subscribers = filters.into_iter().map(|filter| subscriber(filter, &history.log)).collect();
    History { subscribers, ..history }
}

fn place(history: &mut History, random: &mut Random, request_id: &str, order_id: &str, position: i64) {
    let mut attempt = |invoked, outcome| {
        let (request_id, replica) = (request_id.to_owned(), "replica-1".to_owned());
        history.attempts.push(Attempt { request_id, replica, invoked, outcome });
    };
    let start = position as u64 * 10;
    let acknowledged = |at| Outcome::Acknowledged { at, order_id: order_id.to_owned(), position };
    match random.below(4) {
        0 => attempt(start, Outcome::Unknown),
        1 => {
            attempt(start, Outcome::Unknown);
            attempt(start + 1, acknowledged(start + 2));
            attempt(start + 500, acknowledged(start + 501));
        }
        _ => attempt(start, acknowledged(start + 5)),
    }
    history.orders.push(StoredOrder { order_id: order_id.to_owned(), request_id: request_id.to_owned() });
}

fn subscriber(filter: Filter, log: &[Entry]) -> Subscriber {
    let head = log.len() as i64;
    let wanted: Vec<_> = log.iter().filter(|entry| filter.passes(&entry.kind, &entry.key)).collect();
    let between = |after, upto| {
        let inside = wanted.iter().filter(move |entry| entry.position > after && entry.position <= upto);
        inside.map(|entry| seen(entry)).collect()
    };
    let middle = head / 2;
    let stored = wanted.iter().map(|entry| entry.position).rfind(|position| *position < middle).unwrap_or(0);
    let sessions = vec![
        Session { after: 0, seen: between(0, middle), upto: middle, stored },
        Session { after: stored, seen: between(stored, head), upto: head, stored: head },
    ];
    let effects = wanted.iter().map(|entry| entry.event_id.clone()).collect();
    Subscriber { name: format!("{filter:?}"), filter, sessions, effects }
}

fn seen(entry: &Entry) -> Seen {
    Seen {
        position: entry.position,
        event_id: entry.event_id.clone(),
        kind: entry.kind.clone(),
        key: entry.key.clone(),
        key_revision: entry.key_revision,
    }
}

/// A history of eight events: four orders, then each cancelled; every answer known.
fn sound() -> History {
    let mut history = History::default();
    for number in 1..=8 {
        let order = (number - 1) % 4 + 1;
        let (key, created) = (format!("order-{order}"), number <= 4);
        let request_id = format!("request-{order}");
        if created {
            history.attempts.push(Attempt {
                request_id: request_id.clone(),
                replica: "replica-1".to_owned(),
                invoked: order * 10,
                outcome: Outcome::Acknowledged {
                    at: order * 10 + 5,
                    order_id: key.clone(),
                    position: order as i64,
                },
            });
            history.orders.push(StoredOrder { order_id: key.clone(), request_id: request_id.clone() });
        }
        history.log.push(Entry {
            position: number as i64,
            event_id: format!("event-{number}"),
            kind: if created { CREATED } else { CANCELLED }.to_owned(),
            key,
            key_revision: if created { 1 } else { 2 },
            recorded: number as i64,
            request_id: created.then_some(request_id),
        });
    }
    history.subscribers = vec![subscriber(Filter::default(), &history.log)];
    history
}

/// The promises that are broken after a change of the sound history.
fn broken(change: impl FnOnce(&mut History)) -> Vec<Promise> {
    let mut history = sound();
    change(&mut history);
    let promises: BTreeSet<_> = history.check().into_iter().map(|violation| violation.promise).collect();
    promises.into_iter().collect()
}

/// Where the only subscriber is not the point.
fn broken_log(change: impl FnOnce(&mut History)) -> Vec<Promise> {
    broken(|history| {
        change(history);
        history.subscribers.clear();
    })
}

fn second_stream(history: &mut History) -> &mut Session {
    &mut history.subscribers[0].sessions[1]
}

#[test]
fn a_sound_history_has_no_violations() {
    sound().assert_sound();
    History::default().assert_sound();
}

#[test]
fn an_acknowledged_order_that_is_lost_is_found() {
    assert_eq!(
        broken_log(|history| {
            history.log.truncate(3);
            history.orders.truncate(3);
        }),
        [Promise::AcknowledgedIsLogged, Promise::AcknowledgedIsStored]
    );
    assert_eq!(
        broken(|history| drop(history.orders.remove(1))),
        [Promise::AcknowledgedIsStored, Promise::LogAndStoreAgree]
    );
}

#[test]
fn a_request_that_became_two_orders_is_found() {
    let log = |history: &mut History| {
        history.log.truncate(4);
        history.log[3].request_id = Some("request-1".to_owned());
        history.orders[3].request_id = "request-1".to_owned();
        history.attempts.truncate(3);
    };
    assert_eq!(broken_log(log), [Promise::OneOrderARequest]);
    let answers = |history: &mut History| {
        let again = Attempt { request_id: "request-1".to_owned(), ..history.attempts[1].clone() };
        history.attempts.push(again);
    };
    assert_eq!(
        broken(answers),
        [Promise::AcknowledgedIsLogged, Promise::AcknowledgedIsStored, Promise::OneOrderARequest]
    );
}

#[test]
fn an_unknown_request_may_be_an_order_or_none_but_a_refused_one_may_not() {
    assert_eq!(broken(|history| history.attempts[2].outcome = Outcome::Unknown), []);
    let nothing = |history: &mut History| {
        let attempt = Attempt { request_id: "request-9".to_owned(), ..history.attempts[2].clone() };
        history.attempts.push(Attempt { outcome: Outcome::Unknown, ..attempt.clone() });
        history.attempts.push(Attempt { outcome: Outcome::Refused, ..attempt });
    };
    assert_eq!(broken(nothing), []);
    assert_eq!(
        broken(|history| history.attempts[2].outcome = Outcome::Refused),
        [Promise::RefusedChangesNothing]
    );
}

#[test]
fn an_order_that_only_the_write_model_has_is_found() {
    let order = StoredOrder { order_id: "order-9".to_owned(), request_id: "request-9".to_owned() };
    assert_eq!(broken(|history| history.orders.push(order)), [Promise::LogAndStoreAgree]);
}

#[test]
fn a_token_of_another_position_is_found() {
    let change = |history: &mut History| {
        let Outcome::Acknowledged { position, .. } = &mut history.attempts[3].outcome else { unreachable!() };
        *position = 7;
    };
    assert_eq!(broken(change), [Promise::TokenIsThePosition]);
}

#[test]
fn an_order_that_stands_before_one_that_was_acknowledged_earlier_is_found() {
    let change = |history: &mut History| {
        // order-4 is answered before order-1 is even sent.
        let Outcome::Acknowledged { at, .. } = &mut history.attempts[3].outcome else { unreachable!() };
        *at = 9;
        history.attempts[3].invoked = 5;
    };
    assert_eq!(broken(change), [Promise::RealTimeOrder]);
    let side_by_side = |history: &mut History| history.attempts[3].invoked = 5;
    assert_eq!(broken(side_by_side), [], "commands that overlap may take any order");
}

#[test]
fn a_gap_of_positions_and_a_doubled_one_are_found() {
    let gap = |history: &mut History| history.log[7].position = 9;
    assert_eq!(broken_log(gap), [Promise::PositionsAreGapless]);
    let doubled = |history: &mut History| history.log[7].position = 7;
    assert_eq!(broken_log(doubled), [Promise::PositionsAreGapless]);
    let first = |history: &mut History| history.log.iter_mut().for_each(|entry| entry.position += 1);
    assert!(broken_log(first).contains(&Promise::PositionsAreGapless));
}

#[test]
fn a_time_that_goes_back_a_doubled_event_id_and_a_gap_of_revisions_are_found() {
    let time = |history: &mut History| history.log[5].recorded = 4;
    assert_eq!(broken(time), [Promise::TimeNeverGoesBack]);
    let id = |history: &mut History| history.log[5].event_id = "event-1".to_owned();
    assert_eq!(broken_log(id), [Promise::EventIdsAreUnique]);
    for revision in [1, 3] {
        let gap = |history: &mut History| history.log[5].key_revision = revision;
        assert_eq!(broken_log(gap), [Promise::RevisionsAreGapless]);
    }
}

#[test]
fn an_event_that_the_filter_does_not_pass_is_found() {
    let change = |history: &mut History| {
        let log = history.log.clone();
        let mut narrow = subscriber(Filter { types: vec![CANCELLED.to_owned()], ..Filter::default() }, &log);
        narrow.sessions[0].seen.push(seen(&log[0]));
        history.subscribers.push(narrow);
    };
    assert_eq!(broken(change), [Promise::FilterIsKept]);
    let other_shard = |history: &mut History| {
        let mut share = subscriber(Filter { shard: Some((0, 2)), ..Filter::default() }, &history.log);
        share.filter.shard = Some((1, 2));
        history.subscribers.push(share);
    };
    assert_eq!(broken(other_shard), [Promise::FilterIsKept, Promise::NothingIsSkipped, Promise::EffectOnce]);
}

#[test]
fn an_event_that_is_told_otherwise_than_it_stands_in_the_log_is_found() {
    assert_eq!(
        broken(|history| second_stream(history).seen[1].event_id = "event-77".to_owned()),
        [Promise::EventIsTheLogs]
    );
}

#[test]
fn events_out_of_order_or_twice_in_a_stream_are_found() {
    assert_eq!(broken(|history| second_stream(history).seen.swap(1, 2)), [Promise::StreamIsOrdered]);
    let twice = |history: &mut History| {
        let again = second_stream(history).seen[0].clone();
        second_stream(history).seen.insert(1, again);
    };
    assert_eq!(broken(twice), [Promise::StreamIsOrdered]);
}

#[test]
fn an_event_that_is_left_out_is_found_in_the_middle_and_after_a_resume() {
    for index in [0, 2] {
        let change = |history: &mut History| drop(second_stream(history).seen.remove(index));
        assert_eq!(broken(change), [Promise::NothingIsSkipped]);
    }
}

#[test]
fn a_stream_that_starts_elsewhere_than_the_stored_cursor_is_found() {
    let change = |history: &mut History| {
        let session = second_stream(history);
        session.after += 1;
        session.seen.remove(0);
    };
    assert_eq!(broken(change), [Promise::ResumesWhereItWas]);
}

#[test]
fn an_effect_that_is_missing_doubled_or_unwanted_is_found() {
    let effects = |history: &mut History| std::mem::take(&mut history.subscribers[0].effects);
    let missing = |history: &mut History| {
        let all = effects(history);
        history.subscribers[0].effects = all[..7].to_vec();
    };
    assert_eq!(broken(missing), [Promise::EffectOnce]);
    let doubled = |history: &mut History| history.subscribers[0].effects.push("event-8".to_owned());
    assert_eq!(broken(doubled), [Promise::EffectOnce]);
    let unwanted = |history: &mut History| history.subscribers[0].effects.push("event-9".to_owned());
    assert_eq!(broken(unwanted), [Promise::EffectOnce]);
}

#[test]
fn effects_of_a_key_in_another_order_are_found() {
    // order-1 is created by event-1 and cancelled by event-5.
    assert_eq!(broken(|history| history.subscribers[0].effects.swap(0, 4)), [Promise::EffectsAreInKeyOrder]);
    let other_keys = |history: &mut History| history.subscribers[0].effects.swap(0, 1);
    assert_eq!(broken(other_keys), [], "between keys there is no order");
}

/// Breaks a history somewhere, always so that a promise is broken.
fn mutate(history: &mut History, kind: u64, random: &mut Random) {
    let mut any = |length: usize| random.below(length as u64) as usize;
    match kind {
        0 => drop(history.log.remove(any(history.log.len()))),
        1 => {
            let at = any(history.log.len());
            history.log.insert(at, history.log[at].clone());
        }
        2 => {
            let at = any(history.log.len() - 1);
            history.log.swap(at, at + 1);
        }
        3 => {
            let at = any(history.log.len());
            history.log[at].position += 1;
        }
        4 => drop(history.orders.remove(any(history.orders.len()))),
        // The one without a filter has seen something in both of its streams.
        5 => {
            let seen = &mut history.subscribers[0].sessions[1].seen;
            drop(seen.remove(any(seen.len())));
        }
        6 => {
            let seen = &mut history.subscribers[0].sessions[1].seen;
            let at = any(seen.len());
            seen.insert(at, seen[at].clone());
        }
        7 => {
            let seen = &mut history.subscribers[0].sessions[1].seen;
            let at = any(seen.len() - 1);
            seen.swap(at, at + 1);
        }
        8 => history.subscribers[2].filter.shard = Some((1, 2)),
        9 => {
            let effects = &mut history.subscribers[0].effects;
            drop(effects.remove(any(effects.len())));
        }
        _ => {
            let effects = &mut history.subscribers[0].effects;
            effects.push(effects[any(effects.len())].clone());
        }
    }
}

proptest! {
    #[test]
    fn a_generated_history_is_sound_and_any_mutation_of_it_is_found(seed in any::<u64>(), orders in 4_usize..30) {
        let mut random = Random::new(seed);
        let history = generated(&mut random, orders);
        prop_assert_eq!(history.check(), vec![]);
        for kind in 0..11 {
            let mut mutated = history.clone();
            mutate(&mut mutated, kind, &mut random);
            prop_assert!(!mutated.check().is_empty(), "mutation {} is not found", kind);
        }
    }
}

#[test]
fn the_hash_of_a_key_is_the_contracts() {
    let only = Filter { shard: Some((0x9b0e_2ae9_3d55_cc54 % 1024, 1024)), ..Filter::default() };
    assert!(only.passes(CREATED, "TEA") && !only.passes(CREATED, "MUG"));
}
