//! Where a stream starts: at the beginning, after a cursor or position, at a time, or now.

use ordermesh_proto::event_types::ORDER_V1;
use ordermesh_proto::feed::v1::subscribe_request::Start;
use ordermesh_proto::feed::v1::subscribe_response::Frame;
use ordermesh_proto::feed::v1::{Opened, SubscribeRequest};
use ordermesh_testkit::backend::copy_all;
use ordermesh_testkit::feed::{after, read};
use ordermesh_testkit::{Server, Subscription, assert_log_is_sound, assert_refused, order, read_feed};
use tonic::Code;

use crate::{BINARY, get_feed, open, place, range, server_with, starting};

async fn opened(subscription: &mut Subscription) -> Opened {
    match subscription.next().await.unwrap() {
        Some(Frame::Opened(opened)) => opened,
        other => panic!("the first frame is opened, not {other:?}"),
    }
}

#[tokio::test]
async fn an_empty_request_reads_from_the_earliest_event_and_follows() {
    let (server, ids) = server_with(3).await;
    let mut stream = open(&server, SubscribeRequest::default()).await;
    let first = opened(&mut stream).await;
    assert_eq!((first.feed_id, first.start_position), (get_feed(&server).await.feed_id, 0));
    assert!(first.max_batch > 0);
    stream.read_until("caught_up", |frame| matches!(frame, Frame::CaughtUp(_))).await;
    assert_eq!(stream.positions(), range(1..=3));

    let newest = place(&server).await;
    stream.read_events(4).await;
    let keys: Vec<_> = stream.events.iter().map(|event| event.key.clone()).collect();
    assert_eq!(keys, [ids, vec![newest]].concat());
    assert_log_is_sound(&stream.events);
}

#[tokio::test]
async fn an_empty_log_is_caught_up_at_once_and_then_followed() {
    let server = Server::scratch(BINARY).await;
    let feed = get_feed(&server).await;
    assert_eq!((feed.head_position, feed.earliest_position, feed.head_time), (0, 0, None));
    assert_eq!(feed.key_description, "order id");
    assert_eq!(feed.event_types, ORDER_V1.iter().map(|kind| kind.name).collect::<Vec<_>>());
    // The cursor of an empty log is a place like any other.
    for request in [SubscribeRequest::default(), after(&feed.head_cursor)] {
        let mut stream = open(&server, request).await;
        stream.read_until("caught_up", |frame| matches!(frame, Frame::CaughtUp(_))).await;
        assert!(stream.events.is_empty());
    }
    let mut stream = open(&server, after(&feed.head_cursor)).await;
    place(&server).await;
    stream.read_events(1).await;
}

#[tokio::test]
async fn any_cursor_resumes_without_loss_or_double() {
    let (server, _) = server_with(9).await;
    let request = SubscribeRequest { max_batch: 2, ..SubscribeRequest::default() };
    let mut whole = open(&server, request).await;
    whole.read_events(9).await;
    assert!(whole.frames.len() > 5);
    for frame in &whole.frames {
        let rest = read(&mut server.events(), after(&frame.cursor)).await;
        let positions: Vec<_> = rest.iter().map(|event| event.position).collect();
        assert_eq!(positions, range(frame.position + 1..=9), "after {frame:?}");
        assert!(frame.cursor.bytes().all(|byte| byte.is_ascii_alphanumeric() || b"-_".contains(&byte)));
    }
}

#[tokio::test]
async fn a_cursor_outlives_the_process_that_gave_it() {
    let (mut server, _) = server_with(4).await;
    let request = SubscribeRequest { max_batch: 3, ..SubscribeRequest::default() };
    let mut stream = open(&server, request).await;
    stream.read_events(3).await;
    server.start_again().await;
    place(&server).await;
    let rest = read(&mut server.events(), after(&stream.cursor)).await;
    assert_eq!(rest.iter().map(|event| event.position).collect::<Vec<_>>(), [4, 5]);
}

#[tokio::test]
async fn a_position_and_the_earliest_and_the_latest_event_are_starts_too() {
    let (server, _) = server_with(5).await;
    let positions = async |start| {
        let events = read(&mut server.events(), starting(start)).await;
        events.iter().map(|event| event.position).collect::<Vec<_>>()
    };
    assert_eq!(positions(Start::AfterPosition(0)).await, range(1..=5));
    assert_eq!(positions(Start::AfterPosition(3)).await, [4, 5]);
    assert_eq!(positions(Start::AfterPosition(5)).await, Vec::<i64>::new());
    assert_eq!(positions(Start::Earliest(true)).await, range(1..=5));
    let mut latest = open(&server, starting(Start::Latest(true))).await;
    assert_eq!(opened(&mut latest).await.start_position, 5);
    place(&server).await;
    latest.read_events(1).await;
    assert_eq!(latest.positions(), [6]);
}

#[tokio::test]
async fn since_starts_at_the_first_event_recorded_then_or_later() {
    let (server, _) = server_with(12).await;
    let log = read_feed(&mut server.events()).await;
    let time = |index: usize| log[index].recorded_time.unwrap();
    let order_of = |time: prost_types::Timestamp| (time.seconds, time.nanos);
    for index in 0..log.len() {
        let expected =
            log.iter().filter(|event| order_of(event.recorded_time.unwrap()) >= order_of(time(index)));
        let expected: Vec<_> = expected.map(|event| event.position).collect();
        let read = read(&mut server.events(), starting(Start::Since(time(index)))).await;
        assert_eq!(read.iter().map(|event| event.position).collect::<Vec<_>>(), expected);
    }
    let distant = |seconds| starting(Start::Since(prost_types::Timestamp { seconds, nanos: 0 }));
    assert_eq!(read(&mut server.events(), distant(0)).await.len(), 12);
    assert!(read(&mut server.events(), distant(time(11).seconds + 3_600)).await.is_empty());
}

/// A backup is taken, life goes on, the backup is restored: cursors of the lost time must not resume silently.
#[tokio::test]
async fn a_cursor_of_a_time_that_a_restored_backup_does_not_know_is_refused() {
    let data = tempfile::tempdir().unwrap();
    let [live, backup] = ["live", "backup"].map(|name| data.path().join(name));
    let mut server = Server::orders(BINARY, &live).await;
    place(&server).await;
    let kept = get_feed(&server).await.head_cursor;
    server.terminate().await;
    copy_all(&live, &backup).await;
    server.start_again().await;
    place(&server).await;
    let lost = get_feed(&server).await.head_cursor;
    server.terminate().await;

    let restored = Server::orders(BINARY, &backup).await;
    let resume = async |cursor| Subscription::open(&mut restored.events(), after(cursor)).await;
    let past_the_head = resume(&lost).await;
    assert_refused(past_the_head, Code::FailedPrecondition, "FEED_DIVERGED", Some("after_cursor"));
    restored.commands().place_order(order("MUG", 1, 1_299)).await.unwrap();
    let another_event = resume(&lost).await;
    assert_refused(another_event, Code::FailedPrecondition, "FEED_DIVERGED", Some("after_cursor"));
    let mut stream = resume(&kept).await.unwrap();
    stream.read_events(1).await;
    assert_eq!(stream.positions(), [2]);
}
