//! Rebuilding a projection, on one replica and on several.

use std::sync::Arc;

use futures_util::FutureExt;
use ordermesh_feed::consume::{ConsumerSettings, HandlerError, OpenFeed};
use ordermesh_feed::project::{Projection, ProjectionControl, Projector};
use ordermesh_feed::store::WriteTransaction;
use ordermesh_kernel::SystemClock;
use ordermesh_proto::error::{Problem, info_of, reason_of};
use ordermesh_proto::feed::v1::FeedErrorReason;
use ordermesh_proto::order::v1::OrderEvent;
use ordermesh_testkit::eventually;
use ordermesh_testkit::wait::soon;
use sea_orm::{ConnectionTrait, DatabaseConnection, DbErr, Statement};
use tokio::sync::{mpsc, watch};
use tokio::task::JoinHandle;
use tonic::{Code, Status};

use crate::shop::Shop;

/// Writes a row for each event.
struct Ledger;

#[async_trait::async_trait]
impl Projection for Ledger {
    type Event = OrderEvent;

    fn name(&self) -> &'static str {
        "ledger"
    }

    async fn apply(
        &self,
        tx: &WriteTransaction,
        suffix: &str,
        events: &[OrderEvent],
    ) -> Result<(), HandlerError> {
        for event in events {
            let sql = format!("INSERT INTO ledger{suffix} (position) VALUES ({})", event.position);
            tx.execute_unprepared(&sql).await?;
        }
        Ok(())
    }

    fn applied(&self, _: &[OrderEvent]) {}

    async fn create_tables(&self, tx: &WriteTransaction, suffix: &str) -> Result<(), DbErr> {
        tx.execute_unprepared(&format!("DROP TABLE IF EXISTS ledger{suffix}")).await?;
        let create = format!("CREATE TABLE ledger{suffix} (position BIGINT PRIMARY KEY)");
        tx.execute_unprepared(&create).await.map(drop)
    }

    async fn swap_tables(&self, tx: &WriteTransaction, suffix: &str) -> Result<(), DbErr> {
        tx.execute_unprepared("DROP TABLE IF EXISTS ledger").await?;
        tx.execute_unprepared(&format!("ALTER TABLE ledger{suffix} RENAME TO ledger")).await.map(drop)
    }
}

async fn projector(db: &DatabaseConnection, open: OpenFeed) -> Arc<Projector<Ledger>> {
    let settings = ConsumerSettings::default();
    let projector = Projector::new(Ledger, db.clone(), (open, None), Arc::new(SystemClock), settings);
    Arc::new(projector.await.unwrap())
}

/// A feed that opens when the gate does.
fn behind(gate: &watch::Sender<bool>, open: OpenFeed) -> OpenFeed {
    let gate = gate.subscribe();
    Arc::new(move |request| {
        let (mut gate, open) = (gate.clone(), open.clone());
        async move {
            gate.wait_for(|open| *open).await.unwrap();
            open(request).await
        }
        .boxed()
    })
}

async fn rebuild(projector: Arc<Projector<Ledger>>) -> Result<(), Status> {
    let (tell, mut told) = mpsc::channel(100);
    soon("the rebuild ends", projector.rebuild(tell)).await;
    while let Some(frame) = told.recv().await {
        frame?;
    }
    Ok(())
}

fn assert_refused(rebuilt: Result<(), Status>, code: Code, reason: &str) {
    let refusal = rebuilt.unwrap_err();
    assert_eq!((refusal.code(), reason_of(&refusal).as_deref()), (code, Some(reason)), "{refusal}");
}

async fn positions(db: &DatabaseConnection) -> Vec<i64> {
    let sql = "SELECT position FROM ledger ORDER BY position";
    let rows = db.query_all_raw(Statement::from_string(db.get_database_backend(), sql)).await.unwrap();
    rows.iter().map(|row| row.try_get("", "position").unwrap()).collect()
}

