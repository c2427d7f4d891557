//! What a group's stream holds and does not hold up.

use std::collections::BTreeMap;
use std::sync::Arc;
use std::time::{Duration, Instant};

use ordermesh_feed::group::{GroupSettings, Groups};
use ordermesh_feed::log::Page;
use ordermesh_feed::serve::{FeedServer, Frames};
use ordermesh_feed::store::{GroupMigration, ParkingMigration};
use ordermesh_kernel::SystemClock;
use ordermesh_proto::feed::v1::subscribe_response::Frame;
use ordermesh_proto::feed::v1::{
    AcknowledgeRequest, ClosingReason, DeliveryFailure, EventEnvelope, Group, ListParkedEventsRequest,
    SubscribeRequest,
};
use ordermesh_testkit::eventually;
use sea_orm::ConnectionTrait;
use sea_orm_migration::{MigrationTrait, MigratorTrait};
use tokio_util::sync::CancellationToken;
use tokio_util::task::TaskTracker;

use crate::replicas::flaky;
use crate::{events, next};
use ordermesh_testkit::house::House;

const GROUP: &str = "mail";
const MEMBER: &str = "one";

struct Migrator;

impl MigratorTrait for Migrator {
    fn migrations() -> Vec<Box<dyn MigrationTrait>> {
        vec![Box::new(GroupMigration), Box::new(ParkingMigration)]
    }

    fn migration_table_name() -> sea_orm::DynIden {
        sea_orm::sea_query::IntoIden::into_iden("group_migrations")
    }
}

/// A log of so many events in a database that has groups.
async fn house(events: i64) -> House {
    let house = House::empty().await;
    Migrator::up(&house.db, None).await.unwrap();
    house.log().await;
    house.append(events).await;
    house
}

async fn server(house: &House, settings: GroupSettings) -> FeedServer {
    server_until(house, settings, CancellationToken::new()).await
}

async fn server_until(house: &House, settings: GroupSettings, shutdown: CancellationToken) -> FeedServer {
    let clock = Arc::new(SystemClock);
    let groups = Groups::new(house.patient(), house.patient(), settings, clock.clone());
    // Pages that are small beside what a stream may hold.
    let log = Arc::new(house.log().await.with_page_bytes(500));
    FeedServer::new(log, groups, clock, shutdown, TaskTracker::new())
}

/// A member of a group with its stream.
struct Member {
    server: FeedServer,
    stream: Frames,
    epoch: i64,
}

impl Member {
    async fn join(server: FeedServer) -> Self {
        let group = Group {
            name: GROUP.to_owned(),
            member: MEMBER.to_owned(),
            max_unacknowledged: 10,
            ack_timeout: Some(prost_types::Duration { seconds: 3600, nanos: 0 }),
            ..Group::default()
        };
        let request = SubscribeRequest { group: Some(group), ..SubscribeRequest::default() };
        let mut stream = server.subscribe(request).await.unwrap();
        loop {
            let Some(Frame::Assignment(assignment)) = next(&mut stream).await.unwrap().frame else {
                continue;
            };
            return Self { server, stream, epoch: assignment.epoch };
        }
    }

    async fn take(&mut self) -> Vec<EventEnvelope> {
        loop {
            let events = events(&next(&mut self.stream).await.unwrap());
            if !events.is_empty() {
                return events;
            }
        }
    }

    /// Why the server closes the stream, once all before is read.
    async fn closing(&mut self) -> ClosingReason {
        loop {
            if let Some(Frame::Closing(closing)) = next(&mut self.stream).await.unwrap().frame {
                return closing.reason();
            }
        }
    }

    async fn acknowledge(&self, positions: Vec<i64>) {
        self.server.acknowledge(AcknowledgeRequest { positions, ..self.saying() }).await.unwrap();
    }

    /// Says that an event is poison.
    async fn refuse(&self, position: i64) {
        self.report(DeliveryFailure { position, park: true, ..DeliveryFailure::default() }).await;
    }

    /// Says that an event has failed, with more words than anybody reads.
    async fn fail(&self, position: i64) {
        self.report(DeliveryFailure { position, reason: "no\0".repeat(1000), park: false }).await;
    }

    async fn report(&self, failure: DeliveryFailure) {
        let failures = vec![failure];
        self.server.acknowledge(AcknowledgeRequest { failures, ..self.saying() }).await.unwrap();
    }

    fn saying(&self) -> AcknowledgeRequest {
        let (group, member, epoch) = (GROUP.to_owned(), MEMBER.to_owned(), self.epoch);
        AcknowledgeRequest { group, member, epoch, ..AcknowledgeRequest::default() }
    }
}

