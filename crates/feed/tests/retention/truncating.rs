//! A truncated log: what goes is archived, what stays is served, and nobody jumps over the hole.

use std::path::PathBuf;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};

use futures_util::StreamExt;
use ordermesh_feed::archive::{Range, check, export, import};
use ordermesh_feed::log::{FeedSource, PageError};
use ordermesh_feed::retention::{Holder, TruncateError, Truncated, slowest_subscriber, truncate};
use ordermesh_feed::serve::FeedServer;
use ordermesh_feed::token::LogPosition;
use ordermesh_kernel::{EventId, from_micros};
use ordermesh_proto::error::Problem;
use ordermesh_proto::feed::v1::subscribe_request::Start;
use ordermesh_proto::feed::v1::subscribe_response::Frame;
use ordermesh_proto::feed::v1::until::Bound;
use ordermesh_proto::feed::v1::{SubscribeRequest, Until};
use tonic::{Code, Status};

use ordermesh_testkit::house::{House, SCHEMA, START};

async fn truncate_to(house: &House, position: i64) -> Result<Truncated, TruncateError> {
    truncate(&house.db, "key", position, &archive(house), &|_, _, _| {}).await
}

fn archive(house: &House) -> PathBuf {
    house.files.path().join("archive")
}

/// Number of events that a subscription gets up to the head, or its refusal.
async fn read(server: &FeedServer, start: Option<Start>) -> Result<usize, Status> {
    let until = Some(Until { bound: Some(Bound::CaughtUp(true)) });
    let request = SubscribeRequest { start, until, ..SubscribeRequest::default() };
    let mut frames = server.subscribe(request).await.map_err(Status::from)?;
    let mut events = 0;
    while let Some(frame) = frames.next().await {
        if let Some(Frame::Events(batch)) = frame?.frame {
            events += batch.events.len();
        }
    }
    Ok(events)
}

/// The cursor at a position of a log as it is now.
async fn cursor(house: &House, position: i64) -> LogPosition {
    let log = house.log().await;
    let event_id = log.event_id_at(position).await.unwrap();
    assert!(event_id.is_some());
    LogPosition { feed_id: log.feed_id(), position, event_id }
}

fn after(place: &LogPosition) -> Option<Start> {
    Some(Start::AfterCursor(place.to_cursor()))
}

#[tokio::test]
async fn what_was_truncated_is_in_the_archive_and_what_stays_is_served() {
    let house = House::with_events(2_500).await;
    let before = house.dump().await;
    let truncated = truncate_to(&house, 2_101).await.unwrap();
    assert_eq!((truncated.deleted, truncated.archived.last_position), (2_100, 2_100));
    assert_eq!(house.dump().await, before[2_100..]);
    let server = house.server().await;
    assert_eq!(read(&server, None).await.unwrap(), 400);
    assert_eq!(server.get_feed().await.unwrap().earliest_position, 2_101);

    // The archive and what is exported of the rest make the whole log again.
    let rest = house.files.path().join("rest");
    export(&house.db, "key", &rest, Range::default(), &|_, _, _| {}).await.unwrap();
    let copy = House::empty().await;
    for path in [archive(&house), rest] {
        let checked = check(SCHEMA, &path, &|_, _, _| {}).unwrap();
        import(&copy.db, checked, &|_, _, _| {}).await.unwrap();
    }
    assert_eq!(copy.dump().await, before);
}

