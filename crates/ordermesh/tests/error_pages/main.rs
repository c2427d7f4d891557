//! The pages of docs/errors and the server tell the same: each reason is provoked on a real server and the answer
//! compared with its page. A page whose reason cannot be provoked here is in [`UNPROVOKED`].
#![expect(clippy::unwrap_used, reason = "in a test a panic is the failure")]

mod life;

use std::collections::{BTreeMap, BTreeSet};
use std::fs;
use std::path::PathBuf;

use ordermesh_proto::feed::v1::subscribe_request::Start;
use ordermesh_proto::feed::v1::subscribe_response::Frame;
use ordermesh_proto::feed::v1::until::Bound;
use ordermesh_proto::feed::v1::{
    AcknowledgeRequest, ConsumerServiceDiscardParkedEventsRequest, ConsumerServiceListParkedEventsRequest,
    DeleteGroupRequest, DeliveryFailure, DiscardParkedEventsRequest, EventFilter, ForgetSubscriberRequest,
    GetFeedRequest, GetGroupRequest, Group, RebuildProjectionRequest, SubscribeRequest,
};
use ordermesh_proto::inventory::v1::adjust_stock_request::Adjustment;
use ordermesh_proto::inventory::v1::{GetReservationRequest, GetStockRequest};
use ordermesh_proto::order::v1::{GetOrderRequest, ListOrdersRequest, PlaceOrderRequest};
use ordermesh_testkit::backend::{copy_all, database_url};
use ordermesh_testkit::client::call_raw;
use ordermesh_testkit::error_page::{faults, name};
use ordermesh_testkit::feed::{after, until};
use ordermesh_testkit::order::{PlaceOrderBuilder, fresh_id};
use ordermesh_testkit::rows::occupy;
use ordermesh_testkit::stock::{adjust, receive, release, reserve};
use ordermesh_testkit::{Launch, Server, Subscription, cancel, eventually, money, order};
use tonic::{Request, Status};
use tonic_types::StatusExt;

const BINARY: &str = env!("CARGO_BIN_EXE_ordermesh");
const PLACE: &str = "/ordermesh.order.v1.OrderCommandService/PlaceOrder";

/// Pages that no test here compares, and why.
const UNPROVOKED: [(&str, &str); 2] = [
    (
        "DEADLINE_EXCEEDED",
        "a client's library gives up by itself at the same moment, and then no answer comes",
    ),
    ("INTERNAL", "it takes a bug"),
];

/// Reasons whose pages are compared below, test by test.
const COMMANDS: [&str; 10] = [
    "AMOUNT_OVERFLOW",
    "DISCOUNT_EXCEEDS_GOODS",
    "INVALID_REQUEST",
    "MIXED_CURRENCIES",
    "ORDER_NOT_FOUND",
    "ORDER_REFERENCE_TAKEN",
    "REQUEST_ID_REUSED",
    "REVISION_MISMATCH",
    "STATE_FORBIDS",
    "TOTAL_MISMATCH",
];
const BYTES: [&str; 3] = ["MALFORMED_MESSAGE", "MESSAGE_TOO_LARGE", "UNKNOWN_METHOD"];
const FEEDS: [&str; 3] = ["FEED_DIVERGED", "INVALID_CURSOR", "UNKNOWN_EVENT_TYPE"];
const TRUNCATED: [&str; 1] = ["POSITION_TRUNCATED"];
const GROUPS: [&str; 6] = [
    "GROUP_MEMBERS_LIVE",
    "GROUP_MISMATCH",
    "GROUP_NOT_FOUND",
    "KEY_NOT_PARKED",
    "LEASE_LOST",
    "SUBSCRIBER_NOT_FOUND",
];
const PARKING: [&str; 1] = ["PARKING_FULL"];
const QUERIES: [&str; 5] = [
    "CONSUMER_NOT_FOUND",
    "INVALID_CONSISTENCY_TOKEN",
    "INVALID_PAGE_TOKEN",
    "PROJECTION_NOT_FOUND",
    "REBUILD_RUNNING",
];
const STOCK: [&str; 6] = [
    "INSUFFICIENT_STOCK",
    "RESERVATION_ENDED",
    "RESERVATION_NOT_FOUND",
    "RESERVATION_OF_ORDER",
    "STOCK_NOT_FOUND",
    "STOCK_OVERFLOW",
];
/// Compared by crates/payment/tests/payment/pages.rs, which tells payment what orders do.
const PAYMENTS: [&str; 7] = [
    "PAYMENT_ACTION_ELSEWHERE",
    "PAYMENT_ACTION_NOT_REQUIRED",
    "PAYMENT_ATTEMPT_NOT_STARTED",
    "PAYMENT_NOT_FOUND",
    "PAYMENT_OPERATION_NOT_FAILED",
    "PAYMENT_OPERATION_NOT_OPEN",
    "PAYMENT_OPERATION_RUNNING",
];
const AWAY: [&str; 3] = ["PROJECTION_BEHIND", "SERVER_UNAVAILABLE", "STORE_UNAVAILABLE"];