/// Waits until the stream of a member that was dropped has freed its slots.
async fn has_left(house: &House) {
    eventually!(house.number("SELECT COUNT(*) AS value FROM group_members").await == 0, "it has left");
}

/// How many events the group has parked.
async fn parked(server: &FeedServer) -> usize {
    let request = ListParkedEventsRequest { group: GROUP.to_owned(), ..ListParkedEventsRequest::default() };
    server.list_parked_events(request).await.unwrap().parked_events.len()
}

/// Seven keys take turns; one of them is not acknowledged while more of it piles up than a stream may hold.
#[tokio::test(flavor = "multi_thread")]
async fn a_key_that_hangs_with_a_long_queue_behind_it_does_not_keep_the_others_from_flowing() {
    const EACH: usize = 80;
    const HANGS: &str = "key-0";
    let house = house(7 * EACH as i64).await;
    let settings = GroupSettings { held_bytes: 4_000, ..GroupSettings::default() };
    let mut member = Member::join(server(&house, settings).await).await;
    let mut seen: BTreeMap<String, Vec<i64>> = BTreeMap::new();
    let others = |seen: &BTreeMap<String, Vec<i64>>| -> usize {
        seen.iter().filter(|(key, _)| *key != HANGS).map(|(_, positions)| positions.len()).sum()
    };
    while others(&seen) < 6 * EACH {
        let events = member.take().await;
        let done = events.iter().filter(|event| event.key != HANGS).map(|event| event.position).collect();
        for event in events {
            seen.entry(event.key).or_default().push(event.position);
        }
        member.acknowledge(done).await;
    }
    assert_eq!(seen[HANGS], [7], "the next comes when the one before is acknowledged");
    // It goes on past what was in the queue, and nothing of it is left out.
    while seen[HANGS].len() < EACH {
        member.acknowledge(seen[HANGS].last().copied().into_iter().collect()).await;
        let events = member.take().await;
        seen.get_mut(HANGS).unwrap().extend(events.iter().map(|event| event.position));
    }
    for positions in seen.values() {
        let steps: Vec<_> = positions.windows(2).map(|pair| pair[1] - pair[0]).collect();
        assert!(steps.iter().all(|step| *step == 7), "each key's events come in order, each once: {steps:?}");
    }
}

#[tokio::test]
async fn a_member_whose_database_is_away_longer_than_its_lease_is_told_when_to_come_back() {
    let house = house(3).await;
    let settings = GroupSettings { lease: Duration::from_millis(600), ..GroupSettings::default() };
    let mut member = Member::join(server(&house, settings).await).await;
    member.take().await;
    house.db.clone().close().await.unwrap();
    let refusal = loop {
        if let Err(status) = next(&mut member.stream).await {
            break ordermesh_testkit::problem(&status).unwrap();
        }
    };
    assert_eq!((refusal.reason.as_str(), refusal.retryable), ("STORE_UNAVAILABLE", true));
}

/// A database in memory has one connection, as the one of these tests.
#[tokio::test]
async fn a_key_is_parked_whose_queue_is_neither_in_memory_nor_to_be_read_beside_the_transaction() {
    let house = house(7 * 20).await;
    let mut gone = Member::join(server(&house, GroupSettings::default()).await).await;
    gone.take().await;
    let taken = async || house.number("SELECT COUNT(*) AS value FROM group_deliveries").await;
    eventually!(taken().await == 7 * 20, "all events are queued");
    drop(gone);
    let little = GroupSettings { held_bytes: 500, ..GroupSettings::default() };
    let mut member = Member::join(server(&house, little).await).await;
    let first = member.take().await.remove(0);
    member.refuse(first.position).await;
    eventually!(parked(&member.server).await == 20, "the key is parked with all that is behind it");
}