#[tokio::test]
async fn a_cursor_at_the_boundary_is_compared_and_served_and_an_earlier_one_is_refused() {
    let house = House::with_events(30).await;
    let (at, earlier) = (cursor(&house, 20).await, cursor(&house, 19).await);
    truncate_to(&house, 21).await.unwrap();
    let server = house.server().await;
    assert_eq!(read(&server, after(&at)).await.unwrap(), 10);
    let other = LogPosition { event_id: Some(EventId::from(uuid::Uuid::now_v7())), ..at };
    let diverged = read(&server, after(&other)).await.unwrap_err();
    assert_eq!(diverged.code(), Code::FailedPrecondition, "{diverged}");
    let since = |second: i64| from_micros(START + second * 1_000_000).unwrap();
    let since = |second| Some(Start::Since(ordermesh_feed::event::wire_time(since(second))));
    for gone in [after(&earlier), Some(Start::AfterPosition(3)), since(20)] {
        let refused = read(&server, gone).await.unwrap_err();
        assert_eq!(refused.code(), Code::OutOfRange, "{refused}");
    }
    assert_eq!(read(&server, Some(Start::AfterPosition(20))).await.unwrap(), 10);
    assert_eq!(read(&server, since(21)).await.unwrap(), 10);
}

#[tokio::test]
async fn a_log_of_which_nothing_is_left_goes_on_where_it_was() {
    let house = House::with_events(5).await;
    let at = cursor(&house, 5).await;
    truncate_to(&house, 6).await.unwrap();
    let server = house.server().await;
    let feed = server.get_feed().await.unwrap();
    assert_eq!((feed.earliest_position, feed.head_position), (6, 5));
    assert_eq!(feed.head_cursor, at.to_cursor());
    assert_eq!(read(&server, None).await.unwrap(), 0);
    assert_eq!(read(&server, after(&at)).await.unwrap(), 0);
    let refused = read(&server, Some(Start::AfterPosition(4))).await.unwrap_err();
    assert_eq!(refused.code(), Code::OutOfRange);
    house.append(2).await;
    assert_eq!(read(&house.server().await, after(&at)).await.unwrap(), 2);
}

#[tokio::test]
async fn a_subscriber_in_the_middle_of_what_goes_is_told_instead_of_jumping_over_it() {
    let house = House::with_events(2_500).await;
    // A server that runs on: it opened the log before.
    let log = Arc::new(house.log().await);
    let first = log.page(0, 100).await.unwrap();
    assert_eq!(first.events.len(), 100);
    truncate_to(&house, 2_001).await.unwrap();
    let refused = log.page(100, 100).await;
    let told = matches!(refused, Err(PageError::Truncated { position: 100, earliest: 2_001 }));
    assert!(told, "{refused:?}");
    assert_eq!(log.page(2_000, 100).await.unwrap().events[0].position, 2_001);
    truncate(&house.db, "key", 2_501, &house.files.path().join("2"), &|_, _, _| {}).await.unwrap();
    assert!(matches!(log.page(2_000, 100).await, Err(PageError::Truncated { .. })), "nothing is left");
    assert!(log.page(2_500, 100).await.unwrap().events.is_empty());
}

#[tokio::test]
async fn a_gap_that_no_truncation_explains_is_an_error_and_not_jumped_over() {
    let house = House::with_events(10).await;
    house.run("DELETE FROM events WHERE position = 1").await;
    let log = house.log().await;
    assert!(matches!(log.page(0, 100).await, Err(PageError::Store(_))));
}

#[tokio::test]
async fn nothing_goes_that_the_slowest_registered_subscriber_still_needs() {
    let house = House::with_events(10).await;
    house
        .run("CREATE TABLE IF NOT EXISTS subscribers (name TEXT PRIMARY KEY, position BIGINT NOT NULL)")
        .await;
    assert_eq!(slowest_subscriber(&house.db).await.unwrap(), None);
    house.run("INSERT INTO subscribers (name, position) VALUES ('billing', 4), ('mail', 9)").await;
    let refused = truncate_to(&house, 6).await.unwrap_err();
    assert!(
        matches!(&refused, TruncateError::StillNeeded(who) if who.name == "billing" && who.position == 4)
    );
    assert!(refused.to_string().contains("`ordermesh feed forget-subscriber billing`"), "{refused}");
    assert!(!archive(&house).exists() && house.events().await == 10);
    assert_eq!(truncate_to(&house, 5).await.unwrap().deleted, 4);
    house.run("DELETE FROM subscribers WHERE name = 'billing'").await;
    let path = house.files.path().join("2");
    assert_eq!(truncate(&house.db, "key", 10, &path, &|_, _, _| {}).await.unwrap().deleted, 5);
}

