//! A database that is restored from an older copy, under a server that runs and under one that is away: everybody who has
//! seen what the copy does not know is told, and nobody goes on with wrong data.

use ordermesh_proto::feed::v1::reset_group_request::To;
use ordermesh_proto::feed::v1::subscribe_response::Frame;
use ordermesh_proto::feed::v1::{
    AcknowledgeRequest, Assignment, GetFeedRequest, Group, ListProjectionsRequest, ReportCheckpointRequest,
    ResetGroupRequest, SubscribeRequest,
};
use ordermesh_proto::order::v1::{GetOrderRequest, OrderEvent};
use ordermesh_testkit::backend::{connect, fresh_name};
use ordermesh_testkit::feed::{after, read};
use ordermesh_testkit::orders::list_all;
use ordermesh_testkit::{
    Launch, Postgres, Server, Subscription, assert_log_is_sound, assert_refused, eventually, fold_orders,
    order, read_feed,
};
use sea_orm::ConnectionTrait;
use tonic::{Code, Status};

use crate::{BINARY, not_here};

const GROUP: &str = "billing-mail";
const MEMBER: &str = "one";
/// Events of the copy, events that it has not, and events after the restore: more than were lost, so that their
/// positions are in the log again.
const KEPT: usize = 5;
const LOST: usize = 4;
const NEW: usize = 6;

/// Write server and read server on a PostgreSQL of their own.
struct Shop {
    postgres: Postgres,
    database: String,
    write: Server,
    read: Server,
}

impl Shop {
    async fn open() -> Self {
        let postgres = Postgres::start().await;
        let database = postgres.database("order-command").await;
        let write = Launch::replica(BINARY, &database);
        let write = write.env("ORDERMESH_ORDER_COMMAND__GROUPS__LEASE_MS", "1500").start().await;
        let read = Launch::program(BINARY, &["serve", "order-query"]).listen("127.0.0.1:0");
        let read = read
            .env("ORDERMESH_ORDER_QUERY__DATABASE_URL", &postgres.database("order-query").await)
            .env("ORDERMESH_PEERS__ORDER_COMMAND", &format!("http://{}", write.addr()));
        Self { read: read.start().await, postgres, database, write }
    }

    /// Places so many orders, an event each; the ids.
    async fn place(&self, count: usize) -> Vec<String> {
        let mut placed = Vec::new();
        for _ in 0..count {
            let answer = self.write.commands().place_order(order("TEA", 1, 450)).await.unwrap();
            placed.push(answer.into_inner().order_id);
        }
        placed
    }

