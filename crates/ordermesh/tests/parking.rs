//! A poison order: only its key stops, everything else flows on, and after a replay or a rebuild all is consistent.
#![expect(clippy::unwrap_used, reason = "in a test a panic is the failure")]

use std::path::Path;

use ordermesh_proto::feed::v1::consumer_service_replay_parked_events_request::What;
use ordermesh_proto::feed::v1::{
    Consumer, ConsumerServiceDiscardParkedEventsRequest, ConsumerServiceListParkedEventsRequest,
    ConsumerServiceListParkedEventsResponse, ConsumerServiceReplayParkedEventsRequest, ListConsumersRequest,
    ParkedKeys,
};
use ordermesh_proto::order::v1::{GetOrderRequest, GetOrderResponse, OrderState};
use ordermesh_testkit::orders::{list_all, note_and_cancel};
use ordermesh_testkit::{Launch, Server, assert_refused, eventually, fold_orders, order, read_feed};
use sea_orm::{ConnectionTrait, DatabaseConnection, DbBackend, Statement};
use tempfile::TempDir;
use tonic::{Code, Status};
use uuid::Uuid;

const BINARY: &str = env!("CARGO_BIN_EXE_ordermesh");
const READ: &str = "order-query";

struct Shop {
    write: Server,
    read: Server,
    data: TempDir,
}

impl Shop {
    async fn open() -> Self {
        let data = tempfile::tempdir().unwrap();
        let write = Server::serve(BINARY, "order-command", data.path()).await;
        let read = Launch::serve(BINARY, READ, data.path())
            .env("ORDERMESH_PEERS__ORDER_COMMAND", &format!("http://{}", write.addr()))
            .start()
            .await;
        Self { write, read, data }
    }

    /// A new order that can be read, and the token of its command.
    async fn place(&self) -> String {
        let placed = self.write.commands().place_order(order("TEA", 2, 450)).await.unwrap().into_inner();
        self.get(&placed.order_id, &placed.consistency_token).await.unwrap();
        placed.order_id
    }

    async fn cancel(&self, order_id: &str) -> String {
        note_and_cancel(self.write.addr(), order_id).await
    }

    async fn get(&self, order_id: &str, at_least: &str) -> Result<GetOrderResponse, Status> {
        let (order_id, at_least) = (order_id.to_owned(), at_least.to_owned());
        let request = GetOrderRequest { order_id, at_least, allow_stale: false };
        self.read.queries().get_order(request).await.map(|answer| answer.into_inner())
    }

    async fn consumer(&self) -> Consumer {
        let consumers = self.read.consumers().list_consumers(ListConsumersRequest {}).await.unwrap();
        consumers.into_inner().consumers.remove(0)
    }

    async fn parked(&self, page_size: i32, page_token: &str) -> ConsumerServiceListParkedEventsResponse {
        let request = ConsumerServiceListParkedEventsRequest {
            consumer: READ.to_owned(),
            page_size,
            page_token: page_token.to_owned(),
            ..Default::default()
        };
        self.read.consumers().list_parked_events(request).await.unwrap().into_inner()
    }

    async fn replay(&self) -> i64 {
        let request = ConsumerServiceReplayParkedEventsRequest {
            consumer: READ.to_owned(),
            what: Some(What::All(true)),
            suppress_effects: false,
        };
        self.read.consumers().replay_parked_events(request).await.unwrap().into_inner().key_count
    }

    /// Waits until the consumer has given up on its own.
    async fn given_up(&self) {
        let waits = async || self.parked(0, "").await.events.first().is_some_and(|first| !first.replaying);
        eventually!(waits().await, "the key waits for an operator");
    }

    /// The read model is what the log makes.
    async fn assert_consistent(&self) {
        let log = read_feed(&mut self.write.events()).await;
        assert_eq!(list_all(self.read.addr(), "").await, fold_orders(&log));
    }

    async fn open_file(&self, file: &str) -> DatabaseConnection {
        open(&self.data.path().join(file)).await
    }
}

