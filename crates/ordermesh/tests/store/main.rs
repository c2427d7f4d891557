//! Tools that work on a database itself: a store copied elsewhere, a log exported, imported and truncated.
//!
//! A store is copied through a database of the other kind, where there is one.

#![expect(clippy::unwrap_used, reason = "a test may panic, and its helpers too")]

mod killed;

use std::collections::BTreeMap;
use std::path::Path;

use ordermesh_proto::feed::v1::subscribe_response::Frame;
use ordermesh_proto::feed::v1::until::Bound;
use ordermesh_proto::feed::v1::{ListProjectionsRequest, ListSubscribersRequest};
use ordermesh_proto::order::v1::{Order, OrderState, PaymentStatus};
use ordermesh_testkit::backend::{Backend, create_database, database_url, fresh_name};
use ordermesh_testkit::feed::{after, read, until};
use ordermesh_testkit::orders::list_all;
use ordermesh_testkit::rows::{count_rows, dump_table};
use ordermesh_testkit::server::Finished;
use ordermesh_testkit::{
    Launch, Server, Shop, Subscription, ask, assert_refused, cancel, eventually, order, read_feed,
};
use tonic::Code;

const BINARY: &str = env!("CARGO_BIN_EXE_ordermesh");
const SERVERS: [&str; 2] = ["order-command", "order-query"];

async fn tool(arguments: &[&str]) -> Finished {
    Launch::program(BINARY, arguments).finish().await
}

#[track_caller]
fn assert_done(finished: Finished) -> String {
    assert_eq!(finished.code, Some(0), "{finished:#?}");
    finished.stdout
}

#[track_caller]
fn assert_says(finished: &Finished, what: &str) {
    assert!(finished.code == Some(1) && finished.stderr.contains(what), "{what:?} in {finished:#?}");
}

/// A new database of the other kind, where there is one: a file when this run is on PostgreSQL.
async fn elsewhere(directory: &Path, server: &str) -> String {
    match (Backend::of_this_run(), std::env::var("ORDERMESH_POSTGRES")) {
        (Backend::Sqlite, Ok(postgres)) => create_database(&postgres, &fresh_name(server)).await,
        _ => format!("sqlite:{}", directory.join(format!("{server}.db")).display()),
    }
}

/// All rows of all tables of a server's file, but for those of the tools themselves.
async fn dump(directory: &Path, server: &str) -> BTreeMap<String, Vec<String>> {
    let file = &directory.join(format!("{server}.db"));
    let mut tables: Vec<String> = count_rows(file).await.into_keys().collect();
    let own: &[&str] = match server == SERVERS[0] {
        true => &["log_head"],
        false => &["checkpoints", "projection_generations"],
    };
    tables.extend(own.iter().map(|table| (*table).to_owned()));
    let mut dump = BTreeMap::new();
    for table in tables.into_iter().filter(|table| table != "store_fence") {
        let rows = dump_table(file, &table).await;
        dump.insert(table, rows);
    }
    dump
}

/// Orders of all kinds, some cancelled, and a read model that has seen them all.
async fn live_in(server: &Server) {
    for number in 0..12 {
        let guest = order("TEA", 1 + number, 450).with_reference(&format!("shop-{number}"));
        let order = match number % 3 {
            0 => guest,
            1 => guest.with_customer("ada").with_personal().with_shipping(500, 190_000),
            _ => guest.with_line("CUP", 2, 1_200, 190_000).with_discount("WELCOME", 100),
        };
        let placed = server.commands().place_order(order).await.unwrap().into_inner();
        if number % 4 == 0 {
            server.commands().cancel_order(cancel(&placed.order_id)).await.unwrap();
        }
    }
    caught_up(server).await;
}

async fn caught_up(server: &Server) {
    let head = read_feed(&mut server.events()).await.last().unwrap().position;
    eventually!(
        {
            let projections = server.projections().list_projections(ListProjectionsRequest {}).await;
            let all = projections.map_err(|status| status.to_string())?.into_inner().projections;
            let behind = all.iter().find(|one| one.position < head);
            behind.map_or(Ok(()), |one| Err(format!("{one:?}")))
        },
        "the read model is at {head}"
    );
}

