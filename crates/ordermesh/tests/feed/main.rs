//! The order feed as a subscriber sees it: every start, filter and end of the contract, and nothing lost on the way.

#![expect(clippy::unwrap_used, reason = "a test may panic, and its helpers too")]

mod ends;
mod filters;
mod frames;
mod shutdown;
mod starts;

use ordermesh_proto::feed::v1::subscribe_request::Start;
use ordermesh_proto::feed::v1::{GetFeedResponse, SubscribeRequest};
use ordermesh_testkit::client::reluctant_events;
use ordermesh_testkit::{Server, Subscription, order, orders};

const BINARY: &str = env!("CARGO_BIN_EXE_ordermesh");

/// A new server with so many orders, and their ids.
async fn server_with(orders: usize) -> (Server, Vec<String>) {
    let server = Server::scratch(BINARY).await;
    let mut ids = Vec::new();
    for _ in 0..orders {
        ids.push(place(&server).await);
    }
    (server, ids)
}

/// Places an order and gives its id.
async fn place(server: &Server) -> String {
    server.commands().place_order(order("TEA", 1, 450)).await.unwrap().into_inner().order_id
}

/// Places many orders by several callers at once.
async fn place_many(server: &Server, count: usize) {
    orders::place_many(server.addr(), count, 16).await;
}

async fn open(server: &Server, request: SubscribeRequest) -> Subscription {
    Subscription::open(&mut server.events(), request).await.unwrap()
}

/// A stream of somebody who will not read for a while.
async fn open_reluctantly(server: &Server, request: SubscribeRequest) -> Subscription {
    Subscription::open(&mut reluctant_events(server.addr()), request).await.unwrap()
}

async fn get_feed(server: &Server) -> GetFeedResponse {
    server.events().get_feed(ordermesh_proto::feed::v1::GetFeedRequest {}).await.unwrap().into_inner()
}

fn starting(start: Start) -> SubscribeRequest {
    SubscribeRequest { start: Some(start), ..SubscribeRequest::default() }
}

fn range(positions: std::ops::RangeInclusive<i64>) -> Vec<i64> {
    positions.collect()
}
