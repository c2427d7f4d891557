//! A replica that stops in the middle of a transaction, as on a machine that swaps or a container that is paused, keeps
//! the lock of the log's head: the database takes it back after a time-out.

use std::collections::BTreeSet;
use std::time::{Duration, Instant};

use ordermesh_testkit::random::Random;
use ordermesh_testkit::{Server, assert_log_is_sound, backend, eventually, read_feed};
use sea_orm::{ConnectionTrait, DatabaseConnection, Statement};

use crate::load::Load;
use crate::{not_here, replicas};

const TIMEOUT: Duration = Duration::from_millis(1000);
/// What the lock's way to somebody else takes beside the time-out, on a busy machine.
const SLACK: Duration = Duration::from_secs(3);
/// Freezes that catch the lock, and how many are made for them at most.
const CAUGHT: usize = 3;
const FREEZES: usize = 100;

#[tokio::test(flavor = "multi_thread")]
async fn a_frozen_replica_delays_others_only_until_the_time_out() {
    if not_here() {
        return;
    }
    let timeout = TIMEOUT.as_millis().to_string();
    let name = "ORDERMESH_DATABASE__IDLE_IN_TRANSACTION_TIMEOUT_MS";
    let (_postgres, database, servers) = replicas(2, |launch| launch.env(name, &timeout)).await;
    let [victim, other] = &servers[..] else { unreachable!("two replicas were started") };
    let watch = backend::connect(&database).await.unwrap();
    let (victims, others) = (Load::on(victim.addr(), 8), Load::on(other.addr(), 8));
    let mut random = Random::from_env("ORDERMESH_FREEZE_SEED");
    let (mut caught, mut freezes) = (0, 0);
    while caught < CAUGHT && freezes < FREEZES {
        ordermesh_testkit::wait::pause(Duration::from_micros(random.below(100_000))).await;
        freezes += 1;
        caught += usize::from(freeze(victim, &watch).await);
    }
    let (victims, others) = (victims.end().await, others.end().await);
    eprintln!(
        "{caught} of {freezes} freezes held a lock; the slowest answer beside them {:?}",
        others.slowest
    );
    assert!(caught > 0, "a freeze has caught the lock");
    assert!(others.slowest < TIMEOUT + SLACK, "the other replica waited {:?}", others.slowest);

    let log = read_feed(&mut other.events()).await;
    assert_log_is_sound(&log);
    let logged: BTreeSet<_> = log.iter().map(|event| &event.key).collect();
    let told: BTreeSet<_> = victims.orders.iter().chain(&others.orders).collect();
    assert_eq!(told, logged, "what was acknowledged is there, and nothing else");
}

/// Freezes the victim and, when it holds something, until the time-out has freed that; whether it did.
async fn freeze(victim: &Server, watch: &DatabaseConnection) -> bool {
    victim.freeze();
    let mut heads = BTreeSet::new();
    let holds = eventually!(
        {
            heads.insert(head(watch).await);
            // More moves than the victim's two tasks had under way: it holds nobody up.
            let goes_on = (heads.len() > 4).then_some(false);
            if frozen_holders(watch).await > 0 { Some(true) } else { goes_on }
        },
        "the head is held or moves"
    );
    if holds {
        let start = Instant::now();
        eventually!(frozen_holders(watch).await == 0, "the time-out frees the lock");
        assert!(start.elapsed() < TIMEOUT + SLACK, "the database ended it after {:?}", start.elapsed());
    }
    victim.thaw();
    holds
}

async fn head(watch: &DatabaseConnection) -> i64 {
    let sql = "SELECT position FROM log_head";
    let row = watch.query_one_raw(Statement::from_string(watch.get_database_backend(), sql)).await;
    row.unwrap().unwrap().try_get("", "position").unwrap()
}

/// Transactions that have written the log's head and have waited for their client's next word for more than 150 ms.
async fn frozen_holders(watch: &DatabaseConnection) -> i64 {
    const SQL: &str = "SELECT COUNT(DISTINCT pid) AS count FROM pg_stat_activity JOIN pg_locks USING (pid) \
        WHERE state = 'idle in transaction' AND clock_timestamp() - state_change > INTERVAL '150 milliseconds' \
        AND relation = CAST('log_head' AS regclass) AND mode = 'RowExclusiveLock' AND granted";
    let row = watch.query_one_raw(Statement::from_string(watch.get_database_backend(), SQL)).await;
    row.unwrap().unwrap().try_get("", "count").unwrap()
}
