//! A feed or a database that does not answer: it is noticed, over when it is over, and what was begun is not done twice.

use std::task::Poll;
use std::time::Duration;

use ordermesh_feed::store::WriteTransaction;
use ordermesh_testkit::backend::connect;
use ordermesh_testkit::{Backend, Proxy, eventually};
use sea_orm::ConnectionTrait;

use crate::shop::Shop;

/// True when there is no PostgreSQL in this run.
fn not_here() -> bool {
    Backend::needs_postgres("there is no network between SQLite and its user")
}

fn impatient() -> Shop {
    let mut shop = Shop::new();
    shop.settings.patience = Duration::from_millis(500);
    shop
}

#[tokio::test]
async fn a_feed_that_says_nothing_any_more_is_opened_anew() {
    let mut shop = Shop::new();
    shop.settings.silence = Duration::from_millis(200);
    let running = shop.start().await;
    shop.feed.append(&["a"]);
    running.reach(1).await;
    // Neither does the one that it has open, nor the next one.
    shop.feed.fall_silent(true);
    shop.feed.append(&["a"]);
    let opened = shop.feed.opened();
    eventually!(shop.feed.opened() > opened + 1, "it is opened again and again");
    running.error("has said nothing for 200ms").await;
    assert_eq!(running.effects().await, [1]);
    shop.feed.fall_silent(false);
    running.reach(2).await;
    running.stop().await;
}

#[tokio::test]
async fn a_feed_that_beats_its_heart_is_not_silent() {
    let mut shop = Shop::new();
    shop.settings.silence = Duration::from_millis(300);
    let running = shop.start().await;
    shop.feed.append(&["a"]);
    running.reach(1).await;
    let contact = running.consumer.progress().borrow().contact;
    eventually!(
        {
            let heard = running.consumer.progress().borrow().contact;
            heard.zip(contact).is_some_and(|(heard, contact)| heard > contact + shop.settings.silence * 3)
        },
        "it is heard of again and again"
    );
    assert_eq!(shop.feed.opened(), 1);
    running.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_network_that_swallows_everything_only_holds_a_consumer_up_and_each_event_has_its_effect_once() {
    if not_here() {
        return;
    }
    let mut shop = impatient();
    shop.settings.max_batch = 1;
    shop.settings.lease = Some(Duration::from_secs(2));
    shop.wire = Some(Proxy::to(&shop.url().await).await);
    let wire = shop.wire.as_ref().unwrap();
    let running = shop.start().await;
    for times in 1..=3 {
        // In the middle of its work: there are a hundred transactions to do.
        shop.feed.append(&["a"; 100]);
        running.reach(times * 100 - 99).await;
        wire.swallow();
        running.error("no answer").await;
        wire.pass();
        running.reach(times * 100).await;
    }
    assert_eq!((running.effects().await, running.parked().await), ((1..=300).collect(), vec![]));
    running.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn an_effect_whose_commit_is_not_answered_in_time_and_comes_after_all_is_not_made_again() {
    if not_here() {
        return;
    }
    let shop = impatient();
    let running = shop.start().await;
    // The first one also makes the checkpoint.
    let slow = "CREATE FUNCTION dawdle() RETURNS trigger LANGUAGE plpgsql AS \
        $$ BEGIN PERFORM pg_sleep(1.2); RETURN NULL; END $$; \
        CREATE CONSTRAINT TRIGGER slow_commit AFTER INSERT ON effects DEFERRABLE INITIALLY DEFERRED \
        FOR EACH ROW WHEN (NEW.key = 'slow') EXECUTE FUNCTION dawdle()";
    running.db.execute_unprepared(slow).await.unwrap();
    for position in [1, 2] {
        shop.feed.append(&["slow"]);
        running.error("no answer").await;
        running.reach(position).await;
    }
    shop.feed.append(&["a"]);
    running.reach(3).await;
    assert_eq!((running.effects().await, running.parked().await), (vec![1, 2, 3], vec![]));
    running.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_transaction_that_nobody_waits_for_takes_nothing_along_that_is_written_after_it() {
    if not_here() {
        return;
    }
    let shop = Shop::new();
    let other = shop.start().await;
    let db = connect(&shop.url().await).await.unwrap();
    let mut given_up = 0;
    for position in 1..=100 {
        // At any point on its way: the first look at it sends the BEGIN, each other one may find its answer.
        let mut begin = Box::pin(WriteTransaction::begin(&db));
        let mut looks = 0;
        let begun = loop {
            match futures_util::poll!(&mut begin) {
                Poll::Ready(begun) => break Some(begun),
                Poll::Pending if looks * 5 >= position => break None,
                Poll::Pending => tokio::task::yield_now().await,
            }
            looks += 1;
        };
        drop(begin);
        match begun {
            Some(tx) => tx.unwrap().undo().await,
            None => given_up += 1,
        }
        let write = format!("INSERT INTO effects (position, key) VALUES ({position}, 'a')");
        db.execute_unprepared(&write).await.unwrap();
    }
    assert_eq!(other.effects().await.len(), 100);
    assert!(given_up >= 10, "{given_up} were given up on their way");
    other.stop().await;
}
