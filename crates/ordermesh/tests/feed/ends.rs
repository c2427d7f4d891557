//! When a stream ends by itself: at the bound that the request set, and not a frame later.

use ordermesh_proto::feed::v1::until::Bound;
use ordermesh_proto::feed::v1::{ClosingReason, EventFilter, SubscribeRequest};
use ordermesh_testkit::Subscription;
use ordermesh_testkit::feed::{after, until};

use crate::{get_feed, open, place, range, server_with};

fn ending(bound: Bound) -> SubscribeRequest {
    SubscribeRequest { until: until(bound), ..SubscribeRequest::default() }
}

async fn assert_ends(stream: &mut Subscription, positions: Vec<i64>) {
    assert_eq!(stream.read_to_end().await, ClosingReason::UntilReached);
    assert_eq!(stream.positions(), positions);
}

#[tokio::test]
async fn caught_up_ends_after_what_was_the_newest_event_at_the_opening() {
    let (server, _) = server_with(4).await;
    assert_ends(&mut open(&server, ending(Bound::CaughtUp(true))).await, range(1..=4)).await;
    let head = get_feed(&server).await.head_cursor;
    let request = SubscribeRequest { until: until(Bound::CaughtUp(true)), ..after(&head) };
    assert_ends(&mut open(&server, request).await, vec![]).await;
}

#[tokio::test]
async fn a_position_ends_the_stream_even_if_it_is_still_to_come() {
    let (server, _) = server_with(4).await;
    assert_ends(&mut open(&server, ending(Bound::Position(2))).await, vec![1, 2]).await;
    assert_ends(&mut open(&server, ending(Bound::Position(0))).await, vec![]).await;
    let passed =
        SubscribeRequest { until: until(Bound::Position(1)), ..after(&get_feed(&server).await.head_cursor) };
    assert_ends(&mut open(&server, passed).await, vec![]).await;

    let mut waiting = open(&server, ending(Bound::Position(6))).await;
    waiting.read_events(4).await;
    for _ in 0..3 {
        place(&server).await;
    }
    assert_ends(&mut waiting, range(1..=6)).await;
}

#[tokio::test]
async fn so_many_events_end_the_stream_counting_only_those_that_pass() {
    let (server, ids) = server_with(5).await;
    assert_ends(&mut open(&server, ending(Bound::MaxEvents(3))).await, vec![1, 2, 3]).await;
    let keys = vec![ids[1].clone(), ids[3].clone(), ids[4].clone()];
    let filter = Some(EventFilter { types: vec![], keys });
    let request = SubscribeRequest { filter, ..ending(Bound::MaxEvents(2)) };
    let mut stream = open(&server, request).await;
    assert_ends(&mut stream, vec![2, 4]).await;
    // The last cursor is a place to go on from.
    let mut rest = open(&server, SubscribeRequest { max_batch: 1, ..after(&stream.cursor) }).await;
    rest.read_events(1).await;
    assert_eq!(rest.positions(), [5]);

    let mut waiting = open(&server, ending(Bound::MaxEvents(6))).await;
    waiting.read_events(5).await;
    place(&server).await;
    assert_ends(&mut waiting, range(1..=6)).await;
}
