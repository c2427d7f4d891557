//! An operator replays and discards.

use std::time::Duration;

use ordermesh_feed::consume::{ConsumerControl, ControlError, Delivery};
use ordermesh_feed::retention::{Kept, prune};
use ordermesh_testkit::eventually;
use sea_orm::{ConnectionTrait, Statement};

use crate::scripted::event_id;
use crate::shop::{Running, Shop};

/// A consumer with parked events 1, 3, 4 of `bad` that has given up.
async fn stuck() -> (Shop, Running) {
    let shop = Shop::new();
    shop.script.edit(|parts| parts.poison.insert("bad".to_owned()));
    shop.feed.append(&["bad", "good", "bad", "bad"]);
    let running = shop.start().await;
    running.reach(4).await;
    running.given_up("bad").await;
    (shop, running)
}

#[tokio::test]
async fn replayed_events_are_applied_in_order_and_new_ones_queue_behind_them() {
    let (shop, running) = stuck().await;
    shop.script.edit(|parts| parts.poison.clear());
    assert_eq!(running.consumer.replay(None, false).await.unwrap(), 1);
    shop.feed.append(&["bad", "good", "bad"]);
    running.reach(7).await;
    eventually!(running.parked().await.is_empty(), "everything is applied");
    assert_eq!(running.effects_of("bad").await, [1, 3, 4, 5, 7]);
    assert_eq!(running.effects_of("good").await, [2, 6]);
    assert_eq!(running.number("SELECT COUNT(*) FROM parked_work").await, 0);
    running.stop().await;
}

#[tokio::test]
async fn a_replay_without_effects_says_so_to_the_handler_for_every_event() {
    let (shop, running) = stuck().await;
    shop.script.edit(|parts| {
        parts.poison.clear();
        parts.given.clear();
    });
    let unknown = running.consumer.replay(Some(&["bad".to_owned(), "unknown".to_owned()]), false).await;
    assert!(matches!(unknown, Err(ControlError::NotParked(key)) if key == "unknown"));
    assert_eq!(running.parked().await, [1, 3, 4]);
    running.consumer.replay(Some(&["bad".to_owned()]), true).await.unwrap();
    eventually!(running.parked().await.is_empty(), "everything is applied");
    let suppressed = Delivery::Replay { suppress_effects: true };
    assert!(!suppressed.allows_effects());
    let expected = [1, 3, 4].map(|position| (vec![position], suppressed));
    shop.script.edit(|parts| assert_eq!(parts.given, expected));
    running.stop().await;
}

#[tokio::test]
async fn a_replay_that_fails_again_leaves_the_key_parked_with_one_more_attempt() {
    let (_shop, running) = stuck().await;
    let attempts = async || running.number("SELECT CAST(attempts AS BIGINT) FROM parked_keys").await;
    let before = attempts().await;
    running.consumer.replay(None, false).await.unwrap();
    eventually!(attempts().await == before + 1, "the replay is tried once");
    running.given_up("bad").await;
    assert_eq!((attempts().await, running.parked().await), (before + 1, vec![1, 3, 4]));
    running.stop().await;
}

#[tokio::test]
async fn discarded_events_have_no_effect_and_the_key_flows_when_none_is_left() {
    let (shop, running) = stuck().await;
    assert_eq!(running.consumer.discard("bad", 3).await.unwrap(), 2);
    assert_eq!(running.parked().await, [4]);
    shop.script.edit(|parts| parts.poison.clear());
    assert_eq!(running.consumer.discard("bad", i64::MAX).await.unwrap(), 1);
    let again = running.consumer.discard("bad", i64::MAX).await;
    assert!(matches!(again, Err(ControlError::NotParked(key)) if key == "bad"));
    shop.feed.append(&["bad"]);
    running.reach(5).await;
    assert_eq!(running.effects().await, [2, 5]);
    running.stop().await;
}

#[tokio::test]
async fn a_parked_event_that_had_its_effect_before_is_not_applied_again() {
    let (shop, running) = stuck().await;
    // Another replica has applied the first one, and its copy is back in the parking.
    let sql = "INSERT INTO inbox (consumer, event_id, recorded_time) VALUES ('tally', $1, 5)";
    let id = (*event_id(1).as_uuid()).into();
    let insert = Statement::from_sql_and_values(running.db.get_database_backend(), sql, [id]);
    running.db.execute_raw(insert).await.unwrap();
    shop.script.edit(|parts| parts.poison.clear());
    running.consumer.replay(None, false).await.unwrap();
    eventually!(running.parked().await.is_empty(), "the parking is empty");
    assert_eq!(running.effects_of("bad").await, [3, 4]);
    assert_eq!(running.number("SELECT COUNT(*) FROM inbox").await, 3);
    let inbox = Kept::inbox(Duration::ZERO);
    let pruned = prune(&running.db, inbox.table, inbox.column, 6, 100).await.unwrap();
    assert_eq!((pruned, running.number("SELECT COUNT(*) FROM inbox").await), (1, 2));
    running.stop().await;
}

#[tokio::test]
async fn a_parked_event_that_waits_for_what_is_missing_does_not_hold_up_other_keys() {
    let shop = Shop::new();
    shop.script.edit(|parts| parts.poison.extend(["a".to_owned(), "b".to_owned()]));
    shop.feed.append(&["a", "b"]);
    let running = shop.start().await;
    running.reach(2).await;
    running.given_up("a").await;
    running.given_up("b").await;
    shop.script.edit(|parts| {
        parts.poison.clear();
        parts.not_now.insert("a".to_owned());
    });
    // Both are due at the same time, a first.
    running.consumer.replay(None, false).await.unwrap();
    eventually!(running.parked().await == [1], "b is applied");
    shop.script.edit(|parts| parts.not_now.clear());
    eventually!(running.parked().await.is_empty(), "a is applied when it can be");
    running.stop().await;
}
