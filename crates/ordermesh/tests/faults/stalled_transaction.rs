//! A session that keeps a snapshot and a transaction id open, as a forgotten psql does: designs that wait for the oldest
//! transaction would tell nothing until it ends.

use std::collections::BTreeSet;
use std::time::{Duration, Instant};

use ordermesh_proto::feed::v1::SubscribeRequest;
use ordermesh_testkit::{Subscription, assert_log_is_sound, backend};
use sea_orm::{ConnectionTrait, Statement};

use crate::load::Load;
use crate::{not_here, replicas, seconds};

/// A subscriber hears of an order much sooner than any time-out.
const SOON: Duration = Duration::from_secs(2);

#[tokio::test(flavor = "multi_thread")]
async fn a_forgotten_transaction_does_not_delay_the_feed() {
    if not_here() {
        return;
    }
    let (_postgres, database, servers) = replicas(2, |launch| launch).await;
    let forgotten = backend::connect(&database).await.unwrap();
    forgotten.execute_unprepared("BEGIN ISOLATION LEVEL REPEATABLE READ").await.unwrap();
    const HOLD: &str = "SELECT CAST(CAST(pg_current_xact_id() AS TEXT) AS BIGINT) AS id, (SELECT COUNT(*) FROM events) AS events";
    let hold = Statement::from_string(forgotten.get_database_backend(), HOLD);
    let before = forgotten.query_one_raw(hold.clone()).await.unwrap().unwrap();
    let id: i64 = before.try_get("", "id").unwrap();

    let mut live = Subscription::open(&mut servers[1].events(), SubscribeRequest::default()).await.unwrap();
    let (load, start) = (Load::on(servers[0].addr(), 8), Instant::now());
    let mut slowest = Duration::ZERO;
    while start.elapsed() < seconds(5) {
        let events = live.events.len() + 1;
        live.read_events(events).await;
        let recorded = live.events.last().unwrap().recorded_time.unwrap();
        let told = live.frames.last().unwrap().server_time.unwrap();
        let lag = (told.seconds - recorded.seconds) * 1_000_000_000 + i64::from(told.nanos - recorded.nanos);
        slowest = slowest.max(Duration::from_nanos(lag.try_into().unwrap_or_default()));
    }
    let told = load.end().await;
    live.read_events(told.orders.len()).await;

    // All of it came while the transaction was still open, with the snapshot that it had.
    let after = forgotten.query_one_raw(hold).await.unwrap().unwrap();
    assert_eq!(after.try_get::<i64>("", "id").unwrap(), id, "the transaction is still the same");
    assert_eq!(after.try_get::<i64>("", "events").unwrap(), 0, "it still sees an empty log");
    assert_log_is_sound(&live.events);
    let placed: BTreeSet<_> = told.orders.iter().collect();
    let seen: BTreeSet<_> = live.events.iter().map(|event| &event.key).collect();
    assert_eq!(placed, seen);
    eprintln!(
        "{} events, the slowest after {slowest:?}, the slowest answer {:?}",
        live.events.len(),
        told.slowest
    );
    assert!(slowest < SOON && told.slowest < SOON, "feed {slowest:?}, commands {:?}", told.slowest);
    forgotten.execute_unprepared("ROLLBACK").await.unwrap();
}
