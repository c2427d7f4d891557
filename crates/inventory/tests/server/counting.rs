//! Goods come in, are counted and moved.

use ordermesh_proto::inventory::v1 as wire;
use ordermesh_proto::inventory::v1::adjust_stock_request::Adjustment::{Change, Counted};
use ordermesh_testkit::problem;

use crate::support::{Shop, adjust, fresh_id, receive, reserve};

#[tokio::test]
async fn goods_come_in_are_counted_and_move_and_the_feed_tells_each() {
    let shop = Shop::open().await;
    let inventory = shop.inventory().await;
    let mut commands = inventory.commands();
    assert_eq!(inventory.receive("TEA", "main", 7).await.on_hand, 7);
    assert_eq!(inventory.receive("TEA", "main", 3).await.available, 10);
    let counted = commands.adjust_stock(adjust("TEA", "main", Counted(9))).await.unwrap().into_inner();
    assert_eq!(counted.item.unwrap().on_hand, 9);
    commands.adjust_stock(adjust("TEA", "main", Change(-2))).await.unwrap();
    // What is as it was thought to be is no news.
    commands.adjust_stock(adjust("TEA", "main", Counted(7))).await.unwrap();
    commands.adjust_stock(adjust("GHOST", "main", Counted(0))).await.unwrap();
    let ghost = wire::GetStockRequest { sku: "GHOST".to_owned() };
    let unknown = inventory.queries().get_stock(ghost).await.unwrap_err();
    assert_eq!(problem(&unknown).unwrap().reason, "STOCK_NOT_FOUND");
    let transfer = wire::TransferStockRequest {
        request_id: fresh_id(),
        sku: "TEA".to_owned(),
        from_location: "main".to_owned(),
        to_location: "shop".to_owned(),
        quantity: 4,
        note: String::new(),
    };
    let moved = commands.transfer_stock(transfer).await.unwrap().into_inner();
    assert_eq!((moved.from.unwrap().on_hand, moved.to.unwrap().on_hand), (3, 4));
    assert_eq!(inventory.stock("TEA").await, (7, 7));
    let told = [
        "StockAdjusted +7 Received",
        "StockAdjusted +3 Received",
        "StockAdjusted -1 Counted",
        "StockAdjusted -2 Lost",
        "StockAdjusted -4 Transferred",
    ];
    assert_eq!(inventory.told("TEA@main").await, told);
    assert_eq!(inventory.told("TEA@shop").await, ["StockAdjusted +4 Transferred"]);
}

#[tokio::test]
async fn a_repeated_request_counts_once_and_another_one_under_its_id_is_refused() {
    let shop = Shop::open().await;
    let inventory = shop.inventory().await;
    let mut commands = inventory.commands();
    let request = receive("TEA", "main", 7);
    let first = commands.receive_stock(request.clone()).await.unwrap().into_inner();
    let again = commands.receive_stock(request.clone()).await.unwrap().into_inner();
    assert!(!first.replayed && again.replayed);
    assert_eq!((first.item, first.consistency_token), (again.item, again.consistency_token));
    let other = wire::ReceiveStockRequest { quantity: 8, ..request };
    let refused = commands.receive_stock(other).await.unwrap_err();
    assert_eq!(problem(&refused).unwrap().reason, "REQUEST_ID_REUSED");
    assert_eq!(inventory.stock("TEA").await, (7, 7));
}

#[tokio::test]
async fn more_than_is_there_can_neither_be_taken_away_nor_moved() {
    let shop = Shop::open().await;
    let inventory = shop.inventory().await;
    let mut commands = inventory.commands();
    inventory.receive("TEA", "main", 5).await;
    commands.reserve_stock(reserve(&[("TEA", 3)], 60)).await.unwrap();
    let transfer = wire::TransferStockRequest {
        request_id: fresh_id(),
        sku: "TEA".to_owned(),
        from_location: "main".to_owned(),
        to_location: "shop".to_owned(),
        quantity: 3,
        note: String::new(),
    };
    let refusals = [
        commands.adjust_stock(adjust("TEA", "main", Change(-6))).await.unwrap_err(),
        commands.adjust_stock(adjust("TEA", "attic", Change(-1))).await.unwrap_err(),
        commands.transfer_stock(transfer).await.unwrap_err(),
    ];
    for refusal in refusals {
        assert_eq!(problem(&refusal).unwrap().reason, "INSUFFICIENT_STOCK");
    }
    assert_eq!(inventory.stock("TEA").await, (5, 2));
    assert_eq!(inventory.told("TEA@attic").await, [""; 0]);
}