async fn leases(db: &DatabaseConnection) -> i64 {
    let sql = "SELECT COUNT(*) FROM consumer_leases WHERE expires_time > 0";
    let row = db.query_one_raw(Statement::from_string(db.get_database_backend(), sql)).await.unwrap();
    row.unwrap().try_get_by_index(0).unwrap()
}

/// Two replicas of one projection, the first in the middle of a rebuild.
struct Replicas {
    first: Arc<Projector<Ledger>>,
    second: Arc<Projector<Ledger>>,
    db: DatabaseConnection,
    /// Where the first waits while it is closed.
    gate: watch::Sender<bool>,
    running: JoinHandle<Result<(), Status>>,
    _shop: Shop,
}

impl Replicas {
    async fn with_one_rebuilding() -> Self {
        let shop = Shop::new();
        shop.feed.append(&["a", "b"]);
        let (one, db) = (shop.connect().await, shop.connect().await);
        let gate = watch::Sender::new(false);
        let first = projector(&one, behind(&gate, shop.feed.open())).await;
        let second = projector(&db, shop.feed.open()).await;
        let running = tokio::spawn(rebuild(first.clone()));
        eventually!(leases(&db).await == 1, "the first has begun");
        Self { first, second, db, gate, running, _shop: shop }
    }
}

#[tokio::test]
async fn of_two_replicas_one_rebuilds_at_a_time_and_a_rebuild_that_was_called_off_is_in_nobodys_way() {
    let Replicas { first, second, db, gate, running, _shop } = Replicas::with_one_rebuilding().await;
    assert_refused(rebuild(second.clone()).await, Code::Aborted, "REBUILD_RUNNING");
    running.abort();
    eventually!(rebuild(second.clone()).await, "the second rebuilds when the first was called off");
    assert_eq!(positions(&db).await, [1, 2]);
    gate.send_replace(true);
    rebuild(first).await.unwrap();
    assert_eq!(positions(&db).await, [1, 2]);
}

#[tokio::test]
async fn a_rebuild_that_was_silent_for_too_long_writes_nothing_into_anothers_tables() {
    let Replicas { second, db, gate, running, _shop, .. } = Replicas::with_one_rebuilding().await;
    db.execute_unprepared("UPDATE consumer_leases SET expires_time = 1").await.unwrap();
    rebuild(second).await.unwrap();
    gate.send_replace(true);
    assert_refused(running.await.unwrap(), Code::Aborted, "REBUILD_RUNNING");
    assert_eq!(positions(&db).await, [1, 2]);
}

#[tokio::test]
async fn a_rebuild_from_a_log_that_was_truncated_says_so() {
    let shop = Shop::new();
    shop.feed.skip_one("a");
    let db = shop.connect().await;
    let rebuilt = rebuild(projector(&db, shop.feed.open()).await).await;
    assert_refused(rebuilt, Code::OutOfRange, "POSITION_TRUNCATED");
}

#[tokio::test]
async fn what_the_feed_says_of_its_history_is_what_a_rebuild_says() {
    let shop = Shop::new();
    let db = shop.connect().await;
    for (code, reason, expected) in [
        (Code::OutOfRange, FeedErrorReason::PositionTruncated, "POSITION_TRUNCATED"),
        (Code::FailedPrecondition, FeedErrorReason::FeedDiverged, "FEED_DIVERGED"),
    ] {
        let refuse: OpenFeed = Arc::new(move |_| {
            let refusal = Problem::new(code, reason, "it is not what it was").with("earliest_position", 4);
            async move { Err(refusal.into()) }.boxed()
        });
        let refusal = rebuild(projector(&db, refuse).await).await.unwrap_err();
        let told = info_of(&refusal).unwrap();
        assert_eq!((refusal.code(), told.reason.as_str()), (code, expected), "{refusal}");
        assert_eq!(told.metadata["earliest_position"], "4");
    }
    let away: OpenFeed = Arc::new(|_| async { Err(Status::unavailable("10.0.0.1 is away")) }.boxed());
    assert_refused(rebuild(projector(&db, away).await).await, Code::Unavailable, "SERVER_UNAVAILABLE");
}
