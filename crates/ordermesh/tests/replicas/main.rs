//! Three replicas of order-command on one PostgreSQL, which are killed at random with it, under clients who place orders and
//! subscribers who are cut off: nothing acknowledged is lost, nothing is there twice, everybody saw everything once.
//!
//! `ORDERMESH_SOAK_SECONDS` and `ORDERMESH_SOAK_CLIENTS` set how long and how many; `ORDERMESH_CHAOS_SEED` repeats the
//! choices of an earlier run, though not its timing.

#![expect(clippy::unwrap_used, reason = "a test may panic, and its helpers too")]

mod clients;
mod subscribers;

use std::time::{Duration, Instant};

use ordermesh_testkit::history::{Entry, Filter, History, StoredOrder};
use ordermesh_testkit::random::Random;
use ordermesh_testkit::{Backend, Launch, Postgres, Server, assert_log_is_sound, backend, read_feed};
use sea_orm::{ConnectionTrait, Statement};
use tokio::sync::watch;

const BINARY: &str = env!("CARGO_BIN_EXE_ordermesh");
const REPLICAS: usize = 3;
const SHARDS: u64 = 3;

fn setting(name: &str, default: u64) -> u64 {
    std::env::var(name).map_or(default, |value| value.parse().unwrap())
}

/// What clients and subscribers know of the servers.
#[derive(Debug, Clone)]
struct Shop {
    addresses: Vec<String>,
    /// Orders are placed until it closes.
    open: bool,
    /// Where the log ends, once nobody writes any more.
    end: Option<i64>,
}

#[tokio::test(flavor = "multi_thread")]
async fn replicas_and_database_are_killed_at_random_and_nothing_is_lost_doubled_or_out_of_order() {
    if Backend::needs_postgres("several replicas share one database") {
        return;
    }
    let seconds = Duration::from_secs(setting("ORDERMESH_SOAK_SECONDS", 10));
    let mut random = Random::from_env("ORDERMESH_CHAOS_SEED");
    let mut postgres = Postgres::start().await;
    let database = postgres.database("order-command").await;
    let mut replicas = Vec::new();
    for _ in 0..REPLICAS {
        replicas.push(Launch::replica(BINARY, &database).start().await);
    }
    let addresses = replicas.iter().map(|replica| replica.addr().to_owned()).collect();
    let (shop, watching) = watch::channel(Shop { addresses, open: true, end: None });

    let start = Instant::now();
    let clients: Vec<_> = (0..setting("ORDERMESH_SOAK_CLIENTS", 16))
        .map(|number| {
            tokio::spawn(clients::place(number, start, Random::new(random.next()), watching.clone()))
        })
        .collect();
    let subscribers: Vec<_> = filters()
        .into_iter()
        .map(|filter| tokio::spawn(subscribers::follow(filter, Random::new(random.next()), watching.clone())))
        .collect();
    let kills = wreak_havoc(&mut random, &mut replicas, &mut postgres, start + seconds).await;

    shop.send_modify(|shop| shop.open = false);
    let mut history = History::default();
    for client in clients {
        history.attempts.extend(client.await.unwrap());
    }
    // What a client has given up waiting for may still be under way; a replica that ends well finishes it.
    for replica in &mut replicas {
        replica.terminate().await;
        replica.start_again_here().await;
    }
    let log = read_feed(&mut replicas[0].events()).await;
    shop.send_modify(|shop| shop.end = Some(log.len() as i64));
    for subscriber in subscribers {
        history.subscribers.push(subscriber.await.unwrap());
    }
    assert_log_is_sound(&log);
    history.log = log.iter().map(Entry::of).collect();
    history.orders = stored_orders(&database).await;
    report(&history, &kills);
    history.assert_sound();
    for subscriber in &history.subscribers {
        let stored = subscriber.sessions.last().map(|session| session.stored);
        assert_eq!(stored, Some(log.len() as i64), "{} got to the end", subscriber.name);
    }
    assert!(!log.is_empty() && kills.iter().all(|(_, times)| *times > 0), "everything happened: {kills:?}");
}

/// One with everything, one a type, one a share of the keys, and mixtures of both.
fn filters() -> Vec<Filter> {
    let types = |kind: &str| vec![kind.to_owned()];
    let mut filters = vec![
        Filter::default(),
        Filter { types: types("OrderCreated"), ..Filter::default() },
        Filter { types: types("OrderCancellationRequested"), ..Filter::default() },
        Filter { types: types("OrderCancellationRequested"), shard: Some((1, 2)), ..Filter::default() },
        Filter { types: types("OrderCreated"), shard: Some((0, 2)), ..Filter::default() },
    ];
    filters.extend((0..SHARDS).map(|index| Filter { shard: Some((index, SHARDS)), ..Filter::default() }));
    filters
}

/// Kills and starts again until the time is over; says what and how often.
async fn wreak_havoc(
    random: &mut Random,
    replicas: &mut [Server],
    postgres: &mut Postgres,
    until: Instant,
) -> [(&'static str, usize); 3] {
    let mut kills = [("one replica", 0), ("the database", 0), ("everything", 0)];
    for round in 0.. {
        if Instant::now() >= until && kills.iter().all(|(_, times)| *times > 0) {
            break;
        }
        pause(random, 800).await;
        // Each once first, so that a short run has them all.
        let choice = if round < kills.len() { round } else { random.below(5).saturating_sub(2) as usize };
        kills[choice].1 += 1;
        if choice != 0 {
            postgres.kill9().await;
        }
        match choice {
            0 => replicas[random.below(REPLICAS as u64) as usize].kill9(),
            2 => replicas.iter_mut().for_each(Server::kill9),
            _ => {}
        }
        pause(random, 500).await;
        postgres.start_again().await;
        for replica in &mut *replicas {
            if replica.has_ended() {
                replica.start_again_here().await;
            }
        }
    }
    kills
}

async fn pause(random: &mut Random, longest_ms: u64) {
    ordermesh_testkit::wait::pause(Duration::from_millis(random.below(longest_ms))).await;
}

async fn stored_orders(database: &str) -> Vec<StoredOrder> {
    let connection = backend::connect(database).await.unwrap();
    const SQL: &str = "SELECT CAST(order_id AS TEXT) AS order_id, order_reference FROM orders JOIN order_terms USING (order_id)";
    let statement = Statement::from_string(connection.get_database_backend(), SQL);
    let rows = connection.query_all_raw(statement).await.unwrap();
    let order = |row: &sea_orm::QueryResult| StoredOrder {
        order_id: row.try_get("", "order_id").unwrap(),
        request_id: row.try_get("", "order_reference").unwrap(),
    };
    rows.iter().map(order).collect()
}

fn report(history: &History, kills: &[(&str, usize)]) {
    let sessions: usize = history.subscribers.iter().map(|subscriber| subscriber.sessions.len()).sum();
    eprintln!(
        "{kills:?}; {} calls, {} orders, {} events, {sessions} streams",
        history.attempts.len(),
        history.orders.len(),
        history.log.len()
    );
}
