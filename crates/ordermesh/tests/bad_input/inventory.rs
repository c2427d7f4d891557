//! Commands and questions to inventory that break a rule.

use ordermesh_proto::inventory::v1::adjust_stock_request::Adjustment::{Change, Counted};
use ordermesh_proto::inventory::v1::{
    AvailabilityQuery, CheckAvailabilityRequest, GetReservationRequest, GetStockRequest,
    ListReservationsRequest, ListStockRequest, NewReservationLine, StockChangeReason, WatchLowStockRequest,
};
use ordermesh_testkit::rows::count_rows;
use ordermesh_testkit::stock::{adjust, receive, release, reorder_at, reserve, transfer};
use ordermesh_testkit::{Launch, Server, assert_refused};
use prost_types::Duration;
use tempfile::TempDir;
use tonic::Code;

use crate::BINARY;

/// A shop that never had any stock, and its data.
async fn untouched_shop() -> (Server, TempDir) {
    let data = tempfile::tempdir().unwrap();
    (Launch::dev(BINARY, data.path()).arg("--bare").start().await, data)
}

/// Asserts that no table of inventory has a row but for what every start makes.
async fn assert_no_stock((mut server, data): (Server, TempDir)) {
    server.terminate().await;
    let mut rows = count_rows(&data.path().join("inventory.db")).await;
    for table in ["stock_items", "stock_articles", "reservations", "events", "idempotency_records"] {
        assert_eq!(rows.remove(table), Some(0), "a refused request left rows in {table}");
    }
}

fn changed<T>(mut request: T, change: impl FnOnce(&mut T)) -> T {
    change(&mut request);
    request
}

/// Sends valid requests with one thing changed; each must be refused by that field.
macro_rules! refused {
    ($client:expr, $method:ident, $valid:expr, $($change:expr => $field:literal),+ $(,)?) => {$({
        let request = changed($valid, $change);
        let shown = format!("{request:?}");
        eprintln!("case: {}", shown.get(..500).unwrap_or(&shown));
        let refused = $client.$method(request).await.map(drop);
        assert_refused(refused, Code::InvalidArgument, "INVALID_REQUEST", Some($field));
    })+};
}

#[tokio::test]
async fn counting_by_a_broken_rule_is_refused_by_its_field() {
    let (server, data) = untouched_shop().await;
    let mut commands = server.stock_commands();
    refused!(commands, receive_stock, receive("TEA", 1),
        |it| it.request_id.clear() => "request_id",
        |it| it.request_id = "x".repeat(129) => "request_id",
        |it| it.sku.clear() => "sku",
        |it| it.sku = "TEA TIME".to_owned() => "sku",
        |it| it.sku = "x".repeat(65) => "sku",
        |it| it.location = "main@home".to_owned() => "location",
        |it| it.quantity = 0 => "quantity",
        |it| it.quantity = -1 => "quantity",
        |it| it.quantity = i64::MAX => "quantity",
        |it| it.note = "x".repeat(501) => "note",
        |it| it.note = "a\0b".to_owned() => "note",
    );
    refused!(commands, adjust_stock, adjust("TEA", Counted(1)),
        |it| it.adjustment = None => "adjustment",
        |it| it.adjustment = Some(Counted(-1)) => "counted",
        |it| it.adjustment = Some(Counted(i64::MAX)) => "counted",
        |it| it.adjustment = Some(Change(0)) => "change",
        |it| it.adjustment = Some(Change(i64::MIN)) => "change",
        |it| it.reason = 0 => "reason",
        |it| it.reason = StockChangeReason::Returned.into() => "reason",
        |it| it.reason = 99 => "reason",
        |it| it.reason = StockChangeReason::Lost.into() => "reason",
        |it| {
            it.adjustment = Some(Change(1));
            it.reason = StockChangeReason::Lost.into();
        } => "change",
    );
    refused!(commands, transfer_stock, transfer("TEA", "shop", 1),
        |it| it.to_location = "main".to_owned() => "to_location",
        |it| it.to_location.clear() => "to_location",
        |it| it.from_location = "a b".to_owned() => "from_location",
        |it| it.quantity = 0 => "quantity",
    );
    refused!(commands, set_reorder_level, reorder_at("TEA", 1),
        |it| it.reorder_level = Some(-1) => "reorder_level",
        |it| it.reorder_level = Some(i64::MAX) => "reorder_level",
        |it| it.location.clear() => "location",
    );
    assert_no_stock((server, data)).await;
}

