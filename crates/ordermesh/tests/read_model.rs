//! The read server beside the write server, each a process of its own: it reads its own writes, catches up after it
//! was away, and a rebuild from position 0 gives the rows that were there.
#![expect(clippy::unwrap_used, reason = "in a test a panic is the failure")]

use ordermesh_proto::feed::v1::ListProjectionsRequest;
use ordermesh_proto::order::v1::{
    CancelOrderRequest, GetOrderRequest, GetOrderTimelineRequest, OrderState, WatchOrderRequest,
    watch_order_response,
};
use ordermesh_testkit::backend::copy;
use ordermesh_testkit::orders::{list_all, place_many};
use ordermesh_testkit::rows::dump_table;
use ordermesh_testkit::wait::soon;
use ordermesh_testkit::{
    Launch, Server, assert_log_is_sound, assert_refused, cancel, eventually, fold_orders, order, read_feed,
};
use tempfile::TempDir;
use tonic::Code;

const BINARY: &str = env!("CARGO_BIN_EXE_ordermesh");

struct Shop {
    write: Server,
    read: Server,
    data: TempDir,
}

async fn shop() -> Shop {
    let data = tempfile::tempdir().unwrap();
    let write = Server::serve(BINARY, "order-command", data.path()).await;
    let read = Launch::serve(BINARY, "order-query", data.path())
        .env("ORDERMESH_PEERS__ORDER_COMMAND", &format!("http://{}", write.addr()))
        .start()
        .await;
    Shop { write, read, data }
}

impl Shop {
    async fn place(&self) -> (String, String) {
        let placed = self.write.commands().place_order(order("TEA", 2, 450).with_personal().build()).await;
        let placed = placed.unwrap().into_inner();
        (placed.order_id, placed.consistency_token)
    }

    fn read_model_rows(&self) -> impl Future<Output = Vec<Vec<String>>> {
        let file = self.data.path().join("order-query.db");
        async move {
            let mut tables = Vec::new();
            for table in ["order_views", "order_view_skus", "order_timeline", "checkpoints"] {
                tables.push(dump_table(&file, table).await);
            }
            tables
        }
    }
}

fn get(order_id: &str, at_least: &str) -> GetOrderRequest {
    GetOrderRequest { order_id: order_id.to_owned(), at_least: at_least.to_owned(), allow_stale: false }
}

#[tokio::test]
async fn a_query_with_the_token_of_a_command_reads_what_the_command_wrote() {
    let shop = shop().await;
    for _ in 0..20 {
        let (order_id, token) = shop.place().await;
        let response = shop.read.queries().get_order(get(&order_id, &token)).await.unwrap().into_inner();
        let shown = response.order.unwrap();
        assert_eq!(
            (shown.order_id.as_str(), shown.state(), response.stale),
            (&*order_id, OrderState::Placed, false)
        );
        assert!(shown.personal_data.is_some());
        let cancelled = shop.write.commands().cancel_order(cancel(&order_id)).await.unwrap().into_inner();
        let token = cancelled.consistency_token;
        let shown = shop.read.queries().get_order(get(&order_id, &token)).await.unwrap().into_inner();
        assert_eq!(shown.order.unwrap().state(), OrderState::Cancelling);
    }
}

#[tokio::test]
async fn while_the_write_server_is_away_queries_answer_and_a_newer_token_is_refused_as_behind() {
    let mut shop = shop().await;
    let (order_id, token) = shop.place().await;
    shop.read.queries().get_order(get(&order_id, &token)).await.unwrap();
    shop.read.kill9();
    let (newer, newer_token) = shop.place().await;
    shop.write.kill9();
    shop.read.start_again_here().await;
    let known = shop.read.queries().get_order(get(&order_id, &token)).await.unwrap().into_inner();
    assert_eq!(known.order.unwrap().order_id, order_id);
    let behind = shop.read.queries().get_order(get(&newer, &newer_token)).await;
    assert_refused(behind, Code::Unavailable, "PROJECTION_BEHIND", None);
    let stale = GetOrderRequest { allow_stale: true, ..get(&order_id, &newer_token) };
    assert!(shop.read.queries().get_order(stale).await.unwrap().into_inner().stale);
    shop.write.start_again_here().await;
    eventually!(
        shop.read.queries().get_order(get(&newer, &newer_token)).await.map(drop),
        "the read server finds the write server again"
    );
}

#[tokio::test]
async fn ten_thousand_orders_placed_while_the_read_server_was_stopped_are_caught_up_and_survive_a_rebuild() {
    let mut shop = shop().await;
    let (first, first_token) = shop.place().await;
    shop.read.queries().get_order(get(&first, &first_token)).await.unwrap();
    assert_eq!(shop.read.terminate().await.code, Some(0));

    place_many(shop.write.addr(), 10_000, 64).await;
    let cancelled: CancelOrderRequest = cancel(&first);
    let token = shop.write.commands().cancel_order(cancelled).await.unwrap().into_inner().consistency_token;

    shop.read.start_again_here().await;
    eventually!(
        shop.read.queries().get_order(get(&first, &token)).await.map(drop),
        "the read server catches up"
    );
    let log = read_feed(&mut shop.write.events()).await;
    assert_log_is_sound(&log);
    assert_eq!(
        list_all(shop.read.addr(), "").await,
        fold_orders(&log),
        "the read model is a fold of the feed"
    );

    let before = shop.read_model_rows().await;
    let addr = shop.read.addr().to_owned();
    let rebuilt =
        Launch::program(BINARY, &["feed", "rebuild", "order-query", "--addr", &addr]).finish().await;
    assert_eq!(rebuilt.code, Some(0), "{rebuilt:?}");
    assert_eq!(shop.read_model_rows().await, before, "a rebuild gives the same rows");
    let (last, last_token) = shop.place().await;
    shop.read.queries().get_order(get(&last, &last_token)).await.expect("the rebuilt tables follow the feed");
}

