//! Bad input: whatever a caller gets wrong is answered with a typed error that says what, and leaves no row.

#![expect(clippy::unwrap_used, reason = "a test may panic, and its helpers too")]

mod bytes;
mod cancelling;
mod changing;
mod inventory;
mod placing;
mod querying;
mod subscribing;
mod sums;

use ordermesh_proto::feed::v1::GetFeedRequest;
use ordermesh_testkit::order::PlaceOrderBuilder;
use ordermesh_testkit::rows::count_rows;
use ordermesh_testkit::{Server, assert_refused};
use tonic::Code;

const BINARY: &str = env!("CARGO_BIN_EXE_ordermesh");

/// A request, the reason for its refusal, and the field that is at fault.
type Case = (PlaceOrderBuilder, &'static str, &'static str);

/// A server that never wrote anything.
async fn untouched_server() -> Server {
    Server::scratch(BINARY).await
}

/// Sends bad orders to a new server; each must be refused as INVALID_ARGUMENT, and none may leave a row.
async fn assert_all_refused(cases: impl IntoIterator<Item = Case>) {
    let server = untouched_server().await;
    let mut commands = server.commands();
    for (request, reason, field) in cases {
        let shown = format!("{request:?}");
        eprintln!("case: {}", shown.get(..2_000).unwrap_or(&shown));
        assert_refused(commands.place_order(request).await, Code::InvalidArgument, reason, Some(field));
    }
    assert_nothing_written(server).await;
}

/// Asserts that the log is empty and that no table has a row.
async fn assert_nothing_written(mut server: Server) {
    let feed = server.events().get_feed(GetFeedRequest {}).await.unwrap().into_inner();
    assert_eq!((feed.head_position, feed.earliest_position), (0, 0));
    server.terminate().await;
    for (database, table) in [("order-command.db", "orders"), ("order-query.db", "order_views")] {
        let rows = count_rows(&server.data(database)).await;
        assert!(rows.contains_key(table), "the tables are there: {rows:?}");
        assert!(rows.values().all(|count| *count == 0), "a refused request left rows: {rows:?}");
    }
}
