//! Several replicas of a consumer on one database.

use std::time::Duration;

use ordermesh_feed::consume::ConsumerControl;
use ordermesh_testkit::eventually;
use ordermesh_testkit::wait::soon;
use sea_orm::ConnectionTrait;

use crate::shop::{Running, Shop};

fn active(replica: &Running) -> bool {
    replica.consumer.progress().borrow().active
}

#[tokio::test]
async fn two_replicas_without_a_lease_apply_each_event_once_and_both_get_to_the_end() {
    let shop = Shop::new();
    let replicas = [shop.start().await, shop.start().await];
    for _ in 0..50 {
        shop.feed.append(&["a", "b", "c", "d"]);
        tokio::task::yield_now().await;
    }
    for replica in &replicas {
        replica.reach(200).await;
    }
    assert!(replicas.iter().all(active));
    assert_eq!((replicas[0].effects().await, replicas[0].parked().await), ((1..=200).collect(), vec![]));
    for replica in replicas {
        replica.stop().await;
    }
}

#[tokio::test]
async fn of_two_replicas_with_a_lease_one_works_and_the_other_follows_its_place() {
    let mut shop = Shop::new();
    shop.settings.lease = Some(Duration::from_secs(60));
    let first = shop.start().await;
    eventually!(active(&first), "the first takes the lease");
    let second = shop.start().await;
    shop.feed.append(&["a", "b"]);
    for replica in [&first, &second] {
        replica.reach(2).await;
    }
    assert!(!active(&second));
    // The one works; the other has only asked whether its place is of this history.
    assert!(shop.feed.opened() <= 2);
    // A graceful end gives the lease back long before it runs out.
    first.stop().await;
    eventually!(active(&second), "the second takes over");
    shop.feed.append(&["c"]);
    second.reach(3).await;
    assert_eq!(second.effects().await, [1, 2, 3]);
    assert_eq!(second.number("SELECT epoch FROM consumer_leases").await, 2);
    second.stop().await;
}

#[tokio::test]
async fn a_replica_that_stands_by_wakes_those_who_wait_only_when_the_active_one_has_gone_on() {
    let mut shop = Shop::new();
    shop.settings.lease = Some(Duration::from_secs(60));
    shop.feed.append(&["a"]);
    let first = shop.start().await;
    first.reach(1).await;
    let second = shop.start().await;
    second.reach(1).await;
    let told = || shop.script.edit(|parts| parts.applied_elsewhere);
    let before = told();
    let mut looks = second.consumer.progress();
    for _ in 0..3 {
        soon("it looks again", looks.changed()).await.unwrap();
    }
    assert_eq!(told(), before, "nothing has happened");
    shop.feed.append(&["b"]);
    second.reach(2).await;
    assert_eq!(told(), before + 1);
    for replica in [first, second] {
        replica.stop().await;
    }
}

#[tokio::test]
async fn when_the_active_replica_is_killed_another_takes_over_as_soon_as_its_lease_has_run_out() {
    let mut shop = Shop::new();
    shop.settings.lease = Some(Duration::from_millis(300));
    let first = shop.start().await;
    shop.feed.append(&["a"]);
    first.reach(1).await;
    let second = shop.start().await;
    first.kill().await;
    shop.feed.append(&["b"]);
    second.reach(2).await;
    assert!(active(&second));
    assert_eq!(second.effects().await, [1, 2]);
    second.stop().await;
}

#[tokio::test]
async fn what_an_operator_discards_by_a_replica_that_stands_by_is_seen_by_the_active_one() {
    let mut shop = Shop::new();
    shop.settings.lease = Some(Duration::from_secs(60));
    shop.script.edit(|parts| parts.poison.insert("bad".to_owned()));
    shop.feed.append(&["bad"]);
    let first = shop.start().await;
    first.reach(1).await;
    first.given_up("bad").await;
    let second = shop.start().await;
    assert_eq!(second.consumer.discard("bad", i64::MAX).await.unwrap(), 1);
    eventually!(first.consumer.blocked().is_empty(), "the active one knows that the key flows");
    assert!(active(&first));
    for replica in [first, second] {
        replica.stop().await;
    }
}

#[tokio::test]
async fn a_replica_that_stands_by_learns_that_the_log_has_another_history_now() {
    let mut shop = Shop::new();
    shop.settings.lease = Some(Duration::from_secs(60));
    shop.settings.ask_interval = Duration::from_millis(10);
    shop.feed.append(&["a"]);
    let first = shop.start().await;
    first.reach(1).await;
    let second = shop.start().await;
    let diverged = || second.consumer.progress().borrow().diverged;
    eventually!(shop.feed.opened() >= 2, "the second has asked");
    assert!(!diverged());
    shop.feed.restored(true);
    eventually!(diverged(), "the second says that its rows are of another history");
    assert!(active(&first) && !active(&second));
    second.error("FEED_DIVERGED").await;
    // Once more it looks on, and says the same.
    let opened = shop.feed.opened();
    eventually!(shop.feed.opened() > opened + 3, "it asks again and again");
    assert!(diverged());
    // The active one, which has not noticed, goes on: the checkpoint is another than was refused.
    shop.feed.restored(false);
    shop.feed.append(&["b"]);
    second.reach(2).await;
    assert!(!diverged());
    for replica in [first, second] {
        replica.stop().await;
    }
}

#[tokio::test]
async fn what_was_wrong_with_the_database_is_forgotten_when_a_replica_that_stands_by_can_look_again() {
    let mut shop = Shop::new();
    shop.settings.lease = Some(Duration::from_secs(60));
    let first = shop.start().await;
    eventually!(active(&first), "the first takes the lease");
    let second = shop.start().await;
    second.db.execute_unprepared("ALTER TABLE checkpoints RENAME TO hidden").await.unwrap();
    second.error("checkpoints").await;
    second.db.execute_unprepared("ALTER TABLE hidden RENAME TO checkpoints").await.unwrap();
    eventually!(second.consumer.progress().borrow().error.is_none(), "nothing is wrong any more");
    for replica in [first, second] {
        replica.stop().await;
    }
}
