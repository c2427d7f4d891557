//! Two read servers on one PostgreSQL: one works, and the other, which stands by, answers as well.
#![expect(clippy::unwrap_used, reason = "in a test a panic is the failure")]

use ordermesh_proto::feed::v1::{ListConsumersRequest, ListProjectionsRequest};
use ordermesh_proto::order::v1::{
    GetOrderRequest, GetOrderResponse, OrderState, WatchOrderRequest, WatchOrderResponse,
    watch_order_response,
};
use ordermesh_testkit::backend::copy;
use ordermesh_testkit::wait::soon;
use ordermesh_testkit::{Backend, Launch, Server, assert_refused, cancel, eventually, order};
use tempfile::TempDir;
use tonic::{Code, Status};

const BINARY: &str = env!("CARGO_BIN_EXE_ordermesh");

struct Shop {
    write: Server,
    active: Server,
    stands_by: Server,
    data: TempDir,
}

impl Shop {
    /// `None` on SQLite, whose file belongs to one process.
    async fn open() -> Option<Self> {
        if Backend::needs_postgres("several replicas share one database") {
            return None;
        }
        let data = tempfile::tempdir().unwrap();
        let write = Server::serve(BINARY, "order-command", data.path()).await;
        let read = async || {
            Launch::serve(BINARY, "order-query", data.path())
                .env("ORDERMESH_PEERS__ORDER_COMMAND", &format!("http://{}", write.addr()))
                .start()
                .await
        };
        let active = read().await;
        eventually!(is_active(&active).await, "the first read server takes the lease");
        let stands_by = read().await;
        Some(Self { write, active, stands_by, data })
    }

    /// A new order and the token of its command.
    async fn place(&self) -> (String, String) {
        let placed = self.write.commands().place_order(order("TEA", 2, 450)).await.unwrap().into_inner();
        (placed.order_id, placed.consistency_token)
    }
}

async fn is_active(server: &Server) -> bool {
    let consumers = server.consumers().list_consumers(ListConsumersRequest {}).await.unwrap();
    consumers.into_inner().consumers[0].active
}

async fn get(server: &Server, order_id: &str, at_least: &str) -> Result<GetOrderResponse, Status> {
    let (order_id, at_least) = (order_id.to_owned(), at_least.to_owned());
    let request = GetOrderRequest { order_id, at_least, allow_stale: false };
    server.queries().get_order(request).await.map(|answer| answer.into_inner())
}

fn state(frame: WatchOrderResponse) -> OrderState {
    match frame.frame {
        Some(watch_order_response::Frame::Order(order)) => order.state(),
        other => panic!("{other:?}"),
    }
}

#[tokio::test]
async fn the_replica_that_stands_by_reads_your_writes_and_wakes_who_watches_there() {
    let Some(shop) = Shop::open().await else { return };
    let (order_id, token) = shop.place().await;
    let shown = get(&shop.stands_by, &order_id, &token).await.unwrap();
    assert_eq!((shown.order.unwrap().state(), shown.stale), (OrderState::Placed, false));

    let request = WatchOrderRequest { order_id: order_id.clone(), ..WatchOrderRequest::default() };
    let mut frames = shop.stands_by.queries().watch_order(request).await.unwrap().into_inner();
    let first = soon("the order", frames.message()).await.unwrap().unwrap();
    assert_eq!(state(first), OrderState::Placed);
    shop.write.commands().cancel_order(cancel(&order_id)).await.unwrap();
    // Changes in quick succession may be joined.
    let mut last = OrderState::Placed;
    while last != OrderState::Cancelling {
        last = state(soon("the change", frames.message()).await.unwrap().unwrap());
    }
    assert!(is_active(&shop.active).await && !is_active(&shop.stands_by).await);
}

#[tokio::test]
async fn both_replicas_say_that_their_rows_are_of_a_history_that_a_restored_log_does_not_have() {
    let Some(mut shop) = Shop::open().await else { return };
    let (kept, _) = shop.place().await;
    assert_eq!(shop.write.terminate().await.code, Some(0));
    copy(shop.data.path(), "order-command", "old-copy").await;
    shop.write.start_again_here().await;
    let (_, lost) = shop.place().await;
    eventually!(get(&shop.stands_by, &kept, &lost).await.map(drop), "the read model has it all");

    assert_eq!(shop.write.terminate().await.code, Some(0));
    copy(shop.data.path(), "old-copy", "order-command").await;
    shop.write.start_again_here().await;
    for server in [&shop.active, &shop.stands_by] {
        eventually!(get(server, &kept, "").await.unwrap().stale, "{} says that it is stale", server.addr());
        assert_refused(get(server, &kept, &lost).await, Code::Unavailable, "PROJECTION_BEHIND", None);
        let projections = server.projections().list_projections(ListProjectionsRequest {}).await.unwrap();
        assert!(projections.into_inner().projections[0].error.contains("FEED_DIVERGED"));
    }

    // A rebuild by either mends both.
    let addr = shop.stands_by.addr().to_owned();
    let rebuilt =
        Launch::program(BINARY, &["feed", "rebuild", "order-query", "--addr", &addr]).finish().await;
    assert_eq!(rebuilt.code, Some(0), "{rebuilt:?}");
    let (_, newest) = shop.place().await;
    for server in [&shop.active, &shop.stands_by] {
        eventually!(
            get(server, &kept, &newest).await.map(|answer| assert!(!answer.stale)),
            "{} follows the restored log",
            server.addr()
        );
    }
}
