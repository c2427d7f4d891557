//! Following the feed: batches, checkpoints, filters, wrong data.

use std::sync::{Arc, Mutex};
use std::time::Duration;

use futures_util::FutureExt;
use ordermesh_feed::token::LogPosition;
use ordermesh_testkit::eventually;
use sea_orm::{ConnectionTrait, Statement};
use uuid::Uuid;

use crate::scripted::event_id;
use crate::shop::Shop;

#[tokio::test]
async fn every_event_has_its_effect_once_however_often_the_consumer_is_killed() {
    let shop = Shop::new();
    for round in 1..=10 {
        let running = shop.start().await;
        shop.feed.append(&["a", "b", "a", "c"]);
        if round % 2 == 0 {
            running.reach(shop.feed.next() - 1).await;
        }
        running.kill().await;
    }
    let running = shop.start().await;
    running.reach(40).await;
    // The database does not take a row twice: such an event would have been parked.
    assert_eq!((running.effects().await, running.parked().await), ((1..=40).collect(), vec![]));
    assert_eq!(running.number("SELECT position FROM checkpoints").await, 40);
    running.stop().await;
}

#[tokio::test]
async fn batches_are_bounded_by_their_events_and_by_their_bytes() {
    for (max_batch, max_batch_bytes, batches) in [(2, 1 << 20, [2, 2, 1].as_slice()), (1, 1, &[1; 5])] {
        let mut shop = Shop::new();
        (shop.settings.max_batch, shop.settings.max_batch_bytes) = (max_batch, max_batch_bytes);
        shop.feed.append(&["a"; 5]);
        let running = shop.start().await;
        running.reach(5).await;
        let given =
            shop.script.edit(|parts| parts.given.iter().map(|(given, _)| given.len()).collect::<Vec<_>>());
        assert_eq!(given, batches);
        running.stop().await;
    }
}

#[tokio::test]
async fn what_is_missing_is_waited_for_without_parking_anything() {
    let shop = Shop::new();
    shop.script.edit(|parts| parts.not_now.insert("a".to_owned()));
    shop.feed.append(&["a", "b"]);
    let running = shop.start().await;
    running.error("a is not ready").await;
    eventually!(shop.script.edit(|parts| parts.given.len() > shop.settings.max_tries as usize), "many tries");
    assert_eq!((running.effects().await, running.parked().await), (vec![], vec![]));
    shop.script.edit(|parts| parts.not_now.clear());
    running.reach(2).await;
    assert_eq!(running.effects().await, [1, 2]);
    running.stop().await;
}

/// The positions that the feed is told from now on.
fn listen(shop: &mut Shop) -> Arc<Mutex<Vec<i64>>> {
    let told: Arc<Mutex<Vec<i64>>> = Arc::default();
    let listener = told.clone();
    shop.report = Some(Arc::new(move |cursor| {
        listener.lock().unwrap().push(LogPosition::from_cursor(&cursor).unwrap().position);
        async { Ok(()) }.boxed()
    }));
    told
}

#[tokio::test]
async fn a_new_consumer_tells_the_feed_at_once_that_it_needs_everything() {
    let mut shop = Shop::new();
    let told = listen(&mut shop);
    shop.settings.report_interval = Duration::from_secs(3600);
    shop.script.edit(|parts| parts.not_now.insert("a".to_owned()));
    shop.feed.append(&["a"]);
    let running = shop.start().await;
    running.error("a is not ready").await;
    eventually!(*told.lock().unwrap() == [0], "the feed knows");
    running.stop().await;
}

#[tokio::test]
async fn progress_past_what_the_filter_leaves_out_is_stored_and_told_to_the_feed() {
    let mut shop = Shop::new();
    let told = listen(&mut shop);
    shop.types = vec!["OrderCreated".to_owned()];
    shop.feed.append_as("OrderCreated", "a");
    shop.feed.append(&["a", "b", "c"]);
    let running = shop.start().await;
    running.reach(4).await;
    assert_eq!(running.effects().await, [1]);
    shop.feed.append(&["d", "e"]);
    eventually!(running.number("SELECT position FROM checkpoints").await == 6, "the checkpoint follows");
    running.stop().await;
    assert_eq!(told.lock().unwrap().last(), Some(&6));
}

#[tokio::test]
async fn a_hole_in_the_feed_stops_the_consumer_before_it() {
    let shop = Shop::new();
    shop.feed.append(&["a"]);
    let running = shop.start().await;
    running.reach(1).await;
    shop.feed.skip_one("b");
    running.error("events are missing").await;
    assert_eq!(running.effects().await, [1]);
    running.stop().await;
}

#[tokio::test]
async fn another_log_under_the_same_name_stops_the_consumer() {
    let mut shop = Shop::new();
    shop.feed.append(&["a"]);
    let running = shop.start().await;
    running.reach(1).await;
    running.stop().await;
    shop.feed.id = Uuid::from_u128(0xbad);
    shop.feed.append(&["b"]);
    let running = shop.start().await;
    running.error("which the checkpoint is of").await;
    assert!(running.consumer.progress().borrow().diverged);
    assert_eq!(running.effects().await, [1]);
    running.stop().await;
}

#[tokio::test]
async fn a_checkpoint_that_moved_without_the_consumer_hearing_of_it_counts_on_a_quiet_log_too() {
    let shop = Shop::new();
    shop.feed.append(&["a"]);
    let running = shop.start().await;
    running.reach(1).await;
    shop.script.edit(|parts| parts.not_now.insert("b".to_owned()));
    shop.feed.append(&["b"]);
    running.error("b is not ready").await;
    // As when the connection breaks at the end of a commit that succeeded.
    let id = (*event_id(2).as_uuid()).into();
    let sql = "UPDATE checkpoints SET position = 2, event_id = $1";
    let update = Statement::from_sql_and_values(running.db.get_database_backend(), sql, [id]);
    running.db.execute_raw(update).await.unwrap();
    running.reach(2).await;
    eventually!(running.consumer.progress().borrow().error.is_none(), "nothing is wrong any more");
    running.stop().await;
}