#[tokio::test]
async fn the_timeline_tells_who_did_what_and_why_in_order() {
    let shop = shop().await;
    let (order_id, _) = shop.place().await;
    let cancelled = shop.write.commands().cancel_order(cancel(&order_id)).await.unwrap().into_inner();
    let request = GetOrderTimelineRequest {
        order_id,
        at_least: cancelled.consistency_token,
        ..GetOrderTimelineRequest::default()
    };
    let entries = shop.read.queries().get_order_timeline(request).await.unwrap().into_inner().entries;
    let kinds: Vec<_> = entries.iter().map(|entry| (entry.revision, entry.r#type.as_str())).collect();
    assert_eq!(kinds, [(1, "OrderCreated"), (2, "OrderCancellationRequested")]);
    assert!(entries.iter().all(|entry| entry.actor.is_some() && !entry.causation_id.is_empty()));
}

#[tokio::test]
async fn watching_shows_the_order_now_then_each_change_and_says_closing_at_the_end() {
    let mut shop = shop().await;
    let (order_id, token) = shop.place().await;
    let request = WatchOrderRequest { order_id: order_id.clone(), at_least: token, allow_stale: false };
    let mut stream = shop.read.queries().watch_order(request).await.unwrap().into_inner();
    let next = async |stream: &mut tonic::Streaming<_>| soon("a frame", stream.message()).await.unwrap();
    let state =
        |frame: Option<ordermesh_proto::order::v1::WatchOrderResponse>| match frame.unwrap().frame.unwrap() {
            watch_order_response::Frame::Order(order) => Some(order.state()),
            watch_order_response::Frame::Closing(_) => None,
        };
    assert_eq!(state(next(&mut stream).await), Some(OrderState::Placed));
    shop.write.commands().cancel_order(cancel(&order_id)).await.unwrap();
    assert_eq!(state(next(&mut stream).await), Some(OrderState::Cancelling));
    let end =
        tokio::spawn(async move { (state(next(&mut stream).await), next(&mut stream).await.is_none()) });
    assert_eq!(shop.read.terminate().await.code, Some(0));
    assert_eq!(end.await.unwrap(), (None, true));
}

#[tokio::test]
async fn after_the_log_is_restored_from_an_old_copy_nothing_wrong_is_promised_and_a_rebuild_mends_it() {
    let mut shop = shop().await;
    let (kept, _) = shop.place().await;
    assert_eq!(shop.write.terminate().await.code, Some(0));
    copy(shop.data.path(), "order-command", "old-copy").await;
    shop.write.start_again_here().await;
    let (lost, lost_token) = shop.place().await;
    let (_, token) = shop.place().await;
    eventually!(
        shop.read.queries().get_order(get(&lost, &token)).await.map(drop),
        "the read model has it all"
    );

    assert_eq!(shop.write.terminate().await.code, Some(0));
    copy(shop.data.path(), "old-copy", "order-command").await;
    shop.write.start_again_here().await;
    let (_, new_token) = shop.place().await;
    eventually!(
        {
            let projections =
                shop.read.projections().list_projections(ListProjectionsRequest {}).await.unwrap();
            projections.into_inner().projections[0].error.contains("FEED_DIVERGED")
        },
        "the read server is told that the log is another one"
    );
    for token in [&lost_token, &new_token] {
        let promised = shop.read.queries().get_order(get(&kept, token)).await;
        assert_refused(promised, Code::Unavailable, "PROJECTION_BEHIND", None);
    }
    let unpromised = shop.read.queries().get_order(get(&kept, "")).await.unwrap().into_inner();
    assert!(unpromised.stale, "what is shown is of a history that the log no longer has");

    let addr = shop.read.addr().to_owned();
    let rebuilt =
        Launch::program(BINARY, &["feed", "rebuild", "order-query", "--addr", &addr]).finish().await;
    assert_eq!(rebuilt.code, Some(0), "{rebuilt:?}");
    let (newest, newest_token) = shop.place().await;
    eventually!(
        shop.read.queries().get_order(get(&newest, &newest_token)).await.map(drop),
        "the read server follows the restored log"
    );
    let log = read_feed(&mut shop.write.events()).await;
    assert_eq!(list_all(shop.read.addr(), "").await, fold_orders(&log));
    assert_refused(
        shop.read.queries().get_order(get(&lost, "")).await,
        Code::NotFound,
        "ORDER_NOT_FOUND",
        Some("order_id"),
    );
}
