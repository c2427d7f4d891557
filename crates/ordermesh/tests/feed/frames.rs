//! What a stream says between its first frame and its last.

use ordermesh_proto::feed::v1::subscribe_response::Frame;
use ordermesh_proto::feed::v1::{ClosingReason, SubscribeRequest};
use ordermesh_proto::order::v1::order_event::Payload;
use ordermesh_testkit::feed::until;
use ordermesh_testkit::order::contact;
use ordermesh_testkit::{Server, assert_log_is_sound, order, read_feed};

use crate::{BINARY, open, open_reluctantly, place, place_many, range, server_with};

#[tokio::test]
async fn every_frame_says_where_it_stands_and_the_first_one_is_opened() {
    let (server, _) = server_with(7).await;
    let bound = until(ordermesh_proto::feed::v1::until::Bound::CaughtUp(true));
    let request = SubscribeRequest { max_batch: 3, until: bound, ..SubscribeRequest::default() };
    let mut stream = open(&server, request).await;
    assert_eq!(stream.read_to_end().await, ClosingReason::UntilReached);
    let kinds: Vec<_> =
        stream.frames.iter().map(|frame| (name(frame.frame.as_ref().unwrap()), frame.position)).collect();
    let expected =
        [("opened", 0), ("events", 3), ("events", 6), ("events", 7), ("caught_up", 7), ("closing", 7)];
    assert_eq!(kinds, expected);
    for frame in &stream.frames {
        assert_eq!(frame.head_position, 7);
        assert!(!frame.cursor.is_empty() && frame.server_time.is_some());
        match frame.frame.as_ref().unwrap() {
            Frame::Opened(opened) => assert_eq!(opened.max_batch, 3),
            Frame::Events(batch) => assert!((1..=3).contains(&batch.events.len())),
            _ => {}
        }
    }
}

fn name(frame: &Frame) -> &'static str {
    match frame {
        Frame::Opened(_) => "opened",
        Frame::Events(_) => "events",
        Frame::Checkpoint(_) => "checkpoint",
        Frame::CaughtUp(_) => "caught_up",
        Frame::FellBehind(_) => "fell_behind",
        Frame::Heartbeat(_) => "heartbeat",
        Frame::Assignment(_) => "assignment",
        Frame::Closing(_) => "closing",
    }
}

#[tokio::test]
async fn a_heartbeat_breaks_the_silence_and_only_if_it_was_asked_for() {
    let (server, _) = server_with(1).await;
    let interval = prost_types::Duration { seconds: 0, nanos: 100_000_000 };
    let asked = SubscribeRequest { heartbeat_interval: Some(interval), ..SubscribeRequest::default() };
    let (mut asked, mut not) = (open(&server, asked).await, open(&server, SubscribeRequest::default()).await);
    for _ in 0..3 {
        asked.read_until("a heartbeat", |frame| matches!(frame, Frame::Heartbeat(_))).await;
        assert_eq!(asked.frames.last().unwrap().position, 1);
    }
    place(&server).await;
    not.read_events(2).await;
    assert!(!not.frames.iter().any(|frame| matches!(frame.frame, Some(Frame::Heartbeat(_)))));
    // A heartbeat's cursor is a place like any other.
    let mut resumed = open(&server, ordermesh_testkit::feed::after(&asked.cursor)).await;
    resumed.read_events(1).await;
    assert_eq!(resumed.positions(), [2]);
}

#[tokio::test]
async fn personal_data_comes_with_the_event_from_memory_and_from_the_log() {
    let mut server = Server::scratch(BINARY).await;
    server.commands().place_order(order("TEA", 1, 450).with_personal()).await.unwrap();
    let fresh = read_feed(&mut server.events()).await;
    // After a restart nothing is in memory.
    server.start_again().await;
    let stored = read_feed(&mut server.events()).await;
    assert_eq!(fresh, stored);
    let Some(Payload::OrderCreated(created)) = &stored[0].payload else { panic!("{stored:?}") };
    let personal = created.personal_data.as_ref().unwrap();
    assert_eq!(personal.contact, Some(contact()));
    assert!(personal.ship_to.is_some() && personal.bill_to.is_some());
}

/// A subscriber that stops reading costs nobody anything, is told that it fell behind, and misses nothing.
#[tokio::test(flavor = "multi_thread")]
async fn a_slow_subscriber_gets_everything() {
    let tail =
        |launch: ordermesh_testkit::Launch| launch.env("ORDERMESH_ORDER_COMMAND__FEED__TAIL_BYTES", "65536");
    let server = Server::scratch_with(BINARY, tail).await;
    let mut slow = open_reluctantly(&server, SubscribeRequest::default()).await;
    let mut fast = open(&server, SubscribeRequest::default()).await;
    slow.read_until("caught_up", |frame| matches!(frame, Frame::CaughtUp(_))).await;
    place(&server).await;
    slow.read_events(1).await;

    let placing = place_many(&server, 2_000);
    let ((), ()) = tokio::join!(placing, fast.read_events(2_001));
    assert_log_is_sound(&fast.events);
    slow.read_events(2_001).await;
    assert_eq!(slow.positions(), range(1..=2_001));
    assert_eq!(slow.events, fast.events);
    let behind =
        |frame: &Option<Frame>| matches!(frame, Some(Frame::FellBehind(behind)) if behind.lag_events > 0);
    assert!(slow.frames.iter().any(|frame| behind(&frame.frame)), "it is told that it fell behind");
    place(&server).await;
    slow.read_events(2_002).await;
}