#[tokio::test]
async fn a_log_that_has_not_yet_what_its_head_tells_of_is_asked_again_after_a_pause() {
    const EMPTY: u32 = 3;
    let house = house(3).await;
    let server = flaky(&house, EMPTY.into(), || Ok(Page { events: Vec::new(), from_tail: false })).await;
    let start = Instant::now();
    let mut member = Member::join(server).await;
    assert_eq!(member.take().await.len(), 3);
    let took = start.elapsed();
    assert!(took >= Duration::from_millis(100) * EMPTY, "{EMPTY} times in {took:?}");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_server_that_shuts_down_does_not_count_as_an_attempt_of_what_its_members_have() {
    let house = house(14).await;
    let settings = GroupSettings { max_attempts: 1, ..GroupSettings::default() };
    let shutdown = CancellationToken::new();
    let mut member = Member::join(server_until(&house, settings.clone(), shutdown.clone()).await).await;
    let had: Vec<_> = member.take().await.into_iter().map(|event| event.position).collect();
    shutdown.cancel();
    assert_eq!(member.closing().await, ClosingReason::ServerShutdown);
    let mut member = Member::join(server(&house, settings).await).await;
    let has: Vec<_> = member.take().await.into_iter().map(|event| event.position).collect();
    assert_eq!(has[0], had[0], "it is sent again");
    assert_eq!(parked(&member.server).await, 0);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_stream_that_grows_too_old_waits_for_the_acknowledgements_of_what_its_member_has() {
    const AGE: Duration = Duration::from_millis(200);
    let house = house(3).await;
    let old = server(&house, GroupSettings::default()).await.with_max_age(Some(AGE));
    let mut member = Member::join(old.clone()).await;
    let mut had = Vec::new();
    while had.len() < 3 {
        had.extend(member.take().await.into_iter().map(|event| event.position));
    }
    let joined = Instant::now();
    eventually!(joined.elapsed() > AGE * 2, "the stream grows too old");
    member.acknowledge(had).await;
    assert_eq!(member.closing().await, ClosingReason::MaxAge);
    house.append(1).await;
    let mut member = Member::join(server(&house, GroupSettings::default()).await).await;
    assert_eq!(member.take().await[0].position, 4, "nothing is sent again");
}

#[tokio::test(flavor = "multi_thread")]
async fn what_a_slow_member_has_when_its_stream_grows_too_old_is_sent_again_without_an_attempt_less() {
    const AGE: Duration = Duration::from_secs(3);
    let house = house(1).await;
    let (lease, retry_initial) = (Duration::from_millis(800), AGE * 11 / 20);
    let settings = GroupSettings { max_attempts: 2, lease, retry_initial, ..GroupSettings::default() };
    let old = server(&house, settings.clone()).await;
    let mut member = Member::join(old.with_max_age(Some(AGE))).await;
    let had = member.take().await[0].position;
    member.fail(had).await;
    assert_eq!(member.take().await[0].position, had, "once more when the stream is rather old");
    assert_eq!(member.closing().await, ClosingReason::MaxAge);
    let mut member = Member::join(server(&house, settings).await).await;
    assert_eq!(member.take().await[0].position, had);
    assert_eq!(parked(&member.server).await, 0);
}

#[tokio::test(flavor = "multi_thread")]
async fn what_hangs_its_member_for_as_long_as_a_stream_lives_is_parked_in_the_end() {
    let house = house(3).await;
    let lease = Duration::from_millis(800);
    let settings = GroupSettings { max_attempts: 1, lease, ..GroupSettings::default() };
    let old = server(&house, settings.clone()).await.with_max_age(Some(Duration::from_millis(400)));
    let mut member = Member::join(old).await;
    assert_eq!(member.take().await.len(), 3);
    assert_eq!(member.closing().await, ClosingReason::MaxAge);
    let member = Member::join(server(&house, settings).await).await;
    eventually!(parked(&member.server).await == 3, "they had all the time there was");
}

/// How long nobody comes says nothing of the events.
#[tokio::test(flavor = "multi_thread")]
async fn what_a_member_has_left_behind_is_not_late_because_nobody_came_in_time() {
    let house = house(3).await;
    let settings = GroupSettings { max_attempts: 1, ..GroupSettings::default() };
    let mut member = Member::join(server(&house, settings.clone()).await).await;
    assert_eq!(member.take().await.len(), 3);
    drop(member);
    has_left(&house).await;
    // As after an hour, which is how long these members have.
    let sql = "UPDATE group_deliveries SET due_time = 1 WHERE due_time > 0";
    house.db.execute_unprepared(sql).await.unwrap();
    let mut member = Member::join(server(&house, settings).await).await;
    assert_eq!(member.take().await.len(), 3);
    assert_eq!(parked(&member.server).await, 0);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_member_that_goes_away_while_its_stream_ends_of_age_has_left_all_the_same() {
    let house = house(1).await;
    let settings = GroupSettings { max_attempts: 1, ..GroupSettings::default() };
    // Alone with its member after two have gone.
    for _ in 0..2 {
        Member::join(server(&house, settings.clone()).await).await.take().await;
        has_left(&house).await;
    }
    let old = server(&house, settings.clone()).await.with_max_age(Some(Duration::from_secs(60)));
    let aging = old.clone().with_max_age(Some(Duration::from_secs(1)));
    let mut member = Member::join(aging).await;
    let joined = Instant::now();
    member.take().await;
    eventually!(joined.elapsed() > Duration::from_millis(1500), "its stream waits for its answer");
    drop(member);
    has_left(&house).await;
    let member = Member::join(old).await;
    eventually!(parked(&member.server).await == 1, "it was its last attempt");
}
