//! That each server has a database of its own, that a wrong one is refused by its owner's name, and that `dev` says where
//! they are.

use std::fs::{Permissions, set_permissions};
use std::os::unix::fs::PermissionsExt;

use ordermesh_testkit::backend::{Backend, fresh_url};
use ordermesh_testkit::server::Finished;
use ordermesh_testkit::{Launch, Server, eventually, order};

use crate::BINARY;

/// One line says why.
fn assert_says(finished: &Finished, what: &str) {
    assert_eq!(finished.code, Some(1), "{finished:?}");
    let errors: Vec<_> = finished.stderr.lines().filter(|line| !line.starts_with('{')).collect();
    assert!(matches!(errors[..], [line] if line.contains(what)), "{what:?} is to be said: {finished:?}");
}

#[tokio::test]
async fn a_server_on_the_database_of_another_is_refused_by_the_name_of_that_one() {
    let directory = tempfile::tempdir().unwrap();
    let url = fresh_url(directory.path(), "order-query").await;
    let query = Launch::program(BINARY, &["serve", "order-query"]).listen("127.0.0.1:0");
    let query = query.env("ORDERMESH_ORDER_QUERY__DATABASE_URL", &url);
    query.env("ORDERMESH_PEERS__ORDER_COMMAND", "http://127.0.0.1:1").start().await.terminate().await;
    let refused = Launch::replica(BINARY, &url).finish().await;
    assert_says(&refused, "is the database of order-query; each server has one of its own");
}

#[tokio::test]
async fn two_servers_on_one_database_are_refused() {
    let directory = tempfile::tempdir().unwrap();
    let url = fresh_url(directory.path(), "shop").await;
    let both = Launch::dev(BINARY, directory.path())
        .env("ORDERMESH_ORDER_COMMAND__DATABASE_URL", &url)
        .env("ORDERMESH_ORDER_QUERY__DATABASE_URL", &url);
    assert_says(
        &both.finish().await,
        match Backend::of_this_run() {
            Backend::Sqlite => "in use by another process, or by another server of this one",
            Backend::Postgres => "is the database of order-command; each server has one of its own",
        },
    );
}

async fn welcome(server: &Server) -> String {
    eventually!(Some(server.stdout()).filter(|text| text.contains("SubscribeOrderEvents")), "dev greets")
}

#[tokio::test(flavor = "multi_thread")]
async fn the_databases_of_a_postgresql_of_its_own_can_be_used_by_tools_and_are_not_forgotten() {
    if Backend::needs_postgres("its programs may not be installed") {
        return;
    }
    let directory = tempfile::tempdir().unwrap();
    // Who runs PostgreSQL for root must get there.
    set_permissions(directory.path(), Permissions::from_mode(0o755)).unwrap();
    let mut server = Launch::dev(BINARY, directory.path()).arg("--postgres").start().await;
    server.commands().place_order(order("TEA", 1, 450)).await.unwrap();
    let said = welcome(&server).await;
    let url = said.lines().find_map(|line| line.trim().strip_prefix("order-command: ")).unwrap();
    let export = ["feed", "export", "--database", url, "--to", "orders.archive"];
    let exported = Launch::program(BINARY, &export).directory(directory.path()).finish().await;
    assert!(exported.code == Some(0) && exported.stdout.contains("positions 1 to "), "{exported:?}");
    assert_eq!(server.terminate().await.code, Some(0));

    let data = directory.path().display().to_string();
    let without = Launch::program(BINARY, &["dev", "--data", &data]).listen("127.0.0.1:0");
    let said = welcome(&without.start().await).await;
    assert!(said.contains("WARNING") && said.contains("--postgres"), "{said}");
}
