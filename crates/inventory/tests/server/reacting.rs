//! What the order feed tells, in order, twice, late and for nothing.

use ordermesh_proto::inventory::v1::ReservationState::{Committed, Consumed, Held, Rejected, Released};
use ordermesh_testkit::eventually;
use uuid::Uuid;

use crate::orders::{
    cancellation_requested, confirmed, created, dispatched, expired, line_cancelled, rejected, returned,
};
use crate::support::Shop;

#[tokio::test]
async fn an_order_is_reserved_committed_sent_and_returned_and_nothing_counts_twice() {
    let shop = Shop::open().await;
    let inventory = shop.inventory().await;
    inventory.receive("TEA", "main", 10).await;
    let (order, return_id) = (Uuid::now_v7(), Uuid::now_v7());
    let say = |fact: crate::orders::Fact| shop.orders.say(order, [fact.clone(), fact]);
    say(created(&[("TEA", 4)])).await;
    eventually!(inventory.state(order).await == Some(Held), "the pieces are held");
    say(confirmed()).await;
    eventually!(inventory.state(order).await == Some(Committed), "the pieces are committed");
    say(line_cancelled(1, 4, 1)).await;
    say(dispatched(1, 4, 1, 2)).await;
    eventually!(inventory.stock("TEA").await == (8, 7), "two pieces have left, one is released, one is left");
    say(dispatched(1, 4, 1, 3)).await;
    eventually!(inventory.state(order).await == Some(Consumed), "all that was wanted has left");
    say(returned(return_id, 1, 1, 1)).await;
    eventually!(inventory.stock("TEA").await == (8, 8), "one of the returned pieces can be sold again");
    shop.orders.say(order, [cancellation_requested()]).await;
    let told = ["StockReserved 4", "StockReleased 1", "StockReleased 0 whole"];
    eventually!(inventory.told(order).await == told, "every fact counted once, and a release is answered");
    assert_eq!(inventory.told("TEA@main").await.last().unwrap(), "StockAdjusted +1 Returned");
    assert_eq!(inventory.stock("TEA").await, (8, 8));
}

#[tokio::test]
async fn an_order_that_ends_gives_everything_back_and_is_answered_whatever_it_had() {
    let shop = Shop::open().await;
    let inventory = shop.inventory().await;
    // Keys go side by side: each order has an article of its own.
    for sku in ["TEA", "CUP", "POT", "TIN"] {
        inventory.receive(sku, "main", 5).await;
    }
    let orders: Vec<_> = (0..4).map(|_| Uuid::now_v7()).collect();
    shop.orders.say(orders[0], [created(&[("TEA", 2)]), rejected()]).await;
    shop.orders.say(orders[1], [created(&[("CUP", 9)]), rejected()]).await;
    shop.orders.say(orders[2], [created(&[("POT", 5)]), expired(), cancellation_requested()]).await;
    // The release comes first; the order's creation is late.
    shop.orders.say(orders[3], [cancellation_requested(), created(&[("TIN", 1)])]).await;
    let told: [&[&str]; 4] = [
        &["StockReserved 2", "StockReleased 2 whole"],
        &["StockRejected Insufficient", "StockReleased 0 whole"],
        &["StockReserved 5", "StockReleased 5 whole", "StockReleased 0 whole"],
        &["StockReleased 0 whole", "StockRejected ReleasedBefore"],
    ];
    for (order, told) in orders.iter().zip(told) {
        eventually!(inventory.told(order).await == told, "{order} is answered: {told:?}");
    }
    assert_eq!(inventory.state(orders[2]).await, Some(Released));
    assert_eq!(inventory.state(orders[3]).await, Some(Rejected));
    for sku in ["TEA", "CUP", "POT", "TIN"] {
        assert_eq!(inventory.stock(sku).await, (5, 5));
    }
}

#[tokio::test]
async fn an_event_names_the_order_event_that_caused_it() {
    let shop = Shop::open().await;
    let inventory = shop.inventory().await;
    inventory.receive("TEA", "main", 5).await;
    let order = Uuid::now_v7();
    shop.orders.say(order, [created(&[("TEA", 2)])]).await;
    eventually!(inventory.state(order).await == Some(Held), "the pieces are held");
    let events = inventory.events(order).await;
    assert!(Uuid::parse_str(&events[0].causation_id).is_ok(), "{:?}", events[0].causation_id);
}

#[tokio::test]
async fn hundreds_of_orders_for_one_article_are_reserved_in_few_transactions() {
    let shop = Shop::open().await;
    let first = shop.inventory().await;
    first.receive("TEA", "main", 10_000).await;
    first.end().await;
    let orders: Vec<_> = (0..500).map(|_| Uuid::now_v7()).collect();
    let wishes = orders.iter().map(|order| (*order, created(&[("TEA", 3)]))).collect();
    shop.orders.say_all(wishes).await;
    let inventory = shop.inventory().await;
    eventually!(inventory.stock("TEA").await == (10_000, 8_500), "all are reserved");
    // What a batch writes has one time: so few of them tell how few batches there were.
    let mut times = std::collections::BTreeSet::new();
    for order in &orders {
        let reserved = inventory.reservation(order).await.unwrap();
        times.insert(reserved.create_time.map(|time| (time.seconds, time.nanos)));
    }
    assert!(times.len() <= 20, "{} transactions for 500 orders", times.len());
}