#[test]
fn every_page_is_compared_with_the_server_or_says_why_not() {
    let files = fs::read_dir(pages()).unwrap().map(|file| file.unwrap().file_name().into_string().unwrap());
    let pages: BTreeSet<_> = files.map(|file| file.trim_end_matches(".md").to_owned()).collect();
    let unprovoked = UNPROVOKED.iter().map(|(reason, _)| *reason);
    let told = [
        &COMMANDS[..],
        &BYTES,
        &FEEDS,
        &TRUNCATED,
        &GROUPS,
        &PARKING,
        &QUERIES,
        &STOCK,
        &PAYMENTS,
        &life::LIFE,
        &life::ATTENTION,
        &AWAY,
    ]
    .concat()
    .into_iter()
    .chain(unprovoked);
    let told: BTreeSet<_> = told.chain(["README"]).map(str::to_owned).collect();
    assert_eq!(pages, told);
}

#[tokio::test]
async fn what_a_command_is_refused_with_is_on_its_page() {
    let server = Server::scratch(BINARY).await;
    let mut commands = server.commands();
    let line = |cents| order("TEA", 2, cents);
    let dollars = Some(money("USD", 450));
    let two_wrong = |request: &mut PlaceOrderRequest| {
        request.request_id.clear();
        request.lines[0].quantity = 0;
    };
    let first = line(450).with_reference("SHOP-17").with_request_id("cart-17");
    let first = commands.place_order(first).await.unwrap().into_inner().order_id;
    let placings: [PlaceOrderBuilder; 9] = [
        line(i64::MAX),
        line(500).with_discount("SPRING", 1_200),
        line(450).with(two_wrong),
        line(-1),
        line(450).with_line("MUG", 1, 0, 0).with(|order| order.lines[1].unit_price = dollars.clone()),
        line(450).with(|order| order.expected_total = dollars.clone()),
        line(450).with_reference("SHOP-17"),
        line(500).with_request_id("cart-17"),
        order("TEA", 1, 1_000).with(|order| order.lines[0].tax_rate_ppm = 190_000).with_expected_total(1_180),
    ];
    let mut answers = Vec::new();
    for request in placings {
        answers.push(commands.place_order(request).await.unwrap_err());
    }
    let old = |revision| {
        let mut request = cancel(&first);
        request.expected_revision = Some(revision);
        request
    };
    answers.push(commands.cancel_order(cancel(&fresh_id())).await.unwrap_err());
    answers.push(commands.cancel_order(old(2)).await.unwrap_err());
    commands.cancel_order(cancel(&first)).await.unwrap();
    answers.push(commands.cancel_order(cancel(&first)).await.unwrap_err());
    answers.push(server.queries().get_order(get(&fresh_id(), "")).await.unwrap_err());
    compare(&COMMANDS, &answers);
}

#[tokio::test]
async fn what_inventory_refuses_is_on_its_page() {
    let data = tempfile::tempdir().unwrap();
    let server = Launch::dev(BINARY, data.path()).arg("--bare").start().await;
    let (mut commands, mut queries) = (server.stock_commands(), server.stock_queries());
    let ghost = GetStockRequest { sku: "GHOST".to_owned() };
    let mut answers = vec![queries.get_stock(ghost).await.unwrap_err()];
    commands.receive_stock(receive("TEA", 3)).await.unwrap();
    commands.adjust_stock(adjust("CUP", Adjustment::Counted(1_000_000_000_000))).await.unwrap();
    answers.push(commands.reserve_stock(reserve("TEA", 5)).await.unwrap_err());
    answers.push(commands.adjust_stock(adjust("TEA", Adjustment::Change(-9))).await.unwrap_err());
    answers.push(commands.receive_stock(receive("CUP", 1)).await.unwrap_err());
    answers.push(commands.release_reservation(release(&fresh_id())).await.unwrap_err());
    let unknown = GetReservationRequest { reservation_id: fresh_id() };
    answers.push(queries.get_reservation(unknown).await.unwrap_err());
    let held = commands.reserve_stock(reserve("TEA", 1)).await.unwrap().into_inner().reservation_id;
    commands.release_reservation(release(&held)).await.unwrap();
    answers.push(commands.release_reservation(release(&held)).await.unwrap_err());
    let placed = server.commands().place_order(order("TEA", 1, 450)).await.unwrap().into_inner().order_id;
    let of_order = GetReservationRequest { reservation_id: placed.clone() };
    eventually!(queries.get_reservation(of_order.clone()).await.is_ok(), "the order's pieces are reserved");
    answers.push(commands.release_reservation(release(&placed)).await.unwrap_err());
    compare(&STOCK, &answers);
}

