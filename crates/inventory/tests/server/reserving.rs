//! Pieces are set aside, all or none, never more than there are.

use ordermesh_proto::inventory::v1 as wire;
use ordermesh_proto::inventory::v1::ReservationState::{Held, Released};
use ordermesh_proto::inventory::v1::adjust_stock_request::Adjustment::Counted;
use ordermesh_testkit::{eventually, problem};
use tokio::task::JoinSet;
use uuid::Uuid;

use crate::orders::created;
use crate::support::{Inventory, Shop, adjust, release, reserve};

#[tokio::test]
async fn a_hold_takes_all_or_nothing_and_is_released_once() {
    let shop = Shop::open().await;
    let inventory = shop.inventory().await;
    let mut commands = inventory.commands();
    inventory.receive("TEA", "main", 5).await;
    inventory.receive("CUP", "main", 1).await;
    let refused = commands.reserve_stock(reserve(&[("TEA", 5), ("CUP", 2)], 60)).await.unwrap_err();
    let refusal = problem(&refused).unwrap();
    assert_eq!((refusal.reason.as_str(), refusal.metadata["sku"].as_str()), ("INSUFFICIENT_STOCK", "CUP"));
    assert_eq!(inventory.stock("TEA").await, (5, 5));
    let held = commands.reserve_stock(reserve(&[("TEA", 3), ("TEA", 2)], 60)).await.unwrap().into_inner();
    let lines: Vec<_> = held.lines.iter().map(|line| (line.line_id, line.quantity)).collect();
    assert_eq!(lines, [(1, 3), (2, 2)]);
    assert_eq!(inventory.stock("TEA").await, (5, 0));
    let released = commands.release_reservation(release(&held.reservation_id)).await.unwrap().into_inner();
    assert_eq!((released.lines.len(), inventory.stock("TEA").await), (2, (5, 5)));
    let again = commands.release_reservation(release(&held.reservation_id)).await.unwrap_err();
    assert_eq!(problem(&again).unwrap().reason, "RESERVATION_ENDED");
    assert_eq!(inventory.told(&held.reservation_id).await, ["StockReserved 5", "StockReleased 5 whole"]);
}

#[tokio::test]
async fn an_orders_reservation_is_the_orders_own() {
    let shop = Shop::open().await;
    let inventory = shop.inventory().await;
    inventory.receive("TEA", "main", 5).await;
    let order = Uuid::now_v7();
    shop.orders.say(order, [created(&[("TEA", 2)])]).await;
    eventually!(inventory.state(order).await == Some(Held), "the order's pieces are held");
    let refused = inventory.commands().release_reservation(release(&order.to_string())).await.unwrap_err();
    assert_eq!(problem(&refused).unwrap().reason, "RESERVATION_OF_ORDER");
    let unknown = release(&Uuid::now_v7().to_string());
    let unknown = inventory.commands().release_reservation(unknown).await.unwrap_err();
    assert_eq!(problem(&unknown).unwrap().reason, "RESERVATION_NOT_FOUND");
    assert_eq!(inventory.stock("TEA").await, (5, 3));
}

/// Holds of one piece each, all at once; how many were granted.
pub async fn rush(inventory: &Inventory, holds: usize) -> usize {
    let mut asking = JoinSet::new();
    for _ in 0..holds {
        let mut commands = inventory.commands();
        asking.spawn(async move { commands.reserve_stock(reserve(&[("TEA", 1)], 600)).await });
    }
    let mut granted = 0;
    while let Some(answer) = asking.join_next().await {
        match answer.unwrap() {
            Ok(_) => granted += 1,
            Err(status) => assert_eq!(problem(&status).unwrap().reason, "INSUFFICIENT_STOCK"),
        }
    }
    granted
}

/// How many of the orders have their pieces; all are answered.
pub async fn reserved(inventory: &Inventory, orders: &[Uuid]) -> usize {
    let mut reserved = 0;
    for order in orders {
        let state = eventually!(inventory.state(order).await, "the order {order} is answered");
        reserved += usize::from(state == Held);
    }
    reserved
}

#[tokio::test]
async fn of_a_hundred_pieces_exactly_a_hundred_are_reserved_however_many_want_one() {
    let shop = Shop::open().await;
    let inventory = shop.inventory().await;
    inventory.receive("TEA", "main", 60).await;
    inventory.receive("TEA", "shop", 40).await;
    let orders: Vec<_> = (0..100).map(|_| Uuid::now_v7()).collect();
    let wishes = orders.iter().map(|order| (*order, created(&[("TEA", 1)]))).collect();
    let (granted, ()) = tokio::join!(rush(&inventory, 100), shop.orders.say_all(wishes));
    assert_eq!(granted + reserved(&inventory, &orders).await, 100);
    assert_eq!(inventory.stock("TEA").await, (100, 0));
}

#[tokio::test]
async fn what_is_not_there_any_more_is_lost_by_a_hold_before_an_order_and_both_are_told() {
    let shop = Shop::open().await;
    let inventory = shop.inventory().await;
    inventory.receive("TEA", "main", 10).await;
    inventory.receive("CUP", "main", 1).await;
    let order = Uuid::now_v7();
    shop.orders.say(order, [created(&[("TEA", 4)])]).await;
    eventually!(inventory.state(order).await == Some(Held), "the order's pieces are held");
    let hold = reserve(&[("TEA", 5), ("CUP", 1)], 60);
    let hold = inventory.commands().reserve_stock(hold).await.unwrap().into_inner().reservation_id;
    let counted = inventory.commands().adjust_stock(adjust("TEA", "main", Counted(3))).await.unwrap();
    let counted = counted.into_inner();
    let loss = |id: &str, order_id: &str, quantity| wire::StockLoss {
        reservation_id: id.to_owned(),
        order_id: order_id.to_owned(),
        quantity,
    };
    let order_id = order.to_string();
    assert_eq!(counted.losses, [loss(&hold, "", 5), loss(&order_id, &order_id, 1)]);
    assert_eq!((inventory.stock("TEA").await, inventory.stock("CUP").await), ((3, 0), (1, 1)));
    assert_eq!(inventory.state(&hold).await, Some(Released));
    assert_eq!(inventory.told(&hold).await, ["StockReserved 6", "StockReleased 1 whole"]);
    assert_eq!(inventory.told(order).await, ["StockReserved 4", "StockShortfallDetected 1"]);
    assert_eq!(inventory.told("TEA@main").await, ["StockAdjusted +10 Received", "StockAdjusted -7 Counted"]);
}