async fn open(file: &Path) -> DatabaseConnection {
    ordermesh_testkit::backend::open(file).await.unwrap()
}

/// The bytes that a statement gives.
async fn bytes(db: &DatabaseConnection, sql: &str) -> Vec<u8> {
    let row = db.query_one_raw(Statement::from_string(db.get_database_backend(), sql)).await.unwrap();
    row.unwrap().try_get_by_index(0).unwrap()
}

async fn write(db: &DatabaseConnection, sql: &str, value: Vec<u8>) {
    let statement = Statement::from_sql_and_values(db.get_database_backend(), sql, [value.into()]);
    assert_eq!(db.execute_raw(statement).await.unwrap().rows_affected(), 1);
}

/// A UUID in the database's SQL.
fn literal(db: &DatabaseConnection, order_id: &str) -> String {
    match db.get_database_backend() {
        DbBackend::Postgres => format!("'{order_id}'"),
        _ => format!("x'{}'", Uuid::parse_str(order_id).unwrap().simple()),
    }
}

#[tokio::test]
async fn a_poison_order_stops_alone_and_after_its_parked_events_are_replayed_all_is_consistent() {
    let mut shop = Shop::open().await;
    let (poison, other) = (shop.place().await, shop.place().await);
    let token = shop.cancel(&other).await;
    shop.get(&other, &token).await.unwrap();
    // The row of one order now says what another is: its next event does not follow.
    assert_eq!(shop.read.terminate().await.code, Some(0));
    let file = shop.open_file("order-query.db").await;
    let body = |order_id: &str| {
        format!("SELECT body FROM order_views WHERE order_id = {}", literal(&file, order_id))
    };
    let set = format!("UPDATE order_views SET body = $1 WHERE order_id = {}", literal(&file, &poison));
    let right = bytes(&file, &body(&poison)).await;
    write(&file, &set, bytes(&file, &body(&other)).await).await;
    file.close().await.unwrap();
    shop.read.start_again_here().await;

    let poison_token = shop.cancel(&poison).await;
    let later = shop.place().await;
    shop.get(&later, "").await.unwrap();
    let shown = shop.get(&poison, &poison_token).await.unwrap();
    assert!(shown.stale && shown.parked_reason.contains("revision"), "{}", shown.parked_reason);
    let fine = shop.get(&later, &poison_token).await.unwrap();
    assert_eq!((fine.stale, fine.parked_reason.as_str()), (false, ""));
    shop.given_up().await;
    let consumer = shop.consumer().await;
    assert_eq!((consumer.parked_keys, consumer.parked_events, consumer.lag_events), (1, 2, 0));
    assert!(consumer.active && consumer.parked_bytes > 0 && consumer.error.is_empty(), "{consumer:?}");
    let first = shop.parked(1, "").await;
    let second = shop.parked(1, &first.next_page_token).await;
    let listed: Vec<_> = [&first, &second].iter().flat_map(|page| &page.events).collect();
    let kinds: Vec<_> = listed.iter().map(|event| event.envelope.as_ref().unwrap().r#type.as_str()).collect();
    assert_eq!(kinds, ["OrderNoteAdded", "OrderCancellationRequested"]);
    assert!(listed.iter().all(|event| event.attempts == 5 && !event.event.is_empty()));
    assert_eq!(second.next_page_token, "");

    assert_eq!(shop.read.terminate().await.code, Some(0));
    let file = shop.open_file("order-query.db").await;
    write(&file, &set, right).await;
    file.close().await.unwrap();
    shop.read.start_again_here().await;
    assert_eq!(shop.replay().await, 1);
    eventually!(shop.consumer().await.parked_keys == 0, "the parked events are applied");
    // The server learns a moment after the commit that the key flows again, and says stale for that moment.
    let fresh = async || shop.get(&poison, &poison_token).await.unwrap();
    eventually!(!fresh().await.stale, "the order is not stale any more");
    assert_eq!(fresh().await.order.unwrap().state(), OrderState::Cancelling);
    shop.assert_consistent().await;
}

#[tokio::test]
async fn an_event_whose_bytes_are_broken_in_the_log_parks_its_order_and_a_rebuild_from_the_mended_log_frees_it()
 {
    let mut shop = Shop::open().await;
    shop.place().await;
    assert_eq!(shop.read.terminate().await.code, Some(0));
    let broken = shop.write.commands().place_order(order("MUG", 1, 1_299)).await.unwrap().into_inner();
    shop.cancel(&broken.order_id).await;
    assert_eq!(shop.write.terminate().await.code, Some(0));
    let log = shop.open_file("order-command.db").await;
    let set =
        format!("UPDATE events SET payload = $1 WHERE key = '{}' AND key_revision = 1", broken.order_id);
    let payload =
        format!("SELECT payload FROM events WHERE key = '{}' AND key_revision = 1", broken.order_id);
    let right = bytes(&log, &payload).await;
    write(&log, &set, vec![0xff, 0xff, 0xff]).await;
    log.close().await.unwrap();
    shop.write.start_again_here().await;
    shop.read.start_again_here().await;

    let fine = shop.place().await;
    let parked = shop.get(&broken.order_id, &broken.consistency_token).await;
    let told = parked.as_ref().unwrap_err().message().to_owned();
    assert!(told.contains("parked"), "{told}");
    assert_refused(parked, Code::Unavailable, "PROJECTION_BEHIND", None);
    assert_eq!(shop.consumer().await.parked_events, 3);

    assert_eq!(shop.write.terminate().await.code, Some(0));
    let log = shop.open_file("order-command.db").await;
    write(&log, &set, right).await;
    log.close().await.unwrap();
    shop.write.start_again_here().await;
    let addr = shop.read.addr().to_owned();
    let rebuilt = Launch::program(BINARY, &["feed", "rebuild", READ, "--addr", &addr]).finish().await;
    assert_eq!(rebuilt.code, Some(0), "{rebuilt:?}");
    assert_eq!(shop.consumer().await.parked_keys, 0);
    shop.get(&fine, "").await.unwrap();
    shop.assert_consistent().await;
}

#[tokio::test]
async fn requests_to_the_parking_that_break_a_rule_are_refused_by_the_field() {
    let shop = Shop::open().await;
    let mut consumers = shop.read.consumers();
    let consumer = READ.to_owned();
    let list = |page_size| ConsumerServiceListParkedEventsRequest {
        consumer: consumer.clone(),
        page_size,
        ..Default::default()
    };
    let refused = consumers.list_parked_events(list(201)).await;
    assert_refused(refused, Code::InvalidArgument, "INVALID_REQUEST", Some("page_size"));
    let nothing =
        ConsumerServiceReplayParkedEventsRequest { consumer: consumer.clone(), ..Default::default() };
    let refused = consumers.replay_parked_events(nothing).await;
    assert_refused(refused, Code::InvalidArgument, "INVALID_REQUEST", Some("what"));
    let discard = |key: &str, up_to_position| ConsumerServiceDiscardParkedEventsRequest {
        consumer: consumer.clone(),
        key: key.to_owned(),
        up_to_position,
    };
    for (request, field) in [(discard("", 0), "key"), (discard("k", -1), "up_to_position")] {
        let refused = consumers.discard_parked_events(request).await;
        assert_refused(refused, Code::InvalidArgument, "INVALID_REQUEST", Some(field));
    }
    let refused = consumers.discard_parked_events(discard("nobody", 0)).await;
    assert_refused(refused, Code::NotFound, "KEY_NOT_PARKED", Some("key"));
    let keys = ParkedKeys { keys: vec!["nobody".to_owned()] };
    let replay = ConsumerServiceReplayParkedEventsRequest {
        consumer: consumer.clone(),
        what: Some(What::Keys(keys)),
        ..Default::default()
    };
    let refused = consumers.replay_parked_events(replay).await;
    assert_refused(refused, Code::NotFound, "KEY_NOT_PARKED", Some("key"));
}
