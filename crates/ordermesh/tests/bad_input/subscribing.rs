//! Subscriptions that ask for what a feed cannot give.

use ordermesh_proto::feed::v1::subscribe_request::Start;
use ordermesh_proto::feed::v1::until::Bound;
use ordermesh_proto::feed::v1::{EventFilter, GetFeedRequest, Shard, SubscribeRequest};
use ordermesh_testkit::feed::{after, until};
use ordermesh_testkit::problem::Refusal;
use ordermesh_testkit::{Server, Subscription, assert_refused, order};
use prost_types::{Duration, Timestamp};
use tonic::Code;

use crate::{assert_nothing_written, untouched_server};

async fn refusal(
    server: &Server,
    request: SubscribeRequest,
    code: Code,
    reason: &str,
    field: &str,
) -> Refusal {
    eprintln!("case: {request:?}");
    let refused = Subscription::open(&mut server.events(), request).await;
    assert_refused(refused, code, reason, Some(field))
}

async fn assert_invalid(cases: Vec<(SubscribeRequest, &str)>) {
    let server = untouched_server().await;
    for (request, field) in cases {
        refusal(&server, request, Code::InvalidArgument, "INVALID_REQUEST", field).await;
    }
    assert_nothing_written(server).await;
}

fn starting(start: Start) -> SubscribeRequest {
    SubscribeRequest { start: Some(start), ..SubscribeRequest::default() }
}

fn ending(bound: Bound) -> SubscribeRequest {
    SubscribeRequest { until: until(bound), ..SubscribeRequest::default() }
}

fn types(names: &[&str]) -> SubscribeRequest {
    let types = names.iter().map(|name| (*name).to_owned()).collect();
    SubscribeRequest { filter: Some(EventFilter { types, keys: vec![] }), ..SubscribeRequest::default() }
}

#[tokio::test]
async fn a_start_that_is_none_is_refused() {
    let cases = vec![
        (starting(Start::AfterPosition(-1)), "after_position"),
        (starting(Start::AfterPosition(i64::MIN)), "after_position"),
        (starting(Start::Earliest(false)), "earliest"),
        (starting(Start::Latest(false)), "latest"),
        (starting(Start::Since(Timestamp { seconds: 0, nanos: 1_000_000_000 })), "since"),
        (starting(Start::Since(Timestamp { seconds: i64::MAX, nanos: 0 })), "since"),
    ];
    assert_invalid(cases).await;
}

#[tokio::test]
async fn an_end_that_is_none_is_refused() {
    let cases = vec![
        (ending(Bound::CaughtUp(false)), "until.caught_up"),
        (ending(Bound::Position(-1)), "until.position"),
        (ending(Bound::MaxEvents(0)), "until.max_events"),
        (ending(Bound::MaxEvents(-7)), "until.max_events"),
    ];
    assert_invalid(cases).await;
}

#[tokio::test]
async fn a_shard_batch_or_heartbeat_out_of_range_is_refused() {
    let shard = |index, count| SubscribeRequest { shard: Some(Shard { index, count }), ..Default::default() };
    let batch = |max_batch| SubscribeRequest { max_batch, ..Default::default() };
    let heartbeat = |seconds, nanos| SubscribeRequest {
        heartbeat_interval: Some(Duration { seconds, nanos }),
        ..Default::default()
    };
    let mut cases: Vec<_> =
        [(0, 0), (0, -1), (-1, 4), (4, 4), (5, 4), (0, 1_025)].map(|(i, c)| (shard(i, c), "shard")).into();
    cases.extend([-1, 10_001, i32::MAX].map(|count| (batch(count), "max_batch")));
    let silences = [(0, 0), (0, 99_999_999), (3_600, 1), (-1, 0), (i64::MAX, 0), (0, -5)];
    cases.extend(silences.map(|(seconds, nanos)| (heartbeat(seconds, nanos), "heartbeat_interval")));
    assert_invalid(cases).await;
}

#[tokio::test]
async fn a_filter_with_too_many_entries_is_refused() {
    let keys = EventFilter { types: vec![], keys: vec!["x".to_owned(); 1_001] };
    let keys = SubscribeRequest { filter: Some(keys), ..SubscribeRequest::default() };
    assert_invalid(vec![(types(&["OrderCreated"; 101]), "filter.types"), (keys, "filter.keys")]).await;
}

#[tokio::test]
async fn an_unknown_event_type_is_refused_by_its_name() {
    let server = untouched_server().await;
    let request = types(&["OrderCreated", "OrderShipped"]);
    let code = Code::InvalidArgument;
    let refusal = refusal(&server, request, code, "UNKNOWN_EVENT_TYPE", "filter.types[1]").await;
    assert_eq!(refusal.metadata["event_type"], "OrderShipped");
    assert_nothing_written(server).await;
}

#[tokio::test]
async fn text_that_is_no_cursor_is_refused() {
    let server = untouched_server().await;
    let long = "A".repeat(513);
    for text in ["", "garbage!", "AAAA", "🦀", &long] {
        refusal(&server, after(text), Code::InvalidArgument, "INVALID_CURSOR", "after_cursor").await;
    }
    assert_nothing_written(server).await;
}

#[tokio::test]
async fn a_cursor_of_another_feed_is_refused() {
    let (server, other) = (untouched_server().await, untouched_server().await);
    let cursor_of = async |server: &Server| {
        server.events().get_feed(GetFeedRequest {}).await.unwrap().into_inner().head_cursor
    };
    let at_start = cursor_of(&other).await;
    other.commands().place_order(order("TEA", 1, 450)).await.unwrap();
    let at_one = cursor_of(&other).await;
    for cursor in [at_start, at_one] {
        refusal(&server, after(&cursor), Code::FailedPrecondition, "FEED_DIVERGED", "after_cursor").await;
    }
    assert_nothing_written(server).await;
}

#[tokio::test]
async fn a_position_past_the_head_is_refused() {
    let server = untouched_server().await;
    for position in [1, i64::MAX] {
        let request = starting(Start::AfterPosition(position));
        refusal(&server, request, Code::FailedPrecondition, "FEED_DIVERGED", "after_position").await;
    }
    assert_nothing_written(server).await;
}
