//! Members of a replica whose connections to PostgreSQL are never heard of again, and nobody refuses anything.

use std::time::{Duration, Instant};

use ordermesh_testkit::backend::{self, Backend, create_database, fresh_name};
use ordermesh_testkit::{Launch, Proxy, eventually};
use tonic::Code;

use crate::members::settle;
use crate::replicas::{Effects, live_in};
use crate::*;

const LEASE: Duration = Duration::from_millis(3000);
/// What a busy machine adds to a takeover, and to noticing the silence.
const SLACK: Duration = Duration::from_secs(4);

/// A database and a wire to it; nothing where there is no PostgreSQL.
async fn database() -> Option<(String, Proxy)> {
    if Backend::needs_postgres("only a network swallows packets") {
        return None;
    }
    let database = create_database(&backend::server(), &fresh_name("order-command")).await;
    let proxy = Proxy::to(&database).await;
    Some((database, proxy))
}

/// A replica with few connections: none is left when what is lost keeps its place in a pool.
async fn replica(url: &str) -> Server {
    let launch = Launch::replica(BINARY, url)
        .env("ORDERMESH_ORDER_COMMAND__GROUPS__LEASE_MS", &LEASE.as_millis().to_string())
        .env("ORDERMESH_DATABASE__WRITE_CONNECTIONS", "2")
        .env("ORDERMESH_DATABASE__READ_CONNECTIONS", "2")
        // What else waits for the database, such as the log, is soon out of patience, too.
        .env("ORDERMESH_DATABASE__CONNECT_TIMEOUT_MS", "500")
        .env("ORDERMESH_DATABASE__STATEMENT_TIMEOUT_MS", "1000")
        .env("ORDERMESH_DATABASE__IDLE_IN_TRANSACTION_TIMEOUT_MS", "500");
    launch.start().await
}

/// What each member does with what it is sent, until both have done so much.
async fn work(server: &Server, members: &mut [&mut Member; 2], effects: &mut Effects, count: usize) {
    let [one, two] = members;
    while effects.0.len() < count {
        tokio::select! {
            events = one.take() => { one.acknowledge(server, &events).await; effects.take(events); }
            events = two.take() => { two.acknowledge(server, &events).await; effects.take(events); }
        }
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn the_keys_of_a_member_whose_replica_hears_nothing_of_its_database_move_when_the_lease_ends() {
    let Some((database, proxy)) = database().await else { return };
    let (a, b) = (replica(&proxy.url(&database)).await, replica(&database).await);
    let (mut one, mut two) = (Member::join(&a, "one").await, Member::join(&b, "two").await);
    settle(&mut one, &mut two).await;
    live_in(&b, 20).await;
    let had = one.take().await;
    proxy.swallow();
    let silent = Instant::now();
    let mut effects = Effects::default();
    while effects.0.len() < 60 {
        let events = two.take().await;
        two.acknowledge(&b, &events).await;
        effects.take(events);
    }
    let took = silent.elapsed();
    assert!(took < LEASE + SLACK, "the keys moved and were done after {took:?}");
    assert_each_once_in_order(&effects.0, 60);
    refused(&one.end().await, Code::Unavailable, "STORE_UNAVAILABLE");
    let took = silent.elapsed();
    assert!(took < LEASE + SLACK, "the member was told after {took:?}");
    let stale = one.say(&b, positions(&had), Vec::new()).await.unwrap_err();
    refused(&stale, Code::Aborted, "LEASE_LOST");

    proxy.pass();
    let joined = async || Member::try_open(&a, "one", joining("one")).await;
    let mut one = eventually!(joined().await, "the replica takes members again");
    settle(&mut one, &mut two).await;
    live_in(&b, 20).await;
    work(&b, &mut [&mut one, &mut two], &mut effects, 120).await;
    assert_each_once_in_order(&effects.0, 120);
    eventually!(get_group(&a).await.group.unwrap().lag_events == 0, "nothing is left");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_member_goes_on_within_its_lease_when_its_replica_finds_other_connections() {
    let Some((database, proxy)) = database().await else { return };
    let server = replica(&proxy.url(&database)).await;
    let other = replica(&database).await;
    let mut member = Member::join(&server, "one").await;
    proxy.swallow();
    proxy.pass();
    live_in(&other, 5).await;
    let mut effects = Effects::default();
    while effects.0.len() < 15 {
        let events = member.take().await;
        member.acknowledge(&other, &events).await;
        effects.take(events);
    }
    assert_each_once_in_order(&effects.0, 15);
    assert_eq!(get_group(&other).await.members[0].epoch, member.assignment.epoch, "it is the same stream");
}
