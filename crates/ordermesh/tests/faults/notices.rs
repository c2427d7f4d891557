//! Replicas learn of each other's commits by notices and, should one be lost, by looking. Each way alone is enough, so
//! each is shown without the other.

use std::collections::BTreeSet;

use ordermesh_proto::feed::v1::SubscribeRequest;
use ordermesh_testkit::backend::connect;
use ordermesh_testkit::wait::soon;
use ordermesh_testkit::{Subscription, order};
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

#[tokio::test(flavor = "multi_thread")]
async fn an_event_without_a_notice_reaches_a_live_subscriber() {
    if not_here() {
        return;
    }
    let (_postgres, database, servers) = replicas(1, |launch| launch).await;
    servers[0].commands().place_order(order("TEA", 1, 450)).await.unwrap();
    let mut live = Subscription::open(&mut servers[0].events(), SubscribeRequest::default()).await.unwrap();
    live.read_events(1).await;
    const INSERT: &str = "BEGIN; UPDATE log_head SET position = 2; \
        INSERT INTO events SELECT copied.* FROM events, jsonb_populate_record(events, jsonb_build_object( \
            'position', 2, 'event_id', gen_random_uuid(), 'key', gen_random_uuid())) AS copied; COMMIT";
    connect(&database).await.unwrap().execute_unprepared(INSERT).await.unwrap();
    live.read_events(2).await;
    assert_eq!(live.positions(), [1, 2]);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_replica_that_cannot_read_an_event_of_a_newer_one_ends_instead_of_leaving_subscribers_without_events()
 {
    if not_here() {
        return;
    }
    let (_postgres, database, mut servers) = replicas(1, |launch| launch).await;
    let mut server = servers.remove(0);
    server.commands().place_order(order("TEA", 1, 450)).await.unwrap();
    let mut live = Subscription::open(&mut server.events(), SubscribeRequest::default()).await.unwrap();
    live.read_events(1).await;
    const INSERT: &str = "BEGIN; UPDATE log_head SET position = 2; \
        INSERT INTO events SELECT copied.* FROM events, jsonb_populate_record(events, jsonb_build_object( \
            'position', 2, 'event_id', gen_random_uuid(), 'key', gen_random_uuid(), 'kind', 'OrderTeleported' \
        )) AS copied; COMMIT";
    connect(&database).await.unwrap().execute_unprepared(INSERT).await.unwrap();
    live.read_to_end().await;
    assert_eq!(live.positions(), [1]);
    ordermesh_testkit::eventually!(server.has_ended(), "the server ends");
    assert!(server.stderr().contains("OrderTeleported"), "{}", server.stderr());
}
