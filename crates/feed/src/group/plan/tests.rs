//! Turns one after the other, each from what the one before left.

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
        key_events: 100,
        key_bytes: 1000,
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
        bytes: bytes::Bytes::from_static(&[0; 10]),
    })
}

/// Turns one after the other, with what each leaves.
struct Member {
    rules: Rules,
    rows: BTreeMap<i64, Delivery>,
    told: HashMap<i64, i32>,
    events: HashMap<i64, Arc<WireEvent>>,
    blocked: HashMap<String, KeyState>,
    full: Full,
    window: usize,
    now: i64,
}

impl Member {
    fn new() -> Self {
        let (rows, told, events, blocked) = Default::default();
        Self { rules: rules(), rows, told, events, blocked, full: Full::default(), window: 1, now: 1 }
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
                full: self.full,
                window: self.window,
                now: self.now,
                told: &self.told,
                events: &self.events,
            },
        );
        self.events.extend(new.iter().chain(replays).map(|event| (event.position, event.clone())));
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

/// What a takeover leaves, as `rebalance` does it.
fn taken_over(member: &mut Member) {
    for row in member.rows.values_mut().filter(|row| is_out(row)) {
        let again = row.last_error == TAKEN_OVER;
        row.attempt -= i32::from(row.state == SENT);
        row.state = if row.state == ALONE {
            LEFT
        } else if again {
            SUSPECT
        } else {
            WAITING
        }
        .to_owned();
        (row.due_time, row.last_error) = (member.now, TAKEN_OVER.to_owned());
    }
    member.told.clear();
    member.window = 1;
}

/// Lets a member have all, go away, have all again and go away.
fn suspicious(member: &mut Member, events: &[Arc<WireEvent>]) {
    member.turn(events);
    let had = |member: &Member| member.rows.values().filter(|row| is_out(row)).count();
    let all = had(member);
    taken_over(member);
    member.turn(&[]);
    assert_eq!(had(member), all, "the first time all is just sent again");
    taken_over(member);
}

#[test]
fn an_event_that_drives_each_member_away_is_parked_after_its_last_attempt_alone_and_no_other_key() {
    let mut member = Member::new();
    suspicious(&mut member, &[event(1, "a"), event(2, "b"), event(3, "a"), event(4, "c")]);
    for attempt in 1..=2 {
        assert_eq!(member.turn(&[event(5, "d")]).send, [1], "nothing goes out beside it");
        assert!(member.turn(&[]).careful);
        assert_eq!(member.rows[&1].attempt, attempt);
        taken_over(&mut member);
        // What backs off leaves the others to be tried.
        let mut parked = member.turn(&[]).park;
        while let Some((&next, _)) = member.rows.iter().find(|(_, row)| is_out(row)) {
            member.rows.remove(&next);
            member.window *= 2;
            parked.extend(member.turn(&[]).park);
        }
        if attempt == 2 {
            let park = Park { positions: vec![1, 3], reason: TAKEN_OVER.to_owned(), attempts: 2 };
            assert_eq!((parked, member.rows.len()), (vec![park], 0));
        } else {
            assert_eq!(parked, []);
            member.now = member.rows[&1].due_time;
        }
        member.window = 1;
    }
}

#[test]
fn a_member_that_answers_for_suspects_is_given_more_and_more_of_them_at_once() {
    let mut member = Member::new();
    let events: Vec<_> = (1..=9).map(|position| event(position, &position.to_string())).collect();
    suspicious(&mut member, &events);
    let mut sent = Vec::new();
    while sent.iter().sum::<usize>() < 9 {
        let plan = member.turn(&[]);
        sent.push(plan.send.len());
        plan.send.iter().for_each(|position| drop(member.rows.remove(position)));
        member.window *= 2;
    }
    assert_eq!(sent, [1, 2, 4, 2]);
    assert_eq!(member.turn(&[event(10, "b"), event(11, "c")]).send, [10, 11], "then all is as ever");
    taken_over(&mut member);
    assert!(member.rows.values().all(|row| row.attempt == 0 && row.state == WAITING));
}

#[test]
fn what_has_no_room_in_the_parking_waits_for_it_and_what_is_replayed_needs_none() {
    let mut member = Member::new();
    member.turn(&[event(1, "a"), event(2, "b")]);
    member.say(1, POISON);
    member.full = Full { keys: true, bytes: false };
    member.blocked.insert("e".into(), KeyState::Parked);
    assert_eq!(member.turn(&[event(9, "e")]).append, [9], "it needs no more keys");
    member.full.bytes = true;
    member.blocked.insert("c".into(), KeyState::Replaying);
    let plan = member.turn_with(&[event(3, "c"), event(4, "a")], &[event(0, "c")]);
    assert_eq!((plan.held_back, plan.park.len(), plan.append.len(), plan.send), (true, 0, 0, vec![0]));
    let waits = slot_of(key_hash("c"));
    assert_eq!((plan.stopped, plan.no_room), (BTreeMap::from([(waits, 3)]), BTreeSet::from([waits])));
    member.say(0, POISON);
    assert_eq!(member.turn(&[]).park_again.len(), 1);
    member.full = Full::default();
    member.now = member.rows[&1].due_time;
    assert_eq!(member.turn(&[]).park[0].positions, [1, 4]);
}

#[test]
fn a_takeover_and_failures_bring_no_more_than_the_member_may_have() {
    let mut member = Member::new();
    member.rules.max_attempts = 5;
    let events: Vec<_> = (1..=5).map(|position| event(position, &position.to_string())).collect();
    member.rules.max_unacknowledged = 5;
    assert_eq!(member.turn(&events).send.len(), 5);
    member.rules.max_unacknowledged = 2;
    taken_over(&mut member);
    let plan = member.turn(&[]);
    assert_eq!(plan.send, [1, 2]);
    assert!(plan.next_due.unwrap() > member.now, "what waits for room is not due");
    member.rows.remove(&1);
    assert_eq!(member.turn(&[]).send, [3]);
    member.say(2, FAILED);
    assert_eq!(member.turn(&[]).send, [4], "what backs off leaves its room to others");
}

#[test]
fn what_is_not_in_memory_is_not_sent_before_it_is() {
    let mut member = Member::new();
    member.turn(&[event(1, "a"), event(2, "b")]);
    taken_over(&mut member);
    let one = member.events.remove(&1).unwrap();
    assert_eq!(member.turn(&[]).send, [2]);
    member.events.insert(1, one);
    assert_eq!(member.turn(&[]).send, [1]);
}

#[test]
fn a_key_behind_which_too_much_queues_stops_its_slot_and_no_other() {
    let mut member = Member::new();
    member.rules.key_events = 2;
    let [a, same_slot, other] = ["a", "c", "d"].map(|key| slot_of(key_hash(key)));
    assert!(a != other && a != same_slot, "the keys of this test are of different slots");
    let plan = member.turn(&[event(1, "a"), event(2, "a"), event(3, "a"), event(4, "c"), event(5, "a")]);
    assert_eq!((plan.send, plan.stopped), (vec![1, 4], BTreeMap::from([(a, 3)])));
    assert_eq!(member.rows.keys().copied().collect::<Vec<_>>(), [1, 2, 4]);
    member.rules.key_events = 100;
    member.rules.key_bytes = 20;
    assert_eq!(member.turn(&[event(3, "a"), event(6, "d")]).stopped, BTreeMap::from([(a, 3)]));
    member.rows.remove(&1);
    assert_eq!(member.turn(&[event(3, "a")]).stopped, BTreeMap::new());
}
