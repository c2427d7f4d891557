//! Looking at groups, resetting and deleting them; registered subscribers; bad input.

use ordermesh_proto::feed::v1::reset_group_request::To;
use ordermesh_proto::feed::v1::{
    DeleteGroupRequest, ForgetSubscriberRequest, GetFeedRequest, ListGroupsRequest, ListSubscribersRequest,
    ReportCheckpointRequest, ResetGroupRequest, Shard,
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