#[tokio::test]
async fn what_bytes_and_paths_that_the_server_does_not_take_are_refused_with_is_on_its_page() {
    let server = Server::scratch(BINARY).await;
    let raw = |path: &'static str, bytes| call_raw(server.addr(), path, [bytes]);
    let mut compressed = Request::new(order("TEA", 1, 1).build());
    compressed.metadata_mut().insert("grpc-encoding", "gzip".parse().unwrap());
    let answers = [
        raw(PLACE, vec![0x08, 0x01]).await.unwrap_err(),
        call_raw(server.addr(), PLACE, []).await.unwrap_err(),
        server.commands().place_order(compressed).await.unwrap_err(),
        raw(PLACE, vec![0; (1 << 20) + 1]).await.unwrap_err(),
        raw("/ordermesh.order.v1.OrderCommandService/ShipOrder", vec![]).await.unwrap_err(),
    ];
    compare(&BYTES, &answers);
}

/// A backup is restored after life went on, so that tokens of the lost time are about.
#[tokio::test]
async fn what_a_subscriber_is_refused_with_is_on_its_page() {
    let data = tempfile::tempdir().unwrap();
    let [live, backup] = ["live", "backup"].map(|name| data.path().join(name));
    let mut lost_time = Server::orders(BINARY, &live).await;
    lost_time.commands().place_order(order("TEA", 2, 450)).await.unwrap();
    lost_time.terminate().await;
    copy_all(&live, &backup).await;
    lost_time.start_again().await;
    let lost = lost_time.commands().place_order(order("TEA", 2, 450)).await.unwrap().into_inner();
    let cursor_of = async |server: &Server| {
        server.events().get_feed(GetFeedRequest {}).await.unwrap().into_inner().head_cursor
    };
    let lost_cursor = cursor_of(&lost_time).await;
    let other_cursor = cursor_of(&Server::scratch(BINARY).await).await;

    let server = Server::orders(BINARY, &backup).await;
    let refused = async |request| Subscription::open(&mut server.events(), request).await.unwrap_err();
    let types = vec!["OrderMade".to_owned()];
    let filter = Some(EventFilter { types, keys: Vec::new() });
    let mut answers = vec![
        refused(after("no cursor")).await,
        refused(SubscribeRequest { filter, ..Default::default() }).await,
        refused(after(&other_cursor)).await,
        refused(SubscribeRequest { start: Some(Start::AfterPosition(120)), ..Default::default() }).await,
        refused(after(&lost_cursor)).await,
    ];
    server.commands().place_order(order("MUG", 1, 1_299)).await.unwrap();
    answers.push(refused(after(&lost_cursor)).await);
    answers.push(server.queries().get_order(get(&lost.order_id, &lost.consistency_token)).await.unwrap_err());
    compare(&FEEDS, &answers);
}

#[tokio::test]
async fn what_a_subscriber_is_refused_with_whose_place_was_truncated_is_on_its_page() {
    let home = tempfile::tempdir().unwrap();
    let mut server = Server::serve(BINARY, "order-command", home.path()).await;
    for _ in 0..5 {
        server.commands().place_order(order("TEA", 1, 450)).await.unwrap();
    }
    let until = until(Bound::MaxEvents(2));
    let mut early =
        Subscription::open(&mut server.events(), SubscribeRequest { until, ..Default::default() })
            .await
            .unwrap();
    early.read_to_end().await;
    server.terminate().await;
    let database = database_url(home.path(), "order-command").await;
    let archive = home.path().join("archive").display().to_string();
    let truncate =
        ["feed", "truncate", "--before-position", "4", "--database", &database, "--archive", &archive];
    let truncated = Launch::program(BINARY, &truncate).finish().await;
    assert_eq!(truncated.code, Some(0), "{truncated:?}");
    let server = Server::serve(BINARY, "order-command", home.path()).await;
    let mut answers = Vec::new();
    let since = Start::Since(prost_types::Timestamp::default());
    for start in [Start::AfterCursor(early.cursor.clone()), Start::AfterPosition(1), since] {
        let request = SubscribeRequest { start: Some(start), ..Default::default() };
        answers.push(Subscription::open(&mut server.events(), request).await.unwrap_err());
    }
    compare(&TRUNCATED, &answers);
}

