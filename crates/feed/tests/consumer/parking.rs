//! Events that make no sense: what stops, and what flows on.

use ordermesh_feed::consume::ConsumerControl;
use ordermesh_testkit::eventually;
use sea_orm::ConnectionTrait;

use crate::shop::Shop;

#[tokio::test]
async fn an_event_that_makes_no_sense_stops_its_own_key_only() {
    let shop = Shop::new();
    shop.script.edit(|parts| parts.poison.insert("bad".to_owned()));
    shop.feed.append(&["good", "bad", "good", "bad"]);
    let running = shop.start().await;
    running.reach(4).await;
    assert_eq!((running.effects().await, running.parked().await), (vec![1, 3], vec![2, 4]));
    shop.feed.append(&["bad", "fine"]);
    running.reach(6).await;
    assert_eq!((running.effects().await, running.parked().await), (vec![1, 3, 6], vec![2, 4, 5]));
    let reason = running.consumer.blocked().reason("bad").unwrap();
    assert!(reason.contains("it tastes of poison"), "{reason}");
    assert_eq!(running.consumer.blocked().reason("good"), None);
    running.given_up("bad").await;
    running.stop().await;
}

#[tokio::test]
async fn a_payload_that_cannot_be_decoded_is_parked_with_its_bytes() {
    let shop = Shop::new();
    shop.feed.append(&["a"]);
    shop.feed.append_garbage("b");
    shop.feed.append(&["b", "c"]);
    let running = shop.start().await;
    running.reach(4).await;
    assert_eq!((running.effects().await, running.parked().await), (vec![1, 4], vec![2, 3]));
    let parked = running.consumer.parked(Some("b"), 0, 1).await.unwrap();
    let (event, _) = &parked[0];
    assert!(event.bytes.ends_with(&[0xA2, 0x01, 0x02, 0xff, 0xff]));
    assert!(event.reason.contains("cannot be decoded"));
    running.stop().await;
}

#[tokio::test]
async fn an_event_is_tried_again_by_itself_and_its_key_then_flows_in_order() {
    let mut shop = Shop::new();
    shop.settings.max_tries = 1_000;
    shop.script.edit(|parts| parts.poison.insert("bad".to_owned()));
    shop.feed.append(&["bad", "good", "bad"]);
    let running = shop.start().await;
    running.reach(3).await;
    shop.script.edit(|parts| parts.poison.clear());
    eventually!(running.parked().await.is_empty(), "the parked events are applied");
    shop.feed.append(&["bad"]);
    running.reach(4).await;
    assert_eq!(running.effects_of("bad").await, [1, 3, 4]);
    assert_eq!(running.consumer.blocked().reason("bad"), None);
    running.stop().await;
}

#[tokio::test]
async fn after_so_many_tries_a_key_waits_for_an_operator() {
    let shop = Shop::new();
    shop.script.edit(|parts| parts.poison.insert("bad".to_owned()));
    shop.feed.append(&["bad"]);
    let running = shop.start().await;
    running.given_up("bad").await;
    let parked = running.consumer.parked(None, 0, 1).await.unwrap();
    assert_eq!(parked[0].0.attempts, shop.settings.max_tries);
    let tries = shop.script.edit(|parts| parts.given.len());
    shop.feed.append(&["good"]);
    running.reach(2).await;
    // The batch of the other key is the only call since.
    assert_eq!(shop.script.edit(|parts| parts.given.len()), tries + 1);
    running.stop().await;
}

#[tokio::test]
async fn a_full_parking_stops_the_consumer_until_there_is_room() {
    let mut shop = Shop::new();
    shop.settings.max_parked_keys = 1;
    shop.script.edit(|parts| parts.poison.extend(["bad".to_owned(), "worse".to_owned()]));
    shop.feed.append(&["bad", "good"]);
    let running = shop.start().await;
    running.reach(2).await;
    running.given_up("bad").await;
    shop.feed.append(&["worse", "good"]);
    running.error("the parking is full").await;
    assert_eq!((running.effects().await, running.parked().await), (vec![2], vec![1]));
    assert_eq!(running.consumer.discard("bad", i64::MAX).await.unwrap(), 1);
    running.reach(4).await;
    assert_eq!((running.effects().await, running.parked().await), (vec![2, 4], vec![3]));
    running.stop().await;
}

#[tokio::test]
async fn a_full_parking_is_measured_in_bytes_too() {
    let mut shop = Shop::new();
    shop.settings.max_parked_bytes = 10;
    shop.script.edit(|parts| parts.poison.insert("bad".to_owned()));
    shop.feed.append(&["bad"]);
    let running = shop.start().await;
    running.error("the parking is full").await;
    assert!(running.parked().await.is_empty());
    running.stop().await;
}

#[tokio::test]
async fn what_is_parked_survives_a_kill() {
    let shop = Shop::new();
    shop.script.edit(|parts| parts.poison.insert("bad".to_owned()));
    shop.feed.append(&["bad", "bad"]);
    let running = shop.start().await;
    running.given_up("bad").await;
    running.kill().await;
    let running = shop.start().await;
    assert!(running.consumer.blocked().reason("bad").is_some(), "known before the feed is reached");
    shop.feed.append(&["bad"]);
    running.reach(3).await;
    assert_eq!((running.effects().await, running.parked().await), (vec![], vec![1, 2, 3]));
    running.stop().await;
}

#[tokio::test]
async fn an_event_that_the_database_does_not_take_is_found_among_many_and_stops_its_own_key_only() {
    let shop = Shop::new();
    let running = shop.start().await;
    running.take_place_of(6).await;
    shop.feed.append(&["a", "b", "c", "d", "a", "bad", "b", "bad", "c", "d", "a"]);
    running.reach(11).await;
    assert_eq!(running.parked().await, [6, 8]);
    assert_eq!(running.effects_of("a").await, [1, 5, 11]);
    assert!(running.consumer.blocked().reason("bad").is_some());
    running.given_up("bad").await;
    running.db.execute_unprepared("DELETE FROM effects WHERE position = 6").await.unwrap();
    running.consumer.replay(None, false).await.unwrap();
    eventually!(running.parked().await.is_empty(), "everything is applied");
    assert_eq!(running.effects().await, (1..=11).collect::<Vec<_>>());
    running.stop().await;
}
