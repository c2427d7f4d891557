//! A feed is read to its end, or it is not read.

use ordermesh_proto::feed::v1::{CaughtUp, Closing, ClosingReason, EventBatch, Opened};

use super::*;

type Frames = Vec<Result<SubscribeResponse, Status>>;

fn frame(cursor: &str, frame: Frame) -> Result<SubscribeResponse, Status> {
    Ok(SubscribeResponse { cursor: cursor.to_owned(), frame: Some(frame), ..SubscribeResponse::default() })
}

fn opened(cursor: &str, start_position: i64) -> Result<SubscribeResponse, Status> {
    frame(cursor, Frame::Opened(Opened { start_position, ..Opened::default() }))
}

fn events(cursor: &str, events: &[&'static str]) -> Result<SubscribeResponse, Status> {
    let events = events.iter().map(|event| bytes::Bytes::from_static(event.as_bytes())).collect();
    frame(cursor, Frame::Events(EventBatch { events }))
}

fn shutdown(cursor: &str) -> Result<SubscribeResponse, Status> {
    frame(cursor, Frame::Closing(Closing { reason: ClosingReason::ServerShutdown.into() }))
}

fn caught_up() -> Result<SubscribeResponse, Status> {
    frame("end", Frame::CaughtUp(CaughtUp {}))
}

/// Reads what the server's streams give, one after the other and the last one again and again; the events, and where each
/// stream was asked to start.
async fn read(
    streams: Vec<Frames>,
) -> (Result<Reading, CollectError>, Vec<bytes::Bytes>, Vec<Option<Start>>) {
    let (mut taken, mut starts) = (Vec::new(), Vec::new());
    let open = |request: SubscribeRequest| {
        assert_eq!(request.until, Some(Until { bound: Some(Bound::CaughtUp(true)) }));
        let frames = streams[starts.len().min(streams.len() - 1)].clone();
        starts.push(request.start);
        std::future::ready(Ok(tokio_stream::iter(frames)))
    };
    let take = |event| {
        taken.push(event);
        Ok(())
    };
    let reading = each_event("Subscribe", open, take).await;
    (reading, taken, starts)
}

fn after(cursor: &str) -> Option<Start> {
    Some(Start::AfterCursor(cursor.to_owned()))
}

#[tokio::test]
async fn a_stream_that_ends_early_is_resumed_where_it_ended() {
    let streams = vec![
        vec![opened("start", 0), events("one", &["1"]), shutdown("one")],
        vec![opened("one", 1), events("two", &["2"])],
        vec![opened("two", 2), events("three", &["3"]), caught_up()],
    ];
    let (reading, taken, starts) = read(streams).await;
    assert_eq!(reading.unwrap(), Reading { truncated: false, time: 0 });
    assert_eq!(taken, ["1", "2", "3"]);
    assert_eq!(starts, [None, after("one"), after("two")]);
}

#[tokio::test]
async fn a_feed_that_never_tells_all_is_an_error_and_not_a_short_feed() {
    let (reading, taken, starts) = read(vec![vec![opened("start", 0), shutdown("start")]]).await;
    assert!(matches!(reading, Err(CollectError::Contract(_))), "{reading:?}");
    assert_eq!((taken.len(), starts.len()), (0, MAX_CUT_SHORT));
}

#[tokio::test]
async fn a_feed_without_its_beginning_says_so_wherever_it_was_resumed() {
    let streams = vec![
        vec![opened("start", 4), events("five", &["5"]), shutdown("five")],
        vec![opened("five", 5), caught_up()],
    ];
    assert!(read(streams).await.0.unwrap().truncated);
    let streams = vec![vec![opened("start", 0), shutdown("start")], vec![opened("start", 0), caught_up()]];
    assert!(!read(streams).await.0.unwrap().truncated);
}

#[tokio::test]
async fn a_server_that_cannot_answer_now_is_asked_again_and_one_that_refuses_is_not() {
    let mut answers = vec![Ok(Response::new("tea")), Err(Status::unavailable("busy"))];
    let ask = || std::future::ready(answers.pop().unwrap());
    assert_eq!(answer("List", ask).await.unwrap(), "tea");
    let mut answers = vec![Ok(Response::new("tea")), Err(Status::permission_denied("no"))];
    let ask = || std::future::ready(answers.pop().unwrap());
    assert!(answer("List", ask).await.is_err());
    assert_eq!(answers.len(), 1);
}