/// The cursor of a subscriber that has seen so many events.
async fn cursor_after(server: &Server, events: i64) -> String {
    let request = ordermesh_proto::feed::v1::SubscribeRequest {
        until: until(Bound::MaxEvents(events)),
        ..Default::default()
    };
    let mut subscription = Subscription::open(&mut server.events(), request).await.unwrap();
    subscription.read_until("the end", |frame| matches!(frame, Frame::Closing(_))).await;
    subscription.cursor
}

#[tokio::test(flavor = "multi_thread")]
async fn a_store_copied_there_and_back_is_the_same_store_and_its_subscribers_and_callers_go_on() {
    let home = tempfile::tempdir().unwrap();
    let [old, middle, new] = ["old", "middle", "new"].map(|name| home.path().join(name));
    let mut server = Server::orders(BINARY, &old).await;
    live_in(&server).await;
    let request = order("MUG", 3, 999).with_reference("again").build();
    let placed = server.commands().place_order(request.clone()).await.unwrap().into_inner();
    caught_up(&server).await;
    let (log, listed) = (read_feed(&mut server.events()).await, list_all(server.addr(), "").await);
    let cursor = cursor_after(&server, 5).await;
    server.terminate().await;

    for name in SERVERS {
        let there = elsewhere(&middle, name).await;
        let before = dump(&old, name).await;
        assert_done(
            tool(&["store", "copy", "--from", &database_url(&old, name).await, "--to", &there]).await,
        );
        assert_done(
            tool(&["store", "copy", "--from", &there, "--to", &database_url(&new, name).await]).await,
        );
        assert_eq!(dump(&new, name).await, before);
        // Neither of the two that were left is opened by mistake, nor copied twice.
        let refused = Launch::serve(BINARY, name, &old).finish().await;
        assert_says(&refused, "is fenced");
        let again = format!("sqlite:{}", home.path().join("again.db").display());
        let again = tool(&["store", "copy", "--from", &there, "--to", &again]).await;
        assert_says(&again, "copy from there");
    }

    let server = Server::orders(BINARY, &new).await;
    assert_eq!(read_feed(&mut server.events()).await, log);
    assert_eq!(list_all(server.addr(), "").await, listed);
    assert_eq!(read(&mut server.events(), after(&cursor)).await, log[5..]);
    let replayed = server.commands().place_order(request).await.unwrap().into_inner();
    assert!(replayed.replayed && replayed.order_id == placed.order_id);
    server.commands().cancel_order(cancel(&placed.order_id)).await.unwrap();
    caught_up(&server).await;
    assert_eq!(read_feed(&mut server.events()).await.len(), log.len() + 1);

    assert_done(tool(&["store", "unfence", "--database", &database_url(&old, SERVERS[0]).await]).await);
    assert_says(
        &tool(&["store", "unfence", "--database", &database_url(&old, SERVERS[0]).await]).await,
        "is not fenced",
    );
    Server::serve(BINARY, SERVERS[0], &old).await;
}

#[tokio::test]
async fn a_fence_names_a_file_by_a_path_that_leads_there_from_every_folder() {
    let home = tempfile::tempdir().unwrap();
    let old = home.path().join("old");
    Server::serve(BINARY, SERVERS[0], &old).await.terminate().await;
    let from = database_url(&old, SERVERS[0]).await;
    let copy = ["store", "copy", "--from", &from, "--to", "sqlite:copy.db"];
    let to = format!("sqlite:{}", home.path().join("copy.db").display());
    let copied = assert_done(Launch::program(BINARY, &copy).directory(home.path()).finish().await);
    assert!(copied.ends_with(&format!("let its database_url be {to}\n")), "{copied}");
    let refused = Launch::serve(BINARY, SERVERS[0], &old).finish().await;
    assert_says(&refused, &format!("was copied to {to} at "));
}

