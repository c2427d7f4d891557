//! Handlers whose work is their own and comes before the checkpoint.

use ordermesh_feed::consume::ConsumerControl;
use ordermesh_testkit::eventually;
use sea_orm::ConnectionTrait;
use tokio::sync::watch;

use crate::shop::Shop;

fn reacting() -> Shop {
    let mut shop = Shop::new();
    shop.reacts = true;
    shop
}

#[tokio::test]
async fn the_checkpoint_moves_only_after_all_of_a_batch_is_done() {
    let shop = reacting();
    shop.script.edit(|parts| parts.not_now.insert("b".to_owned()));
    shop.feed.append(&["a", "b"]);
    let running = shop.start().await;
    running.error("b is not ready").await;
    assert_eq!(running.number("SELECT COUNT(*) FROM checkpoints").await, 0);
    running.kill().await;
    shop.script.edit(|parts| {
        parts.not_now.clear();
        parts.reacted.clear();
    });
    let running = shop.start().await;
    running.reach(2).await;
    shop.script.edit(|parts| assert_eq!(parts.reacted, [[1, 2]], "the batch is repeated whole"));
    running.stop().await;
}

#[tokio::test]
async fn a_checkpoint_that_cannot_be_stored_repeats_the_reaction() {
    let shop = reacting();
    let running = shop.start().await;
    shop.feed.append(&["a"]);
    running.reach(1).await;
    running.db.execute_unprepared("ALTER TABLE effects RENAME TO hidden").await.unwrap();
    shop.feed.append(&["a"]);
    running.error("effects").await;
    assert!(running.parked().await.is_empty(), "a table that is missing is no event's fault");
    running.db.execute_unprepared("ALTER TABLE hidden RENAME TO effects").await.unwrap();
    running.reach(2).await;
    shop.script.edit(|parts| assert!(parts.reacted.iter().filter(|batch| **batch == [2]).count() > 1));
    assert_eq!(running.effects().await, [1, 2]);
    running.stop().await;
}

#[tokio::test]
async fn a_reaction_to_what_makes_no_sense_is_parked_and_replayed_like_an_effect() {
    let shop = reacting();
    shop.script.edit(|parts| parts.poison.insert("bad".to_owned()));
    shop.feed.append(&["bad", "good", "bad"]);
    let running = shop.start().await;
    running.reach(3).await;
    running.given_up("bad").await;
    assert_eq!((running.effects().await, running.parked().await), (vec![2], vec![1, 3]));
    shop.script.edit(|parts| parts.poison.clear());
    running.consumer.replay(None, false).await.unwrap();
    eventually!(running.parked().await.is_empty(), "everything is applied");
    assert_eq!(running.effects_of("bad").await, [1, 3]);
    running.stop().await;
}

#[tokio::test]
async fn an_event_that_came_while_its_key_was_replayed_is_applied_after_the_replay() {
    let shop = reacting();
    shop.script.edit(|parts| parts.poison.insert("bad".to_owned()));
    shop.feed.append(&["bad"]);
    let running = shop.start().await;
    running.reach(1).await;
    running.given_up("bad").await;
    let open = watch::Sender::new(false);
    shop.script.edit(|parts| {
        parts.poison.clear();
        parts.gate = Some(open.subscribe());
    });
    // A batch looks while the key is stopped, and comes to its transaction when the key flows again.
    shop.feed.append(&["bad", "good"]);
    eventually!(shop.script.edit(|parts| parts.reacted.contains(&vec![3])), "the batch is on its way");
    running.consumer.replay(None, false).await.unwrap();
    eventually!(running.parked().await.is_empty(), "the replay ends");
    open.send_replace(true);
    running.reach(3).await;
    assert_eq!(running.effects_of("bad").await, [1, 2]);
    assert_eq!(running.number("SELECT COUNT(*) FROM parked_events").await, 0);
    running.stop().await;
}