fn joining(filter: &[&str], start: Option<Start>) -> SubscribeRequest {
    let group = Group { name: "billing-mail".to_owned(), member: "one".to_owned(), ..Group::default() };
    let types: Vec<_> = filter.iter().map(|name| (*name).to_owned()).collect();
    let filter = (!types.is_empty()).then_some(EventFilter { types, keys: Vec::new() });
    SubscribeRequest { group: Some(group), start, filter, ..SubscribeRequest::default() }
}

fn acknowledging(epoch: i64, failures: Vec<DeliveryFailure>) -> AcknowledgeRequest {
    let (group, member) = ("billing-mail".to_owned(), "one".to_owned());
    AcknowledgeRequest { group, member, epoch, positions: Vec::new(), failures }
}

#[tokio::test]
async fn what_a_group_is_refused_with_is_on_its_page() {
    let server = Server::scratch(BINARY).await;
    let mut events = server.events();
    let group = "billing-mail".to_owned();
    let get = GetGroupRequest { group: group.clone() };
    let mut answers = vec![events.get_group(get).await.unwrap_err()];
    let _older = Subscription::open(&mut events, joining(&[], None)).await.unwrap();
    let _newer = Subscription::open(&mut events, joining(&[], None)).await.unwrap();
    for other in [joining(&[], Some(Start::Latest(true))), joining(&["OrderCreated"], None)] {
        answers.push(Subscription::open(&mut events, other).await.unwrap_err());
    }
    let delete = DeleteGroupRequest { group: group.clone(), force: false };
    answers.push(events.delete_group(delete).await.unwrap_err());
    let discard = DiscardParkedEventsRequest { group, key: "o-1".to_owned(), up_to_position: 0 };
    answers.push(events.discard_parked_events(discard).await.unwrap_err());
    let (consumer, key) = ("order-query".to_owned(), "o-1".to_owned());
    let discard = ConsumerServiceDiscardParkedEventsRequest { consumer, key, up_to_position: 0 };
    answers.push(server.consumers().discard_parked_events(discard).await.unwrap_err());
    answers.push(events.acknowledge(acknowledging(1, Vec::new())).await.unwrap_err());
    let forget = ForgetSubscriberRequest { subscriber: "billing".to_owned() };
    answers.push(events.forget_subscriber(forget).await.unwrap_err());
    compare(&GROUPS, &answers);
}

#[tokio::test]
async fn what_a_group_that_parks_too_much_is_refused_with_is_on_its_page() {
    let server = Server::scratch_with(BINARY, |launch| {
        launch.env("ORDERMESH_ORDER_COMMAND__GROUPS__MAX_PARKED_KEYS", "0")
    });
    let server = server.await;
    server.commands().place_order(order("TEA", 2, 450)).await.unwrap();
    let mut stream = Subscription::open(&mut server.events(), joining(&[], None)).await.unwrap();
    let assigned = stream.read_until("the assignment", |frame| matches!(frame, Frame::Assignment(_))).await;
    let Frame::Assignment(assigned) = assigned else { unreachable!("that is what was waited for") };
    stream.read_events(1).await;
    let failure = DeliveryFailure { position: 1, reason: String::new(), park: true };
    server.events().acknowledge(acknowledging(assigned.epoch, vec![failure])).await.unwrap();
    compare(&PARKING, &[stream.next().await.unwrap_err()]);
}

