//! A replica that does not know yet, or cannot read now, what another one has committed.

use std::sync::Arc;
use std::sync::atomic::{AtomicI64, Ordering};
use std::time::Duration;

use async_trait::async_trait;
use ordermesh_feed::group::{GroupSettings, Groups};
use ordermesh_feed::log::{EventLog, FeedSchema, FeedSource, Page, PageError};
use ordermesh_feed::serve::FeedServer;
use ordermesh_kernel::{EventId, SystemClock, Timestamp};
use ordermesh_proto::error::reason_of;
use ordermesh_proto::feed::v1::subscribe_request::Start;
use ordermesh_proto::feed::v1::subscribe_response::Frame;
use ordermesh_proto::feed::v1::until::Bound;
use ordermesh_proto::feed::v1::{ClosingReason, SubscribeRequest};
use ordermesh_testkit::feed::{after, until};
use sea_orm::DbErr;
use tokio::sync::watch;
use tokio_util::sync::CancellationToken;
use tokio_util::task::TaskTracker;
use tonic::Status;
use uuid::Uuid;

use crate::{events, next};
use ordermesh_testkit::house::House;

fn starting(start: Start) -> SubscribeRequest {
    let until = until(Bound::CaughtUp(true));
    SubscribeRequest { start: Some(start), until, ..SubscribeRequest::default() }
}

/// The positions of all that a request brings until it ends.
async fn read(server: &FeedServer, request: SubscribeRequest) -> Vec<i64> {
    let mut stream = server.subscribe(request).await.unwrap();
    let mut positions = Vec::new();
    loop {
        let frame = next(&mut stream).await.unwrap();
        positions.extend(events(&frame).iter().map(|event| event.position));
        if matches!(frame.frame, Some(Frame::Closing(_))) {
            return positions;
        }
    }
}

#[tokio::test]
async fn a_place_that_another_replica_gave_is_taken_before_this_one_has_heard_of_it() {
    let house = House::with_events(2).await;
    let late = house.server().await;
    house.append(3).await;
    let cursor = house.server().await.get_feed().await.unwrap().head_cursor;
    let after = |cursor: &str| starting(Start::AfterCursor(cursor.to_owned()));
    assert_eq!(read(&late, after(&cursor)).await, [0; 0]);
    assert_eq!(read(&late, starting(Start::AfterPosition(4))).await, [5]);
    assert_eq!(read(&late, starting(Start::Latest(true))).await, [0; 0]);
    assert_eq!(read(&late, starting(Start::Earliest(true))).await, [1, 2, 3, 4, 5], "caught up is all of it");
    assert_eq!(late.get_feed().await.unwrap().head_position, 5);
    for request in [starting(Start::AfterPosition(6)), after(&other_cursor(&cursor))] {
        let refused = late.subscribe(request).await.map(drop).unwrap_err();
        assert_eq!(reason_of(&Status::from(refused)).as_deref(), Some("FEED_DIVERGED"));
    }
}

/// The same place with another event there.
fn other_cursor(cursor: &str) -> String {
    use ordermesh_feed::token::LogPosition;
    let place = LogPosition::from_cursor(cursor).unwrap();
    LogPosition { event_id: Some(EventId::from(Uuid::now_v7())), ..place }.to_cursor()
}

/// A log whose pages are something else for so many times.
struct Flaky {
    log: EventLog,
    times: AtomicI64,
    instead: fn() -> Result<Page, PageError>,
}

