//! What one member gets, and when it gets it again.

use ordermesh_proto::feed::v1::subscribe_request::Start;
use ordermesh_proto::feed::v1::{DeliveryFailure, EventFilter, SubscribeRequest};
use ordermesh_testkit::Subscription;
use tonic::Code;

use crate::*;

#[tokio::test]
async fn a_keys_next_event_comes_when_the_one_before_is_acknowledged() {
    let server = server().await;
    let id = place(&server).await;
    cancel_order(&server, &id).await;
    place(&server).await;
    let mut member = Member::join(&server, "one").await;
    let first = member.take_count(2).await;
    assert_eq!(positions(&first), [1, 4]);
    assert_eq!(member.acknowledge(&server, &first[..1]).await, 1);
    assert_eq!(positions(&member.take().await), [2]);
    assert_eq!(member.acknowledge(&server, &first).await, 1, "the first one was acknowledged already");
    let group = get_group(&server).await.group.unwrap();
    assert_eq!((group.position, group.lag_events, group.unacknowledged_events), (1, 3, 1));
    assert!(group.lag_seconds > 0.0);
}

#[tokio::test]
async fn a_member_never_has_more_than_it_may() {
    let server = server().await;
    place_many(&server, 30).await;
    let mut member = Member::open(&server, "one", joining_with("one", 3)).await;
    let mut all = Vec::new();
    while all.len() < 30 {
        let events = member.take().await;
        let unacknowledged = get_group(&server).await.group.unwrap().unacknowledged_events;
        assert!(unacknowledged <= 3, "{unacknowledged}");
        member.acknowledge(&server, &events).await;
        all.extend(events);
    }
    assert_each_once_in_order(&all, 30);
}

#[tokio::test]
async fn what_is_not_acknowledged_in_time_comes_again_and_so_does_what_failed() {
    let server = server().await;
    place(&server).await;
    let mut member = Member::open(&server, "one", joining_with("one", 10)).await;
    assert_eq!(positions(&member.take().await), [1]);
    assert_eq!(positions(&member.take().await), [1]);
    member.acknowledge(&server, &member.stream.events[..1]).await;
    place(&server).await;
    assert_eq!(positions(&member.take().await), [2]);
    let failure = DeliveryFailure { position: 2, reason: "not now".to_owned(), park: false };
    member.say(&server, Vec::new(), vec![failure]).await.unwrap();
    assert_eq!(positions(&member.take().await), [2]);
}

#[tokio::test]
async fn start_and_filter_are_the_groups_and_another_one_is_refused() {
    let server = server().await;
    let id = place(&server).await;
    cancel_order(&server, &id).await;
    let filter = |name: &str| Some(EventFilter { types: vec![name.to_owned()], keys: Vec::new() });
    let latest = Some(Start::Latest(true));
    let request = SubscribeRequest { start: latest, filter: filter("OrderCreated"), ..joining("one") };
    let first = Member::open(&server, "one", request.clone()).await;
    drop(first);
    let id = place(&server).await;
    cancel_order(&server, &id).await;
    place(&server).await;
    for other in [
        SubscribeRequest { start: Some(Start::Earliest(true)), ..request.clone() },
        SubscribeRequest { filter: filter("OrderCancellationRequested"), ..request.clone() },
    ] {
        let refusal = Subscription::open(&mut server.events(), other).await.unwrap_err();
        refused(&refusal, Code::FailedPrecondition, "GROUP_MISMATCH");
    }
    let mut again = Member::open(&server, "one", joining("one")).await;
    assert_eq!(positions(&again.take_count(2).await), [4, 7]);
    Member::open(&server, "two", request).await;
}

#[tokio::test]
async fn a_killed_server_loses_nothing_and_repeats_only_what_was_not_acknowledged() {
    let mut server = server().await;
    place_many(&server, 20).await;
    let mut member = Member::join(&server, "one").await;
    let events = member.take_count(20).await;
    member.acknowledge(&server, &events[..15]).await;
    server.start_again().await;
    let mut member = Member::join(&server, "one").await;
    let repeated = member.take_count(5).await;
    assert_eq!(positions(&repeated), positions(&events[15..]));
    place(&server).await;
    assert_eq!(member.take_count(1).await[0].position, 21);
}