#[tokio::test]
async fn what_a_query_or_a_rebuild_is_refused_with_is_on_its_page() {
    let server = Server::scratch(BINARY).await;
    let mut queries = server.queries();
    for _ in 0..2 {
        let placed = server.commands().place_order(order("TEA", 1, 450)).await.unwrap().into_inner();
        queries.get_order(get(&placed.order_id, &placed.consistency_token)).await.unwrap();
    }
    let list = |order_by: &str, page_token: &str| {
        let (order_by, page_token) = (order_by.to_owned(), page_token.to_owned());
        ListOrdersRequest { page_size: 1, order_by, page_token, ..Default::default() }
    };
    let token = queries.list_orders(list("", "")).await.unwrap().into_inner().next_page_token;
    let mut answers = vec![
        queries.list_orders(list("", "no token")).await.unwrap_err(),
        queries.list_orders(list("total", &token)).await.unwrap_err(),
        queries.get_order(get(&fresh_id(), "no token")).await.unwrap_err(),
        rebuild(&server, "orders").await.unwrap_err(),
        server.consumers().list_parked_events(parked("orders", "")).await.unwrap_err(),
        server.consumers().list_parked_events(parked("order-query", "no token")).await.unwrap_err(),
    ];
    let both = async || {
        let (one, other) = tokio::join!(rebuild(&server, "order-query"), rebuild(&server, "order-query"));
        one.and(other).err()
    };
    answers.push(eventually!(both().await, "of two rebuilds at once one is refused"));
    compare(&QUERIES, &answers);
}

#[tokio::test]
async fn what_is_answered_while_something_is_away_is_on_its_page() {
    let data = tempfile::tempdir().unwrap();
    let mut write = Server::serve(BINARY, "order-command", data.path()).await;
    let read = Launch::serve(BINARY, "order-query", data.path())
        .env("ORDERMESH_PEERS__ORDER_COMMAND", &format!("http://{}", write.addr()));
    let mut read = read.start().await;
    let place = async || write.commands().place_order(order("TEA", 1, 450)).await.map(|it| it.into_inner());
    let placed = place().await.unwrap();
    read.queries().get_order(get(&placed.order_id, &placed.consistency_token)).await.unwrap();
    read.kill9();
    let newer = place().await.unwrap();
    let writer = occupy(&data.path().join("order-command.db")).await;
    let mut answers = vec![place().await.unwrap_err()];
    drop(writer);
    write.kill9();
    read.start_again_here().await;
    answers.push(read.queries().get_order(get(&newer.order_id, &newer.consistency_token)).await.unwrap_err());
    answers.push(rebuild(&read, "order-query").await.unwrap_err());
    compare(&AWAY, &answers);
}

fn get(order_id: &str, at_least: &str) -> GetOrderRequest {
    GetOrderRequest { order_id: order_id.to_owned(), at_least: at_least.to_owned(), allow_stale: false }
}

fn parked(consumer: &str, page_token: &str) -> ConsumerServiceListParkedEventsRequest {
    let (consumer, page_token) = (consumer.to_owned(), page_token.to_owned());
    ConsumerServiceListParkedEventsRequest { consumer, page_token, ..Default::default() }
}

async fn rebuild(server: &Server, name: &str) -> Result<(), Status> {
    let request = RebuildProjectionRequest { name: name.to_owned() };
    let mut stream = server.projections().rebuild_projection(request).await?.into_inner();
    while stream.message().await?.is_some() {}
    Ok(())
}

fn pages() -> PathBuf {
    PathBuf::from(env!("CARGO_MANIFEST_DIR")).join("../../docs/errors")
}

/// Compares answers with their pages; together they must be all reasons of the group.
#[track_caller]
fn compare(group: &[&str], answers: &[Status]) {
    let mut of_reason: BTreeMap<String, Vec<&Status>> = BTreeMap::new();
    for answer in answers {
        let info = answer.get_details_error_info().unwrap_or_else(|| panic!("no ErrorInfo in {answer:?}"));
        of_reason.entry(info.reason).or_default().push(answer);
    }
    assert_eq!(of_reason.keys().collect::<Vec<_>>(), group.iter().collect::<Vec<_>>());
    let table = fs::read_to_string(pages().join("README.md")).unwrap();
    let faults: Vec<_> = of_reason
        .iter()
        .flat_map(|(reason, answers)| {
            let page = fs::read_to_string(pages().join(format!("{reason}.md"))).unwrap();
            let row = format!("| [{reason}]({reason}.md) | {} |", name(answers[0].code()));
            let listed = table.contains(&row);
            let faults =
                faults(&page, answers).into_iter().chain((!listed).then_some(format!("README: {row}")));
            faults.map(|fault| format!("{reason}: {fault}")).collect::<Vec<_>>()
        })
        .collect();
    assert!(faults.is_empty(), "page and server differ:\n{}", faults.join("\n"));
}