#[tokio::test]
async fn a_group_that_still_needs_what_would_go_is_to_be_deleted_and_not_forgotten() {
    let house = House::with_events(10).await;
    house
        .run("CREATE TABLE IF NOT EXISTS group_slots (group_name TEXT PRIMARY KEY, position BIGINT NOT NULL)")
        .await;
    house.run("INSERT INTO group_slots (group_name, position) VALUES ('mailers', 4)").await;
    let refused = truncate_to(&house, 6).await.unwrap_err();
    assert!(matches!(&refused, TruncateError::StillNeeded(who) if who.kind == Holder::Group));
    assert!(refused.to_string().starts_with("the group mailers has come to position 4"), "{refused}");
    assert!(refused.to_string().contains("`ordermesh feed delete-group mailers`"), "{refused}");
}

#[tokio::test]
async fn a_truncation_that_was_cut_short_goes_on_with_its_own_archive_and_no_other() {
    let house = House::with_events(2_500).await;
    let path = archive(&house);
    let range = Range { from: None, to: Some(2_200) };
    export(&house.db, "key", &path, range, &|_, _, _| {}).await.unwrap();
    // What one batch leaves behind, as when the process is killed after it.
    let half = house.files.path().join("half");
    truncate(&house.db, "key", 1_001, &half, &|_, _, _| {}).await.unwrap();
    let other = truncate(&house.db, "key", 2_101, &path, &|_, _, _| {}).await;
    assert!(matches!(other, Err(TruncateError::OtherArchive { .. })), "{other:?}");
    let done = truncate(&house.db, "key", 2_201, &path, &|_, _, _| {}).await.unwrap();
    assert_eq!((done.deleted, done.archived.first_position), (1_200, 1));
    assert!(matches!(truncate_to(&house, 2_201).await, Err(TruncateError::Nothing(2_201))));
}

#[tokio::test]
async fn the_boundary_moves_with_every_batch() {
    let house = House::with_events(2_500).await;
    let batches = AtomicU64::new(0);
    let progress = |doing: &str, _, _| {
        batches.fetch_add(u64::from(doing == "deleting"), Ordering::Relaxed);
    };
    truncate(&house.db, "key", 2_401, &archive(&house), &progress).await.unwrap();
    assert_eq!(batches.load(Ordering::Relaxed), 3);
    let boundary = house.number("SELECT truncated_position AS value FROM log_head").await;
    assert_eq!(boundary, 2_400);
}

#[tokio::test]
async fn past_the_head_nothing_can_be_truncated() {
    let house = House::with_events(3).await;
    let refused = truncate_to(&house, 5).await.unwrap_err();
    assert!(
        matches!(refused, TruncateError::BeyondHead { earliest: 1, head: 3, position: 5 }),
        "{refused:?}"
    );
    let said =
        "the log holds the positions 1 to 3: truncate before position 4 at most, not before position 5";
    assert_eq!(refused.to_string(), said);
    assert!(matches!(truncate_to(&house, 1).await, Err(TruncateError::Nothing(1))));
    assert_eq!(house.events().await, 3);
}

#[tokio::test]
async fn a_refusal_of_a_truncated_start_tells_where_the_log_starts() {
    let house = House::with_events(10).await;
    truncate_to(&house, 7).await.unwrap();
    let request = SubscribeRequest { start: Some(Start::AfterPosition(2)), ..SubscribeRequest::default() };
    let problem: Problem = house.server().await.subscribe(request).await.err().unwrap();
    let status = Status::from(problem);
    assert!(status.message().contains("the log starts at 7"), "{status}");
}
