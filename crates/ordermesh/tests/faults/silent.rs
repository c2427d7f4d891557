//! Nobody answers and nobody refuses: a server of PostgreSQL that stands still, a network that swallows everything, a
//! write server that is frozen under its read server. Each is noticed in a bounded time, and over when it is over.

use std::time::{Duration, Instant};

use ordermesh_proto::feed::v1::{GetFeedRequest, ListProjectionsRequest, SubscribeRequest};
use ordermesh_proto::order::v1::{GetOrderRequest, ListOrdersRequest};
use ordermesh_testkit::backend::connect;
use ordermesh_testkit::wait::soon;
use ordermesh_testkit::{
    Launch, Postgres, Proxy, Server, Subscription, assert_log_is_sound, assert_refused, eventually, order,
    read_feed,
};
use sea_orm::ConnectionTrait;
use tonic::{Code, Response, Status};

use crate::{BINARY, not_here};

/// What the settings of [`impatient`] add up to, and what a busy machine adds to that.
const PATIENCE: Duration = Duration::from_millis(3_000);
const SLACK: Duration = Duration::from_secs(3);

fn impatient(launch: Launch) -> Launch {
    launch
        .env("ORDERMESH_DATABASE__CONNECT_TIMEOUT_MS", "500")
        .env("ORDERMESH_DATABASE__STATEMENT_TIMEOUT_MS", "1000")
        .env("ORDERMESH_DATABASE__IDLE_IN_TRANSACTION_TIMEOUT_MS", "500")
}

async fn place(server: &Server) -> Result<Response<ordermesh_proto::order::v1::PlaceOrderResponse>, Status> {
    server.commands().place_order(order("TEA", 1, 450)).await
}

async fn refused_in_time<T: std::fmt::Debug>(answer: impl Future<Output = Result<Response<T>, Status>>) {
    let start = Instant::now();
    let answer = soon("a refusal", answer).await;
    let took = start.elapsed();
    let refusal = assert_refused(answer, Code::Unavailable, "STORE_UNAVAILABLE", None);
    assert!(refusal.retryable, "RetryInfo says when: {refusal:?}");
    assert!(took < PATIENCE + SLACK, "it took {took:?}");
}

/// A read server of the write server, on the same PostgreSQL, with so few connections that none is left when what is
/// lost keeps its place in a pool.
async fn reader(postgres: &Postgres, write: &Server) -> Server {
    reader_on(&postgres.database("order-query").await, write).await
}

async fn reader_on(database: &str, write: &Server) -> Server {
    let read = Launch::program(BINARY, &["serve", "order-query"]).listen("127.0.0.1:0");
    let read = read
        .env("ORDERMESH_ORDER_QUERY__DATABASE_URL", database)
        .env("ORDERMESH_DATABASE__WRITE_CONNECTIONS", "2")
        .env("ORDERMESH_DATABASE__READ_CONNECTIONS", "2")
        .env("ORDERMESH_PEERS__ORDER_COMMAND", &format!("http://{}", write.addr()));
    impatient(read).start().await
}

fn get(id: &str) -> GetOrderRequest {
    GetOrderRequest { order_id: id.to_owned(), ..GetOrderRequest::default() }
}

#[tokio::test(flavor = "multi_thread")]
async fn calls_are_refused_in_time_while_the_database_server_stands_still_and_work_when_it_goes_on() {
    if not_here() {
        return;
    }
    let postgres = Postgres::start().await;
    let write = Launch::replica(BINARY, &postgres.database("order-command").await);
    let write = impatient(write).start().await;
    let read = reader(&postgres, &write).await;
    let id = place(&write).await.unwrap().into_inner().order_id;
    eventually!(read.queries().get_order(get(&id)).await, "the read server has the order");
    postgres.freeze();
    for _ in 0..2 {
        let (mut queries, mut events) = (read.queries(), write.events());
        tokio::join!(
            refused_in_time(place(&write)),
            refused_in_time(queries.get_order(get(&id))),
            refused_in_time(events.get_feed(GetFeedRequest {})),
        );
    }
    postgres.thaw();
    eventually!(place(&write).await, "commands are taken again");
    eventually!(read.queries().get_order(get(&id)).await, "queries are answered again");
    let log = eventually!(
        Some(read_feed(&mut write.events()).await).filter(|log| log.len() >= 2),
        "the feed goes on"
    );
    assert_log_is_sound(&log);
}

