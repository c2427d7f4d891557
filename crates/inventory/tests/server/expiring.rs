//! Holds end when their time is over.

use ordermesh_proto::inventory::v1::ReservationState::{Held, Released};
use ordermesh_testkit::eventually;
use uuid::Uuid;

use crate::orders::created;
use crate::support::{Shop, reserve};

#[tokio::test]
async fn a_hold_ends_at_its_time_also_when_the_server_was_away_and_an_orders_pieces_stay() {
    let shop = Shop::open().await;
    let inventory = shop.inventory().await;
    inventory.receive("TEA", "main", 10).await;
    let order = Uuid::now_v7();
    shop.orders.say(order, [created(&[("TEA", 2)])]).await;
    eventually!(inventory.state(order).await == Some(Held), "the order's pieces are held");
    let hold = |seconds| {
        let mut commands = inventory.commands();
        async move { commands.reserve_stock(reserve(&[("TEA", 3)], seconds)).await.unwrap().into_inner() }
    };
    let (short, long) = (hold(1).await.reservation_id, hold(600).await.reservation_id);
    assert_eq!(inventory.stock("TEA").await, (10, 2));
    inventory.end().await;
    let inventory = shop.inventory().await;
    eventually!(inventory.state(&short).await == Some(Released), "the hold has ended");
    assert_eq!(inventory.told(&short).await, ["StockReserved 3", "StockReleased 3 whole"]);
    assert_eq!(inventory.state(&long).await, Some(Held));
    assert_eq!(inventory.state(order).await, Some(Held));
    assert_eq!(inventory.stock("TEA").await, (10, 5));
}
