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
    now: i64,
}

impl Member {
    fn new() -> Self {
        let (rows, told, events, blocked) = Default::default();
        Self { rules: rules(), rows, told, events, blocked, now: 1 }
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

/// What a takeover leaves: events that are sent again at once.
fn taken_over(member: &mut Member) {
    for row in member.rows.values_mut().filter(|row| row.state == SENT) {
        (row.state, row.due_time) = (WAITING.to_owned(), member.now);
    }
    member.told.clear();
}

#[test]
fn an_event_whose_members_leave_each_time_is_parked_after_its_last_attempt() {
    let mut member = Member::new();
    member.turn(&[event(1, "a"), event(2, "b"), event(3, "a")]);
    member.rows.remove(&2);
    taken_over(&mut member);
    assert_eq!(member.turn(&[]).send, [1], "a takeover is an attempt and does not wait");
    taken_over(&mut member);
    let plan = member.turn(&[]);
    let park = Park { positions: vec![1, 3], reason: TAKEN_OVER.to_owned(), attempts: 2 };
    assert_eq!((plan.park, plan.send), (vec![park], vec![]));
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
