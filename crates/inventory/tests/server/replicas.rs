//! Two servers on one database.

use ordermesh_proto::inventory::v1::ReservationState::{Held, Released};
use ordermesh_testkit::{Backend, eventually};
use uuid::Uuid;

use crate::orders::{cancellation_requested, created};
use crate::reserving::{reserved, rush};
use crate::support::{Shop, reorder_at, reserve};
use crate::watching::Watch;

#[tokio::test(flavor = "multi_thread")]
async fn two_replicas_together_never_sell_what_is_not_there() {
    if Backend::needs_postgres("a file has one server") {
        return;
    }
    let shop = Shop::open().await;
    let (one, other) = tokio::join!(shop.inventory(), shop.inventory());
    one.receive("TEA", "main", 70).await;
    other.receive("TEA", "shop", 30).await;
    let orders: Vec<_> = (0..100).map(|_| Uuid::now_v7()).collect();
    let wishes = orders.iter().map(|order| (*order, created(&[("TEA", 1)]))).collect();
    let (here, there, ()) = tokio::join!(rush(&one, 80), rush(&other, 80), shop.orders.say_all(wishes));
    assert_eq!(here + there + reserved(&one, &orders).await, 100);
    assert_eq!((one.stock("TEA").await, other.stock("TEA").await), ((100, 0), (100, 0)));
}

#[tokio::test(flavor = "multi_thread")]
async fn a_replica_that_ends_leaves_the_order_feed_to_the_other_and_nothing_is_done_twice() {
    if Backend::needs_postgres("a file has one server") {
        return;
    }
    let shop = Shop::open().await;
    let (one, other) = tokio::join!(shop.inventory(), shop.inventory());
    one.receive("TEA", "main", 10).await;
    let orders = [Uuid::now_v7(), Uuid::now_v7()];
    shop.orders.say(orders[0], [created(&[("TEA", 2)])]).await;
    eventually!(other.state(orders[0]).await == Some(Held), "one of them reserves");
    one.end().await;
    shop.orders.say(orders[0], [cancellation_requested()]).await;
    shop.orders.say(orders[1], [created(&[("TEA", 3)])]).await;
    eventually!(other.state(orders[1]).await == Some(Held), "the other one reserves");
    assert_eq!(other.told(orders[0]).await, ["StockReserved 2", "StockReleased 2 whole"]);
    assert_eq!(other.stock("TEA").await, (10, 7));
}

#[tokio::test(flavor = "multi_thread")]
async fn a_hold_that_both_replicas_see_end_ends_once() {
    if Backend::needs_postgres("a file has one server") {
        return;
    }
    let shop = Shop::open().await;
    let (one, other) = tokio::join!(shop.inventory(), shop.inventory());
    one.receive("TEA", "main", 40).await;
    let mut holds = Vec::new();
    for _ in 0..20 {
        let held = one.commands().reserve_stock(reserve(&[("TEA", 2)], 1)).await.unwrap().into_inner();
        holds.push(held.reservation_id);
    }
    for hold in &holds {
        eventually!(other.state(hold).await == Some(Released), "{hold} has ended");
        assert_eq!(one.told(hold).await, ["StockReserved 2", "StockReleased 2 whole"]);
    }
    assert_eq!(other.stock("TEA").await, (40, 40));
}

#[tokio::test(flavor = "multi_thread")]
async fn a_watcher_is_told_what_gets_low_by_the_other_replica() {
    if Backend::needs_postgres("a file has one server") {
        return;
    }
    let shop = Shop::open().await;
    let (one, other) = tokio::join!(shop.inventory(), shop.inventory());
    one.receive("TEA", "main", 5).await;
    let (mut watch, low) = Watch::open(&one, "").await;
    assert_eq!(low, [""; 0]);
    other.commands().set_reorder_level(reorder_at("TEA", "main", Some(6))).await.unwrap();
    assert_eq!(watch.low().await, ["TEA@main 5"]);
}
