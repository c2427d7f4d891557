//! Old records go by their age, whoever's table it is, and one replica at a time.

use std::sync::Arc;
use std::time::Duration;

use ordermesh_feed::retention::{Kept, Pruner, prune};
use ordermesh_feed::store::PatientConnection;
use ordermesh_kernel::{ManualClock, from_micros};
use sea_orm::{ConnectionTrait, DbBackend, Statement};
use tokio_util::sync::CancellationToken;

use ordermesh_testkit::house::{House, START};

const DAY: i64 = 24 * 3600 * 1_000_000;
const RECORDS: &str = "SELECT count(*) AS value FROM idempotency_records";

/// So many records, a minute apart.
async fn with_records(count: i64) -> House {
    let house = House::empty().await;
    for number in 0..count {
        let statement = Statement::from_sql_and_values(
            house.db.get_database_backend(),
            "INSERT INTO idempotency_records (id, request_id, fingerprint, answer, event_key, \
             event_key_revision, recorded_time) VALUES ($1, 'r', $2, $2, 'k', 1, $3)",
            [number.to_be_bytes().to_vec().into(), vec![0_u8].into(), (START + number * 60_000_000).into()],
        );
        house.db.execute_raw(statement).await.unwrap();
    }
    house
}

fn pruner(house: &House, clock: &Arc<ManualClock>) -> Pruner {
    let week = Duration::from_secs(7 * 24 * 3600);
    let kept = Kept { table: "idempotency_records", column: "recorded_time", age: week };
    Pruner::new(PatientConnection::new(house.db.clone(), Duration::MAX), clock.clone(), vec![kept])
}

#[tokio::test]
async fn a_record_goes_when_it_is_older_than_it_is_kept_and_not_before() {
    let house = with_records(1_203).await;
    let clock = Arc::new(ManualClock::new(from_micros(START + 7 * DAY).unwrap()));
    let running = CancellationToken::new();
    let pruner = pruner(&house, &clock);
    assert_eq!(pruner.run_once(&running).await.unwrap(), 0, "the oldest is a week old to the microsecond");
    clock.advance(Duration::from_secs(60 * 1_100));
    assert_eq!(pruner.run_once(&running).await.unwrap(), 1_100);
    assert_eq!(house.number(RECORDS).await, 103);
    let oldest = house.number("SELECT min(recorded_time) AS value FROM idempotency_records").await;
    assert_eq!(oldest, START + 1_100 * 60_000_000);
}

#[tokio::test]
async fn no_more_rows_go_at_once_than_asked_for_and_the_oldest_first() {
    let house = with_records(10).await;
    let before = START + DAY;
    let pruned = prune(&house.db, "idempotency_records", "recorded_time", before, 4).await.unwrap();
    assert_eq!((pruned, house.number(RECORDS).await), (4, 6));
    let oldest = house.number("SELECT min(recorded_time) AS value FROM idempotency_records").await;
    assert_eq!(oldest, START + 4 * 60_000_000);
}

#[tokio::test]
async fn a_server_that_shuts_down_prunes_no_more() {
    let house = with_records(10).await;
    let clock = Arc::new(ManualClock::new(from_micros(START + 30 * DAY).unwrap()));
    let shutdown = CancellationToken::new();
    shutdown.cancel();
    assert_eq!(pruner(&house, &clock).run_once(&shutdown).await.unwrap(), 0);
    assert_eq!(house.number(RECORDS).await, 10);
}

#[tokio::test]
async fn while_one_replica_prunes_another_leaves_it_alone() {
    let house = with_records(10).await;
    if house.db.get_database_backend() != DbBackend::Postgres {
        // SQLite has one process.
        return;
    }
    let clock = Arc::new(ManualClock::new(from_micros(START + 30 * DAY).unwrap()));
    let options = house.db.get_postgres_connection_pool().connect_options();
    let other = sea_orm::sqlx::PgPool::connect_with((*options).clone()).await.unwrap();
    let mut tx = other.begin().await.unwrap();
    sea_orm::sqlx::query("SELECT pg_advisory_xact_lock(8030591472396039534)")
        .execute(&mut *tx)
        .await
        .unwrap();
    let running = CancellationToken::new();
    assert_eq!(pruner(&house, &clock).run_once(&running).await.unwrap(), 0);
    tx.rollback().await.unwrap();
    assert_eq!(pruner(&house, &clock).run_once(&running).await.unwrap(), 10);
}
