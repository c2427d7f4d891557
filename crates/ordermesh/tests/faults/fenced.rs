//! A store is copied while a server is on its way to it, or cut off from it: whoever comes late finds the fence.

use ordermesh_testkit::backend::connect;
use ordermesh_testkit::server::Finished;
use ordermesh_testkit::wait::soon;
use ordermesh_testkit::{Launch, Postgres, Proxy, Server, assert_refused, eventually, order, read_feed};
use sea_orm::{ConnectionTrait, DatabaseConnection, Statement};
use tonic::Code;

use crate::{BINARY, not_here};

const CONNECT_TIMEOUT: &str = "ORDERMESH_DATABASE__CONNECT_TIMEOUT_MS";

async fn copy(from: &str, to: &str) -> Finished {
    Launch::program(BINARY, &["store", "copy", "--from", from, "--to", to]).finish().await
}

async fn number(database: &DatabaseConnection, sql: &str) -> i64 {
    let statement = Statement::from_string(database.get_database_backend(), sql);
    database.query_one_raw(statement).await.unwrap().unwrap().try_get("", "number").unwrap()
}

async fn place(server: &Server) {
    server.commands().place_order(order("TEA", 1, 450)).await.unwrap();
}

#[tokio::test(flavor = "multi_thread")]
async fn a_copy_does_not_begin_between_a_servers_migrations_and_its_first_connection() {
    if not_here() {
        return;
    }
    let postgres = Postgres::start().await;
    let (from, to) = (postgres.database("from").await, postgres.database("to").await);
    Launch::replica(BINARY, &from).start().await.terminate().await;
    let watch = connect(&from).await.unwrap();
    let proxy = Proxy::to(&from).await;
    proxy.pass_only(1);
    let starting = Launch::replica(BINARY, &proxy.url(&from)).env(CONNECT_TIMEOUT, "30000");
    let waiting = "SELECT count(*) AS number FROM pg_locks WHERE locktype = 'advisory' AND NOT granted";
    let both_wait = async {
        eventually!(number(&watch, waiting).await == 1, "the copy waits for the server's start");
        proxy.pass();
    };
    let copying = async {
        eventually!(proxy.waiting() > 0, "the migrations are done, and the server opens its pools");
        tokio::join!(copy(&from, &to), both_wait).0
    };
    let (server, copied) = tokio::join!(starting.start(), copying);
    assert!(copied.code == Some(1) && copied.stderr.contains("is in use"), "{copied:#?}");
    place(&server).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_server_that_was_cut_off_during_a_copy_does_not_go_on_behind_the_fence() {
    if not_here() {
        return;
    }
    let postgres = Postgres::start().await;
    let (from, to) = (postgres.database("from").await, postgres.database("to").await);
    let server = Launch::replica(BINARY, &from).env(CONNECT_TIMEOUT, "500").start().await;
    place(&server).await;
    server.freeze();
    let watch = connect(&from).await.unwrap();
    const CUT: &str = "SELECT count(pg_terminate_backend(pid)) AS number FROM pg_stat_activity \
        WHERE application_name = 'ordermesh' AND datname = current_database()";
    assert!(number(&watch, CUT).await > 0);
    eventually!(number(&watch, CUT).await == 0, "the server has no connection any more");
    let copied = copy(&from, &to).await;
    assert_eq!(copied.code, Some(0), "{copied:#?}");
    server.thaw();
    for _ in 0..3 {
        let refused = soon("an answer", server.commands().place_order(order("TEA", 1, 450))).await;
        assert_refused(refused, Code::Unavailable, "STORE_UNAVAILABLE", None);
    }
    assert!(server.stderr().contains("is fenced"), "{}", server.stderr());
    assert_eq!(number(&watch, "SELECT count(*) AS number FROM events").await, 1);
    let moved = Launch::replica(BINARY, &to).start().await;
    place(&moved).await;
    assert_eq!(read_feed(&mut moved.events()).await.len(), 2);
}