#[tokio::test(flavor = "multi_thread")]
async fn service_returns_by_itself_on_new_connections_when_the_old_ones_are_never_heard_of_again() {
    if not_here() {
        return;
    }
    let postgres = Postgres::start().await;
    let database = postgres.database("order-command").await;
    let proxy = Proxy::to(&database).await;
    // So few that none is left when what is lost keeps its place in a pool.
    let cut_off = impatient(Launch::replica(BINARY, &proxy.url(&database)))
        .env("ORDERMESH_DATABASE__WRITE_CONNECTIONS", "2")
        .env("ORDERMESH_DATABASE__READ_CONNECTIONS", "2");
    let cut_off = cut_off.start().await;
    let other = Launch::replica(BINARY, &database).start().await;
    place(&cut_off).await.unwrap();
    let mut live = Subscription::open(&mut cut_off.events(), SubscribeRequest::default()).await.unwrap();
    live.read_events(1).await;
    proxy.swallow();
    refused_in_time(place(&cut_off)).await;
    place(&other).await.unwrap();
    proxy.pass();
    eventually!(place(&cut_off).await, "commands are taken again");
    // Its listener was on one of the lost connections, too.
    place(&other).await.unwrap();
    live.read_events(4).await;
    assert_log_is_sound(&live.events);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_read_server_whose_database_is_never_heard_of_again_answers_by_itself_on_new_connections_and_catches_up()
 {
    if not_here() {
        return;
    }
    let postgres = Postgres::start().await;
    let write = Launch::replica(BINARY, &postgres.database("order-command").await).start().await;
    let database = postgres.database("order-query").await;
    let proxy = Proxy::to(&database).await;
    let read = reader_on(&proxy.url(&database), &write).await;
    let mut ids = vec![place(&write).await.unwrap().into_inner().order_id];
    for _ in 0..2 {
        let known = ids[0].clone();
        eventually!(read.queries().get_order(get(&known)).await, "the read server has the order");
        proxy.swallow();
        // The projection has work to do, too.
        ids.push(place(&write).await.unwrap().into_inner().order_id);
        for _ in 0..2 {
            let (mut one, mut page) = (read.queries(), read.queries());
            tokio::join!(
                refused_in_time(one.get_order(get(&known))),
                refused_in_time(page.list_orders(ListOrdersRequest::default())),
            );
        }
        proxy.pass();
        eventually!(read.queries().get_order(get(&known)).await, "queries are answered again");
        eventually!(read.queries().list_orders(ListOrdersRequest::default()).await, "pages are read again");
        for id in &ids {
            eventually!(read.queries().get_order(get(id)).await, "the projection has caught up");
        }
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_command_that_a_lock_holds_up_is_refused_after_the_statements_time_out() {
    if not_here() {
        return;
    }
    let postgres = Postgres::start().await;
    let database = postgres.database("order-command").await;
    let server = impatient(Launch::replica(BINARY, &database)).start().await;
    place(&server).await.unwrap();
    let holder = connect(&database).await.unwrap();
    holder.execute_unprepared("BEGIN; LOCK TABLE log_head IN ACCESS EXCLUSIVE MODE").await.unwrap();
    refused_in_time(place(&server)).await;
    holder.execute_unprepared("ROLLBACK").await.unwrap();
    eventually!(place(&server).await, "commands are taken again");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_read_server_notices_that_its_write_server_stands_still_and_goes_on_with_it() {
    if not_here() {
        return;
    }
    let postgres = Postgres::start().await;
    let write = Launch::replica(BINARY, &postgres.database("order-command").await).start().await;
    let read = reader(&postgres, &write).await;
    place(&write).await.unwrap();
    let projection = async || {
        let all = read.projections().list_projections(ListProjectionsRequest {}).await.unwrap();
        all.into_inner().projections.remove(0)
    };
    eventually!(projection().await.position == 1, "the read server follows");
    write.freeze();
    eventually!(!projection().await.error.is_empty(), "the read server says that its feed is away");
    write.thaw();
    place(&write).await.unwrap();
    eventually!(
        Some(projection().await).filter(|it| it.position == 2 && it.error.is_empty()),
        "the read server follows again"
    );
}
