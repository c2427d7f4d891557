//! The committer's promises, with a unit of work as small as possible: a counter a key.

use std::sync::Arc;

use ordermesh_feed::commit::{CommandIdentity, CommitError, Committer, fingerprint};
use ordermesh_feed::event::Cause;
use ordermesh_feed::log::{EventLog, FeedSchema, FeedSource};
use ordermesh_kernel::SystemClock;
use ordermesh_proto::event_types::ORDER_V1;
use ordermesh_testkit::backend::{self, Backend};
use ordermesh_testkit::wait;
use sea_orm::{ConnectionTrait, Database};
use tokio_util::sync::CancellationToken;
use tokio_util::task::TaskTracker;

use crate::house::{Count, Counted, Fault, House, count, history, house, house_at, house_in, house_with};

#[tokio::test]
async fn commands_on_one_key_in_one_batch_are_decided_one_on_top_of_the_other() {
    let house = house().await;
    let counts = (0..200).map(|n| {
        let house = &house;
        async move { count(house, &format!("r{n}"), "k", Fault::None).await.unwrap().0.0 }
    });
    let mut values = futures_util::future::join_all(counts).await;
    values.sort_unstable();
    assert_eq!(values, (1..=200).collect::<Vec<_>>());
    let positions: Vec<_> = history(&house).await.into_iter().map(|(position, _)| position).collect();
    assert_eq!(positions, (1..=200).collect::<Vec<_>>());
}

#[tokio::test]
async fn a_request_id_twice_in_one_batch_is_one_command_and_with_other_content_it_is_refused() {
    let house = house().await;
    let (first, same, other) = tokio::join!(
        count(&house, "r", "k", Fault::None),
        count(&house, "r", "k", Fault::None),
        count(&house, "r", "another", Fault::None),
    );
    assert_eq!(first.unwrap(), (Counted(1), false));
    assert_eq!(same.unwrap(), (Counted(1), true));
    assert!(matches!(other, Err(CommitError::RequestIdReused)));
    assert_eq!(history(&house).await, [(1, "k".to_owned())]);
    assert_eq!(
        count(&house, "r", "k", Fault::None).await.unwrap(),
        (Counted(1), true),
        "later, from the record"
    );
}

#[tokio::test]
async fn a_refused_command_writes_nothing_and_its_request_id_is_judged_anew() {
    let house = house().await;
    let (refused, neighbour) =
        tokio::join!(count(&house, "r", "k", Fault::Refused), count(&house, "n", "k", Fault::None));
    assert!(matches!(refused, Err(CommitError::Refused("the rules say no"))));
    assert_eq!(neighbour.unwrap().0, Counted(1));
    assert_eq!(count(&house, "r", "k", Fault::None).await.unwrap(), (Counted(2), false));
}

#[tokio::test]
async fn a_command_that_publishes_nothing_is_remembered_and_moves_no_position() {
    let directory = tempfile::tempdir().unwrap();
    let house = house_in(directory.path()).await;
    count(&house, "before", "k", Fault::None).await.unwrap();
    let mut head = house.log.head();
    head.mark_unchanged();
    assert_eq!(count(&house, "quiet", "k", Fault::Quiet).await.unwrap(), (Counted(1), false));
    assert_eq!(count(&house, "quiet", "k", Fault::Quiet).await.unwrap(), (Counted(1), true));
    assert!(!head.has_changed().unwrap(), "there is nothing to tell");
    assert_eq!((house.log.stored_head().await.unwrap(), history(&house).await.len()), (1, 1));
    let (quiet, loud) =
        tokio::join!(count(&house, "q", "k", Fault::Quiet), count(&house, "l", "k", Fault::None));
    assert_eq!((quiet.unwrap(), loud.unwrap()), ((Counted(1), false), (Counted(2), false)));
    assert_eq!(history(&house).await, [(1, "k".to_owned()), (2, "k".to_owned())]);
    let renamed = CommandIdentity {
        method: "Count",
        principal: "test".to_owned(),
        request_id: "quiet".to_owned(),
        fingerprint: fingerprint(b"other"),
        bytes: 100,
        cause: Cause::default(),
    };
    let command = Count { key: "k".to_owned(), fault: Fault::Quiet };
    let refused = house.committer.execute(renamed, command).await;
    assert!(matches!(refused, Err(CommitError::RequestIdReused)));
}

#[tokio::test]
async fn a_command_that_the_database_refuses_fails_alone() {
    let house = house().await;
    let (before, bad, after) = tokio::join!(
        count(&house, "a", "k", Fault::None),
        count(&house, "b", "x", Fault::UnwritableRow),
        count(&house, "c", "k", Fault::None),
    );
    assert_eq!((before.unwrap().0, after.unwrap().0), (Counted(1), Counted(2)));
    assert!(matches!(bad, Err(CommitError::Internal(_))));
    assert_eq!(history(&house).await, [(1, "k".to_owned()), (2, "k".to_owned())]);
}

#[tokio::test]
async fn the_log_read_from_the_database_is_the_log_that_was_published() {
    let house = house().await;
    for n in 0..20 {
        count(&house, &format!("r{n}"), "k", Fault::None).await.unwrap();
    }
    let schema = FeedSchema { events: ORDER_V1, key_description: "key" };
    let reopened = EventLog::open(&house.db, house.db.clone(), schema, 1 << 20, &SystemClock).await.unwrap();
    assert_eq!(reopened.feed_id(), house.log.feed_id());
    let (live, stored) = (house.log.page(0, 100).await.unwrap(), reopened.page(0, 100).await.unwrap());
    assert!(live.from_tail && !stored.from_tail);
    let bytes = |page: &ordermesh_feed::log::Page| {
        page.events.iter().map(|event| event.bytes.clone()).collect::<Vec<_>>()
    };
    assert_eq!(bytes(&live), bytes(&stored));
}