    /// Copies one database of the server over another, which nobody has to have left.
    async fn copy(&self, from: &str, to: &str) {
        let server = connect(&self.postgres.url("postgres")).await.unwrap();
        let drop = format!(r#"DROP DATABASE IF EXISTS "{to}" WITH (FORCE)"#);
        for sql in [drop, format!(r#"CREATE DATABASE "{to}" TEMPLATE "{from}""#)] {
            server.execute_unprepared(&sql).await.unwrap();
        }
        server.close().await.unwrap();
    }

    fn name(&self) -> &str {
        self.database.rsplit_once('/').unwrap().1
    }

    async fn projection_is(&self, holds: impl Fn(&ordermesh_proto::feed::v1::Projection) -> bool) -> bool {
        let all = self.read.projections().list_projections(ListProjectionsRequest {}).await.unwrap();
        holds(&all.into_inner().projections[0])
    }

    async fn lag(&self) -> i64 {
        let request = ordermesh_proto::feed::v1::GetGroupRequest { group: GROUP.to_owned() };
        let group = self.write.events().get_group(request).await.unwrap().into_inner().group;
        group.unwrap().lag_events
    }
}

/// A member of the group with its stream, which acknowledges what it takes.
struct Member {
    stream: Subscription,
    assignment: Assignment,
}

impl Member {
    async fn join(server: &Server) -> Self {
        let group = Group { name: GROUP.to_owned(), member: MEMBER.to_owned(), ..Group::default() };
        let request = SubscribeRequest { group: Some(group), ..SubscribeRequest::default() };
        let mut stream = Subscription::open(&mut server.events(), request).await.unwrap();
        let frame = stream.read_until("the assignment", |frame| matches!(frame, Frame::Assignment(_))).await;
        let Frame::Assignment(assignment) = frame else { unreachable!("that is what was waited for") };
        Self { stream, assignment }
    }

    /// Takes and acknowledges until it has so many events.
    async fn take(&mut self, server: &Server, count: usize) {
        let known = self.stream.events.len();
        self.stream.read_events(count).await;
        assert_eq!(self.stream.events.len(), count);
        let positions = self.stream.positions()[known..].to_vec();
        self.acknowledge(server, positions).await.unwrap();
    }

    async fn acknowledge(&self, server: &Server, positions: Vec<i64>) -> Result<(), Status> {
        let request = AcknowledgeRequest {
            group: GROUP.to_owned(),
            member: MEMBER.to_owned(),
            epoch: self.assignment.epoch,
            positions,
            failures: Vec::new(),
        };
        server.events().acknowledge(request).await.map(drop)
    }
}

/// When the copy takes the place of the database.
#[derive(Clone, Copy, PartialEq)]
enum Restore {
    UnderARunningServer,
    WhileTheServerIsAway,
}

/// What subscribers know of the history that was lost.
struct Known {
    log: Vec<OrderEvent>,
    /// A cursor within the copy, and one after everything.
    early: String,
    late: String,
    lost_token: String,
    plain: Subscription,
    member: Member,
}

/// A shop with subscribers of all kinds that have seen everything, and the name of a copy that has not.
async fn lived_in() -> (Shop, String, Known) {
    let mut shop = Shop::open().await;
    shop.place(KEPT).await;
    let mut member = Member::join(&shop.write).await;
    member.take(&shop.write, KEPT).await;
    eventually!(shop.lag().await == 0, "the group is done");
    let early = cursor(&shop).await;
    assert_eq!(shop.write.terminate().await.code, Some(0));
    let copy = fresh_name("copy");
    shop.copy(shop.name(), &copy).await;
    shop.write.start_again_here().await;

    let mut member = Member::join(&shop.write).await;
    let mut plain = Subscription::open(&mut shop.write.events(), after(&early)).await.unwrap();
    shop.place(LOST - 1).await;
    let last = shop.write.commands().place_order(order("TEA", 1, 450)).await.unwrap().into_inner();
    member.take(&shop.write, LOST).await;
    plain.read_events(LOST).await;
    let request = get(&last.order_id, &last.consistency_token);
    shop.read.queries().get_order(request).await.unwrap();
    let known = Known {
        log: read_feed(&mut shop.write.events()).await,
        early,
        late: cursor(&shop).await,
        lost_token: last.consistency_token,
        plain,
        member,
    };
    (shop, copy, known)
}

async fn cursor(shop: &Shop) -> String {
    shop.write.events().get_feed(GetFeedRequest {}).await.unwrap().into_inner().head_cursor
}

fn get(order_id: &str, at_least: &str) -> GetOrderRequest {
    GetOrderRequest { order_id: order_id.to_owned(), at_least: at_least.to_owned(), allow_stale: false }
}

/// Reads a stream to its end, whatever that is.
async fn drain(stream: &mut Subscription) {
    while let Ok(Some(_)) = stream.next().await {}
}

async fn restored(when: Restore) {
    if not_here() {
        return;
    }
    let (mut shop, copy, mut known) = lived_in().await;
    if when == Restore::WhileTheServerIsAway {
        shop.write.terminate().await;
    }
    shop.copy(&copy, shop.name()).await;
    if when == Restore::UnderARunningServer {
        eventually!(shop.write.has_ended(), "a server whose database was exchanged ends by itself");
        assert!(shop.write.stderr().contains("another history"), "{}", shop.write.stderr());
    }
    drain(&mut known.plain).await;
    drain(&mut known.member.stream).await;
    assert_eq!(known.plain.events, known.log[KEPT..], "nothing of another history came");
    assert_eq!(known.member.stream.events, known.log[KEPT..]);
    shop.write.start_again_here().await;
    let new = shop.place(NEW).await;
    let log = read_feed(&mut shop.write.events()).await;
    assert_log_is_sound(&log);
    assert_eq!(log[..KEPT], known.log[..KEPT]);
    assert_eq!(log[KEPT..].iter().map(|event| event.key.clone()).collect::<Vec<_>>(), new);

    plain_subscribers_are_told(&shop, &known, &log).await;
    the_read_server_is_told_and_mended(&shop, &known, &log).await;
    the_group_goes_on_from_the_copy(&shop, &known, &log).await;
}

async fn plain_subscribers_are_told(shop: &Shop, known: &Known, log: &[OrderEvent]) {
    let diverged = Code::FailedPrecondition;
    for cursor in [&known.late, &known.plain.cursor] {
        let refused = Subscription::open(&mut shop.write.events(), after(cursor)).await;
        assert_refused(refused, diverged, "FEED_DIVERGED", Some("after_cursor"));
    }
    let report = |cursor: &str| {
        let request =
            ReportCheckpointRequest { subscriber: "warehouse".to_owned(), cursor: cursor.to_owned() };
        let mut events = shop.write.events();
        async move { events.report_checkpoint(request).await }
    };
    assert_refused(report(&known.late).await, diverged, "FEED_DIVERGED", None);
    // Who had seen no more than the copy has missed nothing.
    report(&known.early).await.unwrap();
    assert_eq!(read(&mut shop.write.events(), after(&known.early)).await, log[KEPT..]);
}

async fn the_read_server_is_told_and_mended(shop: &Shop, known: &Known, log: &[OrderEvent]) {
    eventually!(
        shop.projection_is(|projection| projection.error.contains("FEED_DIVERGED")).await,
        "the read server is told"
    );
    let kept = &log[0].key;
    let promised = shop.read.queries().get_order(get(kept, &known.lost_token)).await;
    assert_refused(promised, Code::Unavailable, "PROJECTION_BEHIND", None);
    assert!(shop.read.queries().get_order(get(kept, "")).await.unwrap().into_inner().stale);
    let arguments = ["feed", "rebuild", "order-query", "--addr", shop.read.addr()];
    let rebuilt = Launch::program(BINARY, &arguments).finish().await;
    assert_eq!(rebuilt.code, Some(0), "{rebuilt:?}");
    eventually!(
        shop.projection_is(|it| it.error.is_empty() && it.position == log.len() as i64).await,
        "the read server follows the restored log"
    );
    assert_eq!(list_all(shop.read.addr(), "").await, fold_orders(log));
}

/// The group's places were in the copy, too, so that they are true. What the member has seen is not: its cursor and its epoch
/// are refused.
async fn the_group_goes_on_from_the_copy(shop: &Shop, known: &Known, log: &[OrderEvent]) {
    let refused = Subscription::open(&mut shop.write.events(), after(&known.member.stream.cursor)).await;
    assert_refused(refused, Code::FailedPrecondition, "FEED_DIVERGED", Some("after_cursor"));
    // A member that says what it has seen is told before it goes on.
    let having_seen = Group {
        name: GROUP.to_owned(),
        member: MEMBER.to_owned(),
        last_cursor: known.member.stream.cursor.clone(),
        ..Group::default()
    };
    let request = SubscribeRequest { group: Some(having_seen), ..SubscribeRequest::default() };
    let refused = Subscription::open(&mut shop.write.events(), request).await;
    assert_refused(refused, Code::FailedPrecondition, "FEED_DIVERGED", Some("group.last_cursor"));
    let mut member = Member::join(&shop.write).await;
    member.stream.read_events(NEW).await;
    let stale = known.member.acknowledge(&shop.write, known.member.stream.positions()).await;
    assert_refused(stale, Code::Aborted, "LEASE_LOST", None);
    assert!(member.assignment.epoch > known.member.assignment.epoch, "no epoch is given twice");
    assert_eq!(shop.lag().await, NEW as i64, "what a member of the lost history says is not taken");
    assert_eq!(member.stream.events, log[KEPT..]);
    // It is set back to see again what was done on the lost history.
    let to = Some(To::AfterCursor(known.early.clone()));
    let reset = ResetGroupRequest { group: GROUP.to_owned(), to, force: true };
    assert_eq!(shop.write.events().reset_group(reset).await.unwrap().into_inner().position, KEPT as i64);
    drain(&mut member.stream).await;
    let mut member = Member::join(&shop.write).await;
    member.take(&shop.write, NEW).await;
    assert_eq!(member.stream.events, log[KEPT..]);
    eventually!(shop.lag().await == 0, "the group is done");
}

#[tokio::test(flavor = "multi_thread")]
async fn who_has_seen_more_than_a_copy_restored_under_the_server_is_told_and_goes_on_when_mended() {
    restored(Restore::UnderARunningServer).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn who_has_seen_more_than_a_copy_restored_while_the_server_was_away_is_told_and_goes_on_when_mended() {
    restored(Restore::WhileTheServerIsAway).await;
}
