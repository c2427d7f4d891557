//! Members whose streams and acknowledgements go to different replicas, of which one is killed or frozen.

use std::time::{Duration, Instant};

use ordermesh_testkit::backend::{self, Backend, create_database, fresh_name};
use ordermesh_testkit::{Launch, eventually};
use tonic::Code;

use crate::members::settle;
use crate::*;

const LEASE: Duration = Duration::from_millis(1500);
/// What a takeover takes beside the lease, on a busy machine.
const SLACK: Duration = Duration::from_secs(4);

/// Two replicas on one database; nothing where there is no PostgreSQL.
async fn replicas() -> Option<[Server; 2]> {
    if Backend::needs_postgres("several replicas share one database") {
        return None;
    }
    let database = create_database(&backend::server(), &fresh_name("order-command")).await;
    let start = || {
        let lease = LEASE.as_millis().to_string();
        Launch::replica(BINARY, &database).env("ORDERMESH_ORDER_COMMAND__GROUPS__LEASE_MS", &lease).start()
    };
    Some([start().await, start().await])
}

/// So many orders, each cancelled again: three events a key.
pub async fn live_in(server: &Server, orders: usize) {
    for _ in 0..orders {
        let id = place(server).await;
        cancel_order(server, &id).await;
    }
}

impl Member {
    /// Takes the first event of each of its keys, so that nothing is on its way to it any more. Each key of the log
    /// must be with somebody by its first event.
    async fn take_all(&mut self, server: &Server) -> Vec<OrderEvent> {
        let mut mine = 0;
        eventually!(
            {
                let group = get_group(server).await;
                let slots = group.slots.iter().filter(|slot| slot.member == self.name);
                mine = slots.map(|slot| slot.unacknowledged_events).sum();
                group.group.unwrap().unacknowledged_events == 20
            },
            "the first event of each key is told"
        );
        self.take_count(usize::try_from(mine).unwrap()).await
    }
}

/// What both have done for each key, in the order in which it was done; whoever repeats an event knows its id.
#[derive(Default)]
pub struct Effects(pub Vec<OrderEvent>);

impl Effects {
    pub fn take(&mut self, events: Vec<OrderEvent>) {
        let known = |event: &OrderEvent| self.0.iter().any(|done| done.event_id == event.event_id);
        let new: Vec<_> = events.into_iter().filter(|event| !known(event)).collect();
        self.0.extend(new);
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn what_one_replica_streams_another_one_takes_the_acknowledgement_of() {
    let Some([a, b]) = replicas().await else { return };
    let mut member = Member::join(&a, "one").await;
    let id = place(&b).await;
    cancel_order(&b, &id).await;
    for position in [1, 2, 3] {
        let events = member.take_count(1).await;
        assert_eq!(positions(&events), [position]);
        assert_eq!(member.acknowledge(&b, &events).await, 1);
        assert_eq!(member.acknowledge(&a, &events).await, 0, "it was acknowledged already");
    }
    for replica in [&a, &b] {
        eventually!(
            get_group(replica).await.group.unwrap().lag_events == 0,
            "both replicas know that all is done"
        );
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn the_keys_of_a_killed_replicas_member_move_to_another_one_and_keep_their_order() {
    let Some([mut a, b]) = replicas().await else { return };
    let (mut one, mut two) = (Member::join(&a, "one").await, Member::join(&b, "two").await);
    settle(&mut one, &mut two).await;
    live_in(&b, 20).await;
    let mut effects = Effects::default();
    // Each of the keys is under way: of some an event is done, of others one is with the member.
    let done = one.take().await;
    assert_eq!(one.acknowledge(&b, &done[..1]).await, 1);
    effects.take(done[..1].to_vec());
    a.kill9();
    let killed = Instant::now();
    assert_ne!(one.end().await.code(), Code::Ok);
    while two.assignment.slots.len() != 64 {
        let events = two.take_or_assignment().await;
        two.acknowledge(&b, &events).await;
        effects.take(events);
    }
    let took = killed.elapsed();
    assert!(took < LEASE + SLACK, "the keys moved after {took:?}");
    while effects.0.len() < 60 {
        let events = two.take().await;
        two.acknowledge(&b, &events).await;
        effects.take(events);
    }
    assert_each_once_in_order(&effects.0, 60);
    eventually!(get_group(&b).await.group.unwrap().lag_events == 0, "nothing is left");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_frozen_replica_delays_its_keys_until_the_lease_ends_and_delivers_nothing_after_it() {
    let Some([a, b]) = replicas().await else { return };
    let (mut one, mut two) = (Member::join(&a, "one").await, Member::join(&b, "two").await);
    settle(&mut one, &mut two).await;
    live_in(&b, 20).await;
    let had = one.take_all(&b).await;
    a.freeze();
    let frozen = Instant::now();
    let mut effects = Effects::default();
    while effects.0.len() < 60 {
        let events = two.take().await;
        two.acknowledge(&b, &events).await;
        effects.take(events);
    }
    let took = frozen.elapsed();
    assert!(took < LEASE + SLACK, "the keys moved and were done after {took:?}");
    assert_each_once_in_order(&effects.0, 60);
    let (before, stale) = (one.stream.events.len(), one.say(&b, positions(&had), Vec::new()).await);
    refused(&stale.unwrap_err(), Code::Aborted, "LEASE_LOST");

    a.thaw();
    let ended = one.end().await;
    // Whichever it finds first: that its place was taken, or that the database has hung up on it.
    if ended.code() != Code::Unavailable {
        refused(&ended, Code::Aborted, "LEASE_LOST");
    }
    assert_eq!(one.stream.positions()[before..], [0; 0], "nothing is told after the lease");
    for replica in [&a, &b] {
        let stale = one.say(replica, positions(&had), Vec::new()).await.unwrap_err();
        refused(&stale, Code::Aborted, "LEASE_LOST");
        let group = get_group(replica).await;
        assert_eq!(group.group.unwrap().lag_events, 0);
        assert!(group.slots.iter().all(|slot| slot.member == "two"));
    }
    // The replica itself is as good as before.
    let mut again = Member::join(&a, "one").await;
    settle(&mut again, &mut two).await;
    assert!(again.assignment.epoch > one.assignment.epoch);
}