#[tokio::test]
async fn reserving_by_a_broken_rule_is_refused_by_its_field() {
    let (server, data) = untouched_shop().await;
    let mut commands = server.stock_commands();
    let line = NewReservationLine { sku: "TEA".to_owned(), quantity: 1 };
    refused!(commands, reserve_stock, reserve("TEA", 1),
        |it| it.lines.clear() => "lines",
        |it| it.lines = vec![line.clone(); 101] => "lines",
        |it| it.lines[0].sku.clear() => "lines[0].sku",
        |it| it.lines[0].quantity = 0 => "lines[0].quantity",
        |it| it.lines[0].quantity = 1_000_001 => "lines[0].quantity",
        |it| it.hold_duration = None => "hold_duration",
        |it| it.hold_duration = Some(Duration { seconds: 0, nanos: 999_999_999 }) => "hold_duration",
        |it| it.hold_duration = Some(Duration { seconds: 604_800, nanos: 1 }) => "hold_duration",
        |it| it.hold_duration = Some(Duration { seconds: -5, nanos: 0 }) => "hold_duration",
        |it| it.hold_duration = Some(Duration { seconds: i64::MAX, nanos: i32::MAX }) => "hold_duration",
    );
    refused!(commands, release_reservation, release("7"),
        |_| () => "reservation_id",
        |it| it.request_id.clear() => "request_id",
    );
    let not_there = commands.reserve_stock(reserve("GHOST", 1)).await;
    assert_refused(not_there, Code::FailedPrecondition, "INSUFFICIENT_STOCK", None);
    assert_no_stock((server, data)).await;
}

#[tokio::test]
async fn asking_by_a_broken_rule_is_refused_by_its_field() {
    let (server, data) = untouched_shop().await;
    let mut queries = server.stock_queries();
    refused!(queries, get_stock, GetStockRequest { sku: String::new() }, |_| () => "sku");
    refused!(queries, list_stock, ListStockRequest::default(),
        |it| it.page_size = -1 => "page_size",
        |it| it.page_size = 201 => "page_size",
        |it| it.location = "a b".to_owned() => "location",
    );
    let article = AvailabilityQuery { sku: "TEA".to_owned(), quantity: 1 };
    let articles = CheckAvailabilityRequest { articles: vec![article.clone()] };
    refused!(queries, check_availability, articles.clone(),
        |it| it.articles.clear() => "articles",
        |it| it.articles = vec![article.clone(); 101] => "articles",
        |it| it.articles.push(article.clone()) => "articles[1].sku",
        |it| it.articles[0].quantity = -1 => "articles[0].quantity",
    );
    let reservation = GetReservationRequest { reservation_id: "7".to_owned() };
    refused!(queries, get_reservation, reservation.clone(), |_| () => "reservation_id");
    refused!(queries, list_reservations, ListReservationsRequest::default(),
        |it| it.state = 99 => "state",
        |it| it.sku = "TEA TIME".to_owned() => "sku",
        |it| it.page_size = 1000 => "page_size",
    );
    let watch = WatchLowStockRequest { location: "a b".to_owned() };
    refused!(queries, watch_low_stock, watch.clone(), |_| () => "location");
    let no_token = ListStockRequest { page_token: "%%%".to_owned(), ..ListStockRequest::default() };
    let refused = queries.list_stock(no_token).await;
    assert_refused(refused, Code::InvalidArgument, "INVALID_PAGE_TOKEN", Some("page_token"));
    assert_no_stock((server, data)).await;
}
