//! Replicas learn of each other's commits by notices and, should one be lost, by looking. Each way alone is enough, so
//! each is shown without the other.

use std::collections::BTreeSet;

use ordermesh_proto::feed::v1::SubscribeRequest;
use ordermesh_testkit::backend::connect;
use ordermesh_testkit::wait::soon;
use ordermesh_testkit::{Postgres, Server, Subscription, eventually, order};
use sea_orm::ConnectionTrait;
use sea_orm::sqlx::postgres::PgListener;

use crate::{not_here, replicas};

#[tokio::test(flavor = "multi_thread")]
async fn a_commit_is_followed_by_a_notice_that_names_its_replica() {
    if not_here() {
        return;
    }
    let (_postgres, database, servers) = replicas(2, |launch| launch).await;
    let mut listener = PgListener::connect(&database).await.unwrap();
    listener.listen("ordermesh_log").await.unwrap();
    let mut replicas = BTreeSet::new();
    for server in &servers {
        server.commands().place_order(order("TEA", 1, 450)).await.unwrap();
        let notice = soon("a notice", listener.recv()).await.unwrap();
        replicas.insert(notice.payload().to_owned());
    }
    assert_eq!(replicas.len(), servers.len(), "{replicas:?}");
}

/// Writes a copy of the first event as another replica would, without a notice.
async fn insert(database: &str, position: i64, kind: &str) {
    let sql = format!(
        "BEGIN; UPDATE log_head SET position = {position}; \
         INSERT INTO events SELECT copied.* FROM events, jsonb_populate_record(events, jsonb_build_object( \
             'position', {position}, 'event_id', gen_random_uuid(), 'key', gen_random_uuid(), 'kind', '{kind}' \
         )) AS copied; COMMIT"
    );
    connect(database).await.unwrap().execute_unprepared(&sql).await.unwrap();
}

/// A replica with one event, and a subscriber that has it.
async fn lived_in() -> (Postgres, String, Server, Subscription) {
    let (postgres, database, mut servers) = replicas(1, |launch| launch).await;
    let server = servers.remove(0);
    server.commands().place_order(order("TEA", 1, 450)).await.unwrap();
    let mut live = Subscription::open(&mut server.events(), SubscribeRequest::default()).await.unwrap();
    live.read_events(1).await;
    (postgres, database, server, live)
}

#[tokio::test(flavor = "multi_thread")]
async fn an_event_without_a_notice_reaches_a_live_subscriber() {
    if not_here() {
        return;
    }
    let (_postgres, database, _server, mut live) = lived_in().await;
    insert(&database, 2, "OrderCreated").await;
    live.read_events(2).await;
    assert_eq!(live.positions(), [1, 2]);
}

/// What is in the log then, and what the server says of it.
async fn ends_when(position: i64, kind: &str, says: &str) {
    let (_postgres, database, mut server, mut live) = lived_in().await;
    insert(&database, position, kind).await;
    live.read_to_end().await;
    assert_eq!(live.positions(), [1]);
    eventually!(server.has_ended(), "the server ends");
    assert!(server.stderr().contains(says), "{}", server.stderr());
}

#[tokio::test(flavor = "multi_thread")]
async fn a_replica_that_cannot_read_the_log_ends_instead_of_leaving_subscribers_without_events() {
    if not_here() {
        return;
    }
    tokio::join!(
        ends_when(2, "OrderTeleported", "unknown type OrderTeleported"),
        ends_when(3, "OrderCreated", "the log has a gap: position 3 follows 1"),
    );
}