#[tokio::test]
async fn after_a_full_disk_what_is_acknowledged_is_durable_again() {
    let home = tempfile::tempdir().unwrap();
    let file = home.path().join("full.db");
    let house = house_at(&format!("sqlite://{}?mode=rwc", file.display())).await;
    house.db.execute_unprepared("PRAGMA journal_mode = WAL").await.unwrap();
    count(&house, "before", "k", Fault::None).await.unwrap();
    // Holds for this connection alone: the one that takes its place has all the space there is.
    house.db.execute_unprepared("PRAGMA max_page_count = 60").await.unwrap();
    assert!(matches!(count(&house, "full", "k", Fault::Large).await, Err(CommitError::Unavailable)));
    assert!(count(&house, "refused", "k", Fault::Refused).await.is_err());
    for n in 0..20 {
        count(&house, &format!("after {n}"), "k", Fault::None).await.unwrap();
    }
    let other = Database::connect(format!("sqlite://{}?mode=ro", file.display())).await.unwrap();
    let sql = "SELECT count(*) AS events FROM events".to_owned();
    let row = other.query_one_raw(sea_orm::Statement::from_string(other.get_database_backend(), sql)).await;
    assert_eq!(row.unwrap().unwrap().try_get::<i64>("", "events").unwrap(), 21, "seen by another connection");
}

#[tokio::test]
async fn a_database_that_somebody_else_has_written_to_takes_no_more_commands() {
    let house = house().await;
    count(&house, "a", "k", Fault::None).await.unwrap();
    house.db.execute_unprepared("UPDATE log_head SET position = 7").await.unwrap();
    assert!(matches!(count(&house, "b", "k", Fault::None).await, Err(CommitError::Internal(_))));
    assert_eq!(history(&house).await.len(), 1);
}

#[tokio::test]
async fn more_bytes_than_the_queue_holds_are_turned_away_at_once() {
    let house = house().await;
    let identity = CommandIdentity {
        method: "Count",
        principal: "test".to_owned(),
        request_id: "large".to_owned(),
        fingerprint: fingerprint(b"large"),
        bytes: 1 << 30,
        cause: Cause::default(),
    };
    let command = Count { key: "k".to_owned(), fault: Fault::None };
    assert!(matches!(house.committer.execute(identity, command).await, Err(CommitError::Overloaded)));
}

/// Asks until the command is carried out, as a caller does.
async fn count_at_last(house: &House, request_id: &str, key: &str) -> Counted {
    loop {
        match count(house, request_id, key, Fault::None).await {
            Ok((counted, _)) => return counted,
            Err(CommitError::Unavailable) => tokio::task::yield_now().await,
            Err(other) => panic!("{request_id}: {other}"),
        }
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn two_replicas_whose_connections_are_cut_carry_out_every_command_once() {
    if Backend::needs_postgres("only there a database has several writers") {
        return;
    }
    let url = backend::create_database(&backend::server(), &backend::fresh_name("committer")).await;
    let houses = Arc::new([house_with(&url, 4).await, house_with(&url, 4).await]);
    let knife = backend::connect(&url).await.unwrap();
    let over = CancellationToken::new();
    let cutting = tokio::spawn(over.clone().run_until_cancelled_owned(async move {
        loop {
            let cut = "SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE datname = current_database() \
                 AND pid <> pg_backend_pid() ORDER BY random() LIMIT 1";
            knife.execute_unprepared(cut).await.unwrap();
            wait::pause(std::time::Duration::from_millis(15)).await;
        }
    }));
    let clients = (0..16).map(|client| {
        let houses = houses.clone();
        tokio::spawn(async move {
            for number in 0..20 {
                let (id, key) = (format!("{client}-{number}"), format!("key {}", number % 3));
                // The same command at both replicas at once: one carries it out, the other one answers the same.
                let (one, other) =
                    tokio::join!(count_at_last(&houses[0], &id, &key), count_at_last(&houses[1], &id, &key));
                assert_eq!(one, other, "{id}");
            }
        })
    });
    for client in clients.collect::<Vec<_>>() {
        client.await.unwrap();
    }
    over.cancel();
    cutting.await.unwrap();
    let history = history(&houses[0]).await;
    assert_eq!(
        history.iter().map(|(position, _)| *position).collect::<Vec<_>>(),
        (1..=320).collect::<Vec<_>>()
    );
    for (key, expected) in [("key 0", 112), ("key 1", 112), ("key 2", 96)] {
        assert_eq!(history.iter().filter(|(_, of)| of == key).count(), expected, "{key}");
    }
}

/// Whoever stopped waiting would not stop the driver, which commits behind the back of a log that then knows less.
#[tokio::test]
async fn on_sqlite_a_commit_is_waited_for_however_long_it_takes() {
    let House { db, .. } = house().await;
    let schema = FeedSchema { events: ORDER_V1, key_description: "key" };
    let log = EventLog::open(&db, db.clone(), schema, 1 << 20, &SystemClock).await.unwrap();
    let log = Arc::new(log.with_patience(std::time::Duration::ZERO));
    let (tasks, shutdown) = (TaskTracker::new(), CancellationToken::new());
    let committer = Committer::start(db.clone(), log.clone(), Arc::new(SystemClock), &tasks, shutdown);
    let house = House { committer, log, db };
    for value in 1..=3 {
        assert_eq!(
            count(&house, &format!("r{value}"), "k", Fault::None).await.unwrap(),
            (Counted(value), false)
        );
    }
    assert_eq!(history(&house).await.len(), 3);
}
