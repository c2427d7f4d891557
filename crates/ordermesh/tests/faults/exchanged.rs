//! A database is exchanged for an older copy while a replica stands still, and others write beyond where it was: it must
//! not take what follows for the rest of the history that it knows.

use ordermesh_proto::feed::v1::SubscribeRequest;
use ordermesh_testkit::backend::{connect, fresh_name};
use ordermesh_testkit::{Launch, Postgres, Server, Subscription, eventually, order, read_feed};
use sea_orm::ConnectionTrait;

use crate::{BINARY, not_here};

const KEPT: usize = 3;
const LOST: usize = 2;
const NEW: usize = 4;

async fn place(server: &Server, count: usize) {
    for _ in 0..count {
        server.commands().place_order(order("TEA", 1, 450)).await.unwrap();
    }
}

async fn copy(postgres: &Postgres, from: &str, to: &str) {
    let admin = connect(&postgres.url("postgres")).await.unwrap();
    let drop = format!(r#"DROP DATABASE IF EXISTS "{to}" WITH (FORCE)"#);
    for sql in [drop, format!(r#"CREATE DATABASE "{to}" TEMPLATE "{from}""#)] {
        admin.execute_unprepared(&sql).await.unwrap();
    }
    admin.close().await.unwrap();
}

/// `remembers` says whether the replica has the newest events in memory, or has started after them.
async fn exchanged(remembers: bool) {
    if not_here() {
        return;
    }
    let postgres = Postgres::start().await;
    let url = postgres.database("order-command").await;
    let name = url.rsplit_once('/').unwrap().1.to_owned();
    let mut server = Launch::replica(BINARY, &url).start().await;
    place(&server, KEPT).await;
    server.terminate().await;
    let old = fresh_name("copy");
    copy(&postgres, &name, &old).await;
    server.start_again().await;
    place(&server, LOST).await;
    if !remembers {
        server.start_again().await;
    }
    let mut live = Subscription::open(&mut server.events(), SubscribeRequest::default()).await.unwrap();
    live.read_events(KEPT + LOST).await;

    server.freeze();
    copy(&postgres, &old, &name).await;
    let other = Launch::replica(BINARY, &url).start().await;
    place(&other, NEW).await;
    server.thaw();
    eventually!(server.has_ended(), "the replica notices that its history is not the database's");
    while let Ok(Some(_)) = live.next().await {}
    assert_eq!(live.events.len(), KEPT + LOST, "nothing of another history came: {:?}", live.positions());
    let log = read_feed(&mut other.events()).await;
    assert_eq!(log.len(), KEPT + NEW);
    assert_ne!(log[..KEPT + LOST], live.events);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_replica_that_stood_still_during_a_restore_ends_by_itself_and_tells_nothing_of_what_follows() {
    exchanged(true).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn so_does_one_that_has_none_of_the_log_in_memory() {
    exchanged(false).await;
}
