//! A tool is killed in the middle: there is all of what it does or nothing, and it can be started again.

use std::path::Path;
use std::time::Duration;

use ordermesh_testkit::backend::{Backend, database_url};
use ordermesh_testkit::orders::place_many;
use ordermesh_testkit::random::Random;
use ordermesh_testkit::rows::count_rows;
use ordermesh_testkit::{Launch, Server, read_feed};

use crate::{BINARY, SERVERS, assert_done, assert_says, elsewhere, tool};

const ORDERS: usize = 300;
const KILLS: usize = 12;
/// By then a tool has done its work, or is in the middle of it on a busy machine.
const LATEST_KILL_MS: u64 = 400;

/// A write server's database with a log, and the server ended.
async fn filled(data: &Path) -> Server {
    let mut server = Server::serve(BINARY, SERVERS[0], data).await;
    place_many(server.addr(), ORDERS, 8).await;
    server.terminate().await;
    server
}

/// Events in a database that may not have been made yet.
async fn events(data: &Path) -> usize {
    let file = data.join(format!("{}.db", SERVERS[0]));
    if Backend::of_this_run() == Backend::Sqlite && !file.exists() {
        return 0;
    }
    count_rows(&file).await.get("events").map_or(0, |rows| usize::try_from(*rows).unwrap())
}

async fn start_and_kill(arguments: &[&str], random: &mut Random) {
    let after = Duration::from_millis(random.below(LATEST_KILL_MS));
    Launch::program(BINARY, arguments).start_and_kill(after).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn an_import_that_is_killed_leaves_nothing_and_can_be_given_again() {
    let home = tempfile::tempdir().unwrap();
    let [old, new] = ["old", "new"].map(|name| home.path().join(name));
    filled(&old).await;
    let archive = home.path().join("archive").display().to_string();
    let (from, to) = (database_url(&old, SERVERS[0]).await, database_url(&new, SERVERS[0]).await);
    assert_done(tool(&["feed", "export", "--database", &from, "--to", &archive]).await);
    let import = ["feed", "import", "--database", &to, "--from", &archive];
    let mut random = Random::from_env("ORDERMESH_KILL_SEED");
    for _ in 0..KILLS {
        start_and_kill(&import, &mut random).await;
        let events = events(&new).await;
        assert!([0, ORDERS].contains(&events), "{events} events of {ORDERS} are there");
    }
    let last = tool(&import).await;
    if last.code != Some(0) {
        assert_says(&last, "an archive goes into an empty log");
    }
    let server = Server::serve(BINARY, SERVERS[0], &new).await;
    assert_eq!(read_feed(&mut server.events()).await.len(), ORDERS);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_copy_that_is_killed_leaves_no_two_stores_that_both_take_orders() {
    let home = tempfile::tempdir().unwrap();
    let [old, middle, new] = ["old", "middle", "new"].map(|name| home.path().join(name));
    filled(&old).await;
    let (from, to) = (database_url(&old, SERVERS[0]).await, database_url(&new, SERVERS[0]).await);
    // From one kind to the other and back, so that both are a source and a target.
    let there = elsewhere(&middle, SERVERS[0]).await;
    assert_done(tool(&["store", "copy", "--from", &from, "--to", &there]).await);
    let copy = ["store", "copy", "--from", &there, "--to", &to];
    let mut random = Random::from_env("ORDERMESH_KILL_SEED");
    for _ in 0..KILLS {
        start_and_kill(&copy, &mut random).await;
        let unfenced = tool(&["store", "unfence", "--database", &there]).await;
        match events(&new).await {
            0 => {}
            ORDERS => {
                // It had come to its end.
                assert_done(unfenced);
                return;
            }
            events => panic!("{events} events of {ORDERS} are there"),
        }
    }
    assert_done(tool(&copy).await);
    let server = Server::serve(BINARY, SERVERS[0], &new).await;
    assert_eq!(read_feed(&mut server.events()).await.len(), ORDERS);
}
