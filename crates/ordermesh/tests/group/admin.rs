//! Looking at groups, resetting and deleting them; registered subscribers; bad input.

use ordermesh_proto::feed::v1::replay_parked_events_request::What;
use ordermesh_proto::feed::v1::reset_group_request::To;
use ordermesh_proto::feed::v1::subscribe_request::Start;
use ordermesh_proto::feed::v1::{
    DeleteGroupRequest, DiscardParkedEventsRequest, ForgetSubscriberRequest, GetFeedRequest,
    ListGroupsRequest, ListParkedEventsRequest, ListSubscribersRequest, ParkedKeys,
    ReplayParkedEventsRequest, ReportCheckpointRequest, ResetGroupRequest, Shard,
};
use ordermesh_testkit::{Subscription, eventually};
use tonic::Code;

use crate::*;

fn reset(to: To, force: bool) -> ResetGroupRequest {
    ResetGroupRequest { group: GROUP.to_owned(), to: Some(to), force }
}

#[tokio::test]
async fn a_reset_group_starts_elsewhere_and_is_refused_while_members_are_live() {
    let server = server().await;
    for _ in 0..3 {
        place(&server).await;
    }
    let mut member = Member::join(&server, "one").await;
    let events = member.take_count(3).await;
    member.acknowledge(&server, &events).await;
    let mut client = server.events();
    let refusal = client.reset_group(reset(To::Earliest(true), false)).await.unwrap_err();
    refused(&refusal, Code::FailedPrecondition, "GROUP_MEMBERS_LIVE");
    let to = To::AfterPosition(1);
    assert_eq!(client.reset_group(reset(to, true)).await.unwrap().into_inner().position, 1);
    refused(&member.end().await, Code::Aborted, "LEASE_LOST");
    let mut member = Member::join(&server, "one").await;
    assert_eq!(positions(&member.take_count(2).await), [2, 3]);
    drop(member);
    eventually!(
        client.delete_group(DeleteGroupRequest { group: GROUP.to_owned(), force: false }).await,
        "a member that left is live no more"
    );
    let gone = client.get_group(GetGroupRequest { group: GROUP.to_owned() }).await.unwrap_err();
    refused(&gone, Code::NotFound, "GROUP_NOT_FOUND");
}

/// A time so many hours from now.
fn hours_from_now(hours: i64) -> prost_types::Timestamp {
    let now = ordermesh_kernel::Clock::now(&ordermesh_kernel::SystemClock);
    prost_types::Timestamp { seconds: now.as_second() + hours * 3600, nanos: 0 }
}

#[tokio::test]
async fn a_reset_group_forgets_the_time_that_it_was_made_with_and_keeps_the_one_it_is_reset_to() {
    let server = server().await;
    for _ in 0..3 {
        place(&server).await;
    }
    let future = SubscribeRequest { start: Some(Start::Since(hours_from_now(1))), ..joining("one") };
    drop(Member::open(&server, "one", future.clone()).await);
    let mut client = server.events();
    client.reset_group(reset(To::Earliest(true), true)).await.unwrap();
    // Members that go on saying how the group was made are as welcome as those that do not.
    let mut member = Member::open(&server, "one", future).await;
    assert_eq!(positions(&member.take_count(3).await), [1, 2, 3]);
    let to = To::Since(hours_from_now(1));
    client.reset_group(reset(to, true)).await.unwrap();
    let mut member = Member::join(&server, "one").await;
    place(&server).await;
    eventually!(get_group(&server).await.group.unwrap().lag_events == 0, "it reads on");
    assert_eq!(get_group(&server).await.group.unwrap().unacknowledged_events, 0, "the time has not come");
    client.reset_group(reset(To::Since(hours_from_now(-1)), true)).await.unwrap();
    refused(&member.end().await, Code::Aborted, "LEASE_LOST");
    assert_eq!(member.stream.positions(), [0; 0]);
    let mut member = Member::join(&server, "one").await;
    assert_eq!(positions(&member.take_count(4).await), [1, 2, 3, 4]);
}