#[async_trait]
impl FeedSource for Flaky {
    fn schema(&self) -> FeedSchema {
        self.log.schema()
    }
    fn feed_id(&self) -> Uuid {
        self.log.feed_id()
    }
    fn head(&self) -> watch::Receiver<i64> {
        self.log.head()
    }
    async fn stored_head(&self) -> Result<i64, DbErr> {
        self.log.stored_head().await
    }
    async fn page(&self, position: i64, limit: usize) -> Result<Page, PageError> {
        match self.times.fetch_sub(1, Ordering::Relaxed) > 0 {
            true => (self.instead)(),
            false => self.log.page(position, limit).await,
        }
    }
    async fn event_id_at(&self, position: i64) -> Result<Option<EventId>, DbErr> {
        self.log.event_id_at(position).await
    }
    async fn position_before(&self, time: Timestamp) -> Result<i64, DbErr> {
        self.log.position_before(time).await
    }
    async fn earliest(&self) -> Result<Option<i64>, DbErr> {
        self.log.earliest().await
    }
    async fn head_time(&self) -> Result<Option<Timestamp>, DbErr> {
        self.log.head_time().await
    }
}

pub async fn flaky(house: &House, times: i64, instead: fn() -> Result<Page, PageError>) -> FeedServer {
    let log = Flaky { log: house.log().await, times: times.into(), instead };
    let clock = Arc::new(SystemClock);
    let groups = Groups::new(house.patient(), house.patient(), GroupSettings::default(), clock.clone());
    FeedServer::new(Arc::new(log), groups, clock, CancellationToken::new(), TaskTracker::new())
}

fn away() -> Result<Page, PageError> {
    Err(DbErr::Conn(sea_orm::RuntimeErr::Internal("the database restarts".to_owned())).into())
}

#[tokio::test]
async fn a_stream_outlives_a_database_that_is_away_for_a_moment() {
    let house = House::with_events(5).await;
    let server = flaky(&house, 3, away).await;
    assert_eq!(read(&server, starting(Start::Earliest(true))).await, [1, 2, 3, 4, 5]);
}

#[tokio::test]
async fn a_subscriber_is_sent_away_with_a_time_to_come_back_when_the_log_stays_away_and_at_once_when_it_is_broken()
 {
    let house = House::with_events(5).await;
    for (instead, reason, retryable) in [
        (away as fn() -> _, "STORE_UNAVAILABLE", true),
        (|| Err(DbErr::Type("an unknown event".to_owned()).into()), "INTERNAL", false),
    ] {
        let server = flaky(&house, i64::MAX, instead).await;
        let mut stream = server.subscribe(after(&cursor(&house, 2).await)).await.unwrap();
        next(&mut stream).await.unwrap();
        // The clock runs ahead whenever nothing else is to be done.
        tokio::time::pause();
        let refusal = ordermesh_testkit::problem(&frame_error(&mut stream).await).unwrap();
        tokio::time::resume();
        assert_eq!((refusal.reason.as_str(), refusal.retryable), (reason, retryable));
    }
}

async fn frame_error(stream: &mut ordermesh_feed::serve::Frames) -> Status {
    use futures_util::StreamExt;
    stream.next().await.unwrap().unwrap_err()
}

async fn cursor(house: &House, position: i64) -> String {
    let log = house.log().await;
    let event_id = log.event_id_at(position).await.unwrap();
    ordermesh_feed::token::LogPosition { feed_id: log.feed_id(), position, event_id }.to_cursor()
}

#[tokio::test]
async fn a_stream_that_was_open_for_as_long_as_it_may_be_says_closing_and_resumes_without_loss() {
    let house = House::with_events(5).await;
    let server = house.server().await.with_max_age(Some(Duration::from_millis(200)));
    let mut stream = server.subscribe(SubscribeRequest::default()).await.unwrap();
    let mut positions = Vec::new();
    let closing = loop {
        let frame = next(&mut stream).await.unwrap();
        positions.extend(events(&frame).iter().map(|event| event.position));
        if let Some(Frame::Closing(closing)) = &frame.frame {
            assert_eq!(closing.reason(), ClosingReason::MaxAge);
            break frame;
        }
    };
    assert_eq!(positions, [1, 2, 3, 4, 5]);
    house.append(1).await;
    let resume = SubscribeRequest { until: until(Bound::CaughtUp(true)), ..after(&closing.cursor) };
    assert_eq!(read(&server, resume).await, [6]);
}
