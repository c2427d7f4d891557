//! The parking: order per key, replay, discard, and what is left afterwards.
#![expect(clippy::unwrap_used, reason = "in a test a panic is the failure")]

use ordermesh_feed::event::{WireEvent, key_hash};
use ordermesh_feed::parking::{Discarded, KeyState, ParkedEvent, Parking, Usage};
use ordermesh_feed::store::ParkingMigration;
use ordermesh_kernel::{EventId, Timestamp};
use ordermesh_testkit::backend::{Backend, connect, create_database, fresh_name, server};
use sea_orm::DatabaseConnection;
use sea_orm_migration::{MigrationTrait, MigratorTrait};

struct Migrator;

impl MigratorTrait for Migrator {
    fn migrations() -> Vec<Box<dyn MigrationTrait>> {
        vec![Box::new(ParkingMigration)]
    }
}

const NOW: Timestamp = Timestamp::UNIX_EPOCH;

async fn database() -> DatabaseConnection {
    let url = match Backend::of_this_run() {
        Backend::Sqlite => "sqlite::memory:".to_owned(),
        Backend::Postgres => create_database(&server(), &fresh_name("parking")).await,
    };
    let db = connect(&url).await.unwrap();
    Migrator::up(&db, None).await.unwrap();
    db
}

fn event(position: i64, key: &str) -> WireEvent {
    WireEvent {
        position,
        id: EventId::from(uuid::Uuid::from_u128(position.unsigned_abs().into())),
        kind: "OrderCreated",
        key: key.to_owned(),
        key_hash: key_hash(key),
        recorded: NOW,
        bytes: vec![7; 10].into(),
    }
}

/// Keys a (1, 4) and b (2, 3) parked for a consumer, and a for another one.
async fn parked(db: &DatabaseConnection) -> Parking {
    let parking = Parking::of("mail");
    let events = [event(1, "a"), event(2, "b"), event(3, "b")];
    parking.park(db, &events.iter().collect::<Vec<_>>(), "no mailbox", 5, NOW).await.unwrap();
    parking.append(db, &[&event(4, "a")], NOW).await.unwrap();
    Parking::of("other").park(db, &[&event(1, "a")], "", 1, NOW).await.unwrap();
    parking
}

fn positions(events: &[ParkedEvent]) -> Vec<i64> {
    events.iter().map(|event| event.position).collect()
}

#[tokio::test]
async fn events_are_listed_in_order_by_key_and_page_and_parking_twice_is_parking_once() {
    let db = database().await;
    let parking = parked(&db).await;
    parking.park(&db, &[&event(1, "a")], "again", 9, NOW).await.unwrap();
    assert_eq!(parking.usage(&db).await.unwrap(), Usage { keys: 2, events: 4, bytes: 40 });
    assert_eq!(positions(&parking.list(&db, None, 1, 2).await.unwrap()), [2, 3]);
    let of_a = parking.list(&db, Some("a"), 0, 10).await.unwrap();
    assert_eq!(positions(&of_a), [1, 4]);
    assert!(of_a.iter().all(|event| event.reason == "no mailbox" && event.attempts == 5));
    assert_eq!(of_a[0].bytes, [7; 10]);
}

#[tokio::test]
async fn a_replay_goes_event_by_event_and_unblocks_the_key_at_its_end() {
    let db = database().await;
    let parking = parked(&db).await;
    assert!(parking.next_of(&db, &["unknown"]).await.unwrap().is_empty());
    assert_eq!(parking.next_of(&db, &["b", "a"]).await.unwrap(), [(1, 10), (2, 10)]);
    let keys = ["a".to_owned(), "unknown".to_owned()];
    assert_eq!(parking.start_replay(&db, Some(&keys)).await.unwrap(), ["a"]);
    assert_eq!(parking.blocked(&db).await.unwrap()["a"], KeyState::Replaying);
    assert_eq!(positions(&parking.events_at(&db, vec![1]).await.unwrap()), [1]);
    assert!(parking.remove(&db, &[1]).await.unwrap().is_empty());
    assert_eq!(parking.next_of(&db, &["a"]).await.unwrap(), [(4, 10)]);
    assert_eq!(parking.remove(&db, &[4]).await.unwrap(), ["a"]);
    assert_eq!(parking.blocked(&db).await.unwrap().into_keys().collect::<Vec<_>>(), ["b"]);
    assert_eq!(Parking::of("other").usage(&db).await.unwrap().keys, 1);
}

#[tokio::test]
async fn a_failed_replay_parks_the_key_again() {
    let db = database().await;
    let parking = parked(&db).await;
    assert_eq!(parking.start_replay(&db, None).await.unwrap().len(), 2);
    assert!(parking.park_again(&db, "a", "still none", 1).await.unwrap());
    assert!(!parking.park_again(&db, "c", "", 1).await.unwrap());
    let of_a = parking.list(&db, Some("a"), 0, 1).await.unwrap();
    let told = (of_a[0].state, of_a[0].reason.as_str(), of_a[0].attempts);
    assert_eq!(told, (KeyState::Parked, "still none", 6));
    assert_eq!(parking.blocked(&db).await.unwrap()["b"], KeyState::Replaying);
}

#[tokio::test]
async fn discarding_unblocks_a_key_when_nothing_is_left() {
    let db = database().await;
    let parking = parked(&db).await;
    let discard = async |up_to| parking.discard(&db, "a", up_to).await.unwrap();
    assert_eq!(discard(Some(3)).await, Discarded { events: 1, unblocked: false });
    assert_eq!(discard(None).await, Discarded { events: 1, unblocked: true });
    assert_eq!(discard(None).await, Discarded::default());
    parking.clear(&db).await.unwrap();
    assert_eq!(parking.usage(&db).await.unwrap(), Usage::default());
}