#[tokio::test]
async fn keys_that_no_event_can_have_and_tokens_that_no_list_gave_are_refused() {
    let server = server().await;
    drop(Member::join(&server, "one").await);
    let mut events = server.events();
    for key in ["o\0".to_owned(), "o".repeat(513)] {
        let group = GROUP.to_owned();
        let list = ListParkedEventsRequest { group: group.clone(), key: key.clone(), ..Default::default() };
        refused(
            &events.list_parked_events(list).await.unwrap_err(),
            Code::InvalidArgument,
            "INVALID_REQUEST",
        );
        let what = Some(What::Keys(ParkedKeys { keys: vec!["o".to_owned(), key.clone()] }));
        let replay = ReplayParkedEventsRequest { group: group.clone(), what };
        refused(
            &events.replay_parked_events(replay).await.unwrap_err(),
            Code::InvalidArgument,
            "INVALID_REQUEST",
        );
        let discard = DiscardParkedEventsRequest { group, key, up_to_position: 0 };
        refused(
            &events.discard_parked_events(discard).await.unwrap_err(),
            Code::InvalidArgument,
            "INVALID_REQUEST",
        );
    }
    // "groups", a line feed, and a NUL.
    let list = ListGroupsRequest { page_size: 1, page_token: "Z3JvdXBzCgA".to_owned() };
    refused(&events.list_groups(list).await.unwrap_err(), Code::InvalidArgument, "INVALID_PAGE_TOKEN");
}

#[tokio::test]
async fn groups_are_listed_page_by_page() {
    let server = server().await;
    for name in ["a", "b", "c"] {
        let mut request = joining("one");
        request.group.as_mut().unwrap().name = name.to_owned();
        Subscription::open(&mut server.events(), request).await.unwrap();
    }
    let list = async |page_token: String| {
        let request = ListGroupsRequest { page_size: 2, page_token };
        server.events().list_groups(request).await.unwrap().into_inner()
    };
    let first = list(String::new()).await;
    let second = list(first.next_page_token.clone()).await;
    let names: Vec<_> = first.groups.iter().chain(&second.groups).map(|group| group.name.as_str()).collect();
    assert_eq!(names, ["a", "b", "c"]);
    assert_eq!(second.next_page_token, "");
}

#[tokio::test]
async fn a_subscriber_reports_its_place_and_is_forgotten_when_asked() {
    let (server, other) = (server().await, server().await);
    for server in [&server, &other] {
        place(server).await;
    }
    let cursor = async |server: &Server| {
        server.events().get_feed(GetFeedRequest {}).await.unwrap().into_inner().head_cursor
    };
    let report = |cursor| ReportCheckpointRequest { subscriber: "order-query-2".to_owned(), cursor };
    let mut events = server.events();
    events.report_checkpoint(report(cursor(&server).await)).await.unwrap();
    let refusal = events.report_checkpoint(report(cursor(&other).await)).await.unwrap_err();
    refused(&refusal, Code::FailedPrecondition, "FEED_DIVERGED");
    place(&server).await;
    let listed = events.list_subscribers(ListSubscribersRequest::default()).await.unwrap().into_inner();
    let ours = listed.subscribers.iter().find(|it| it.name == "order-query-2").unwrap();
    assert_eq!((ours.position, ours.lag_events), (1, 1));
    let forget = || ForgetSubscriberRequest { subscriber: "order-query-2".to_owned() };
    events.forget_subscriber(forget()).await.unwrap();
    let refusal = events.forget_subscriber(forget()).await.unwrap_err();
    refused(&refusal, Code::NotFound, "SUBSCRIBER_NOT_FOUND");
}

#[tokio::test]
async fn a_request_that_breaks_a_rule_of_groups_is_refused_and_makes_no_group() {
    let server = server().await;
    let change = |change: fn(&mut SubscribeRequest)| {
        let mut request = joining("one");
        change(&mut request);
        request
    };
    for request in [
        change(|it| it.shard = Some(Shard { index: 0, count: 2 })),
        change(|it| {
            it.until = ordermesh_testkit::feed::until(ordermesh_proto::feed::v1::until::Bound::CaughtUp(true))
        }),
        change(|it| it.group.as_mut().unwrap().name = "Billing".to_owned()),
        change(|it| it.group.as_mut().unwrap().member = "a b".to_owned()),
        change(|it| it.group.as_mut().unwrap().max_unacknowledged = 10_001),
        change(|it| {
            it.group.as_mut().unwrap().ack_timeout = Some(prost_types::Duration { seconds: 0, nanos: 1 });
        }),
    ] {
        let refusal = Subscription::open(&mut server.events(), request).await.unwrap_err();
        refused(&refusal, Code::InvalidArgument, "INVALID_REQUEST");
    }
    let listed = server.events().list_groups(ListGroupsRequest::default()).await.unwrap().into_inner();
    assert!(listed.groups.is_empty());
}