#[tokio::test(flavor = "multi_thread")]
async fn a_whole_shop_copied_there_and_back_goes_on() {
    let home = tempfile::tempdir().unwrap();
    let [old, middle, new] = ["old", "middle", "new"].map(|name| home.path().join(name));
    let mut server = Launch::dev(BINARY, &old).arg("--bare").start().await;
    let shop = Shop::in_one(&server);
    shop.receive("TEA", "main", 10).await;
    let paid =
        |card: &str| order("TEA", 2, 450).with(|request| request.payment_method_token = card.to_owned());
    let confirmed = shop.place(paid("tok_approve")).await;
    let waiting = shop.place(paid("tok_3ds")).await;
    let payment_is =
        |wanted| move |order: &Order| order.status.as_ref().is_some_and(|it| it.payment() == wanted);
    shop.until_it(&confirmed, payment_is(PaymentStatus::Captured)).await;
    shop.until_it(&waiting, payment_is(PaymentStatus::ActionRequired)).await;
    let before = shop.assert_sound().await;
    server.terminate().await;

    for name in ["order-command", "order-query", "inventory", "payment"] {
        let there = elsewhere(&middle, name).await;
        let copy = async |from: String, to: String| {
            assert_done(tool(&["store", "copy", "--from", &from, "--to", &to]).await);
        };
        copy(database_url(&old, name).await, there.clone()).await;
        copy(there, database_url(&new, name).await).await;
    }
    let server = Launch::dev(BINARY, &new).arg("--bare").start().await;
    let shop = Shop::in_one(&server);
    let after = shop.assert_sound().await;
    assert_eq!((after.orders, after.payments, after.events), (before.orders, before.payments, before.events));
    let request = cancel(&waiting);
    ask!(shop.commands(), cancel_order, request).unwrap();
    shop.until(&waiting, &[OrderState::Cancelled]).await;
    assert_eq!(shop.stock_of("TEA").await, (10, 8));
    shop.assert_sound().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_store_in_use_or_a_target_with_rows_is_refused_and_nothing_is_changed() {
    let home = tempfile::tempdir().unwrap();
    let [from, full] = ["from", "full"].map(|name| home.path().join(name));
    let mut servers = [Server::orders(BINARY, &from).await, Server::orders(BINARY, &full).await];
    for server in &servers {
        live_in(server).await;
    }
    let (source, target) = (database_url(&from, SERVERS[0]).await, database_url(&full, SERVERS[0]).await);
    let copy = ["store", "copy", "--from", &source, "--to", &target];
    assert_says(&tool(&copy).await, "is in use");
    for server in &mut servers {
        server.terminate().await;
    }
    let before = dump(&full, SERVERS[0]).await;
    assert_says(&tool(&copy).await, "into an empty database only");
    assert_eq!(dump(&full, SERVERS[0]).await, before);
    let other = format!("sqlite:{}", home.path().join("other.db").display());
    std::fs::write(home.path().join("other.db"), "").unwrap();
    assert_says(&tool(&["store", "copy", "--from", &other, "--to", &target]).await, "is not the database");
    // The source was not fenced by what failed.
    Server::orders(BINARY, &from).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_store_is_not_copied_onto_itself_by_another_spelling_of_its_name() {
    let home = tempfile::tempdir().unwrap();
    let url = database_url(home.path(), SERVERS[0]).await;
    let spellings = match Backend::of_this_run() {
        Backend::Sqlite => {
            let [file, soft, hard] =
                ["order-command.db", "soft.db", "hard.db"].map(|name| home.path().join(name));
            std::fs::write(&file, "").unwrap();
            std::os::unix::fs::symlink(&file, &soft).unwrap();
            std::fs::hard_link(&file, &hard).unwrap();
            vec![url.clone(), format!("sqlite:{}", soft.display()), format!("sqlite://{}", hard.display())]
        }
        Backend::Postgres => {
            vec![url.clone(), url.replace("127.0.0.1", "localhost"), format!("{url}?sslmode=prefer")]
        }
    };
    for spelling in spellings {
        let refused = tool(&["store", "copy", "--from", &url, "--to", &spelling]).await;
        let said = refused.stderr.contains("--from and --to are the same database");
        assert!(refused.code == Some(2) && said, "{spelling}: {refused:#?}");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_log_exported_beside_its_server_and_imported_elsewhere_is_served_to_the_same_subscribers() {
    let home = tempfile::tempdir().unwrap();
    let [old, new] = ["old", "new"].map(|name| home.path().join(name));
    let archive = home.path().join("archive").display().to_string();
    let server = Server::orders(BINARY, &old).await;
    live_in(&server).await;
    let log = read_feed(&mut server.events()).await;
    let cursor = cursor_after(&server, 7).await;
    let exported = tool(&[
        "feed",
        "export",
        "--json",
        "--database",
        &database_url(&old, SERVERS[0]).await,
        "--to",
        &archive,
    ])
    .await;
    let exported: serde_json::Value = serde_json::from_str(&assert_done(exported)).unwrap();
    assert_eq!(exported["last_position"], log.len());

    let database = database_url(&new, SERVERS[0]).await;
    let import = ["feed", "import", "--database", &database, "--from", &archive];
    assert_done(tool(&import).await);
    assert_says(&tool(&import).await, "an archive goes into an empty log");
    let imported = Server::serve(BINARY, SERVERS[0], &new).await;
    assert_eq!(read_feed(&mut imported.events()).await, log);
    assert_eq!(read(&mut imported.events(), after(&cursor)).await, log[7..]);
}

#[tokio::test]
async fn an_archive_that_is_not_good_leaves_no_database_behind() {
    let home = tempfile::tempdir().unwrap();
    let archive = home.path().join("archive");
    let database = format!("sqlite:{}", home.path().join("new/log.db").display());
    let import = ["feed", "import", "--database", &database, "--from", archive.to_str().unwrap()];
    assert_says(&tool(&import).await, "No such file");
    std::fs::write(&archive, "something else").unwrap();
    assert_says(&tool(&import).await, "is not an archive of a feed");
    assert!(!home.path().join("new").exists());
}

#[tokio::test(flavor = "multi_thread")]
async fn a_truncated_log_serves_those_who_had_seen_what_went_and_refuses_those_who_had_not() {
    let home = tempfile::tempdir().unwrap();
    let archive = home.path().join("archive").display().to_string();
    let mut server = Server::orders(BINARY, home.path()).await;
    let request = order("MUG", 3, 999).with_reference("first").build();
    let placed = server.commands().place_order(request.clone()).await.unwrap().into_inner();
    live_in(&server).await;
    let log = read_feed(&mut server.events()).await;
    let (behind, at) = (cursor_after(&server, 5).await, cursor_after(&server, 6).await);
    // The read model's last report may be of a moment before: what it has not told to have seen would stay.
    eventually!(
        {
            let request = ListSubscribersRequest::default();
            let known =
                server.events().list_subscribers(request).await.map_err(|status| status.to_string())?;
            let known = known.into_inner().subscribers;
            let behind = known.iter().find(|one| one.position < 6);
            behind.map_or(Ok(()), |one| Err(format!("{one:?}")))
        },
        "no report is behind the truncation"
    );
    let database = database_url(home.path(), SERVERS[0]).await;
    let truncate =
        ["feed", "truncate", "--before-position", "7", "--database", &database, "--archive", &archive];
    if Backend::of_this_run() == Backend::Sqlite {
        assert_says(&tool(&truncate).await, "is in use");
        server.terminate().await;
    }
    // On PostgreSQL beside the running server, which is ended then to forget what it has in memory.
    assert_done(tool(&truncate).await);
    server.kill9();

    let server = Server::orders(BINARY, home.path()).await;
    assert_eq!(read(&mut server.events(), after(&at)).await, log[6..]);
    let refused = Subscription::open(&mut server.events(), after(&behind)).await;
    assert_refused(refused, Code::OutOfRange, "POSITION_TRUNCATED", Some("after_cursor"));
    // A request_id outlives its event.
    let replayed = server.commands().place_order(request).await.unwrap().into_inner();
    assert!(replayed.replayed && replayed.order_id == placed.order_id);
    // The read model had seen it all and goes on.
    server.commands().cancel_order(cancel(&placed.order_id)).await.unwrap();
    caught_up(&server).await;
}
