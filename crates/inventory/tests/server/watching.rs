//! Who watches what is low is told all of it, then what gets there.

use ordermesh_proto::inventory::v1 as wire;
use ordermesh_proto::inventory::v1::adjust_stock_request::Adjustment::Change;
use ordermesh_testkit::wait::soon;
use tonic::Streaming;

use crate::support::{Inventory, Shop, adjust, release, reorder_at, reserve};

pub struct Watch(Streaming<wire::WatchLowStockResponse>);

impl Watch {
    /// Opens one, and tells what was low.
    pub async fn open(inventory: &Inventory, location: &str) -> (Self, Vec<String>) {
        let request = wire::WatchLowStockRequest { location: location.to_owned() };
        let mut watch = Self(inventory.queries().watch_low_stock(request).await.unwrap().into_inner());
        let mut low = Vec::new();
        loop {
            let response = watch.next().await;
            if response.caught_up {
                return (watch, low);
            }
            low.extend(response.items.iter().map(shown));
        }
    }

    async fn next(&mut self) -> wire::WatchLowStockResponse {
        soon("what is low", self.0.message()).await.unwrap().unwrap()
    }

    /// What gets low next.
    pub async fn low(&mut self) -> Vec<String> {
        self.next().await.items.iter().map(shown).collect()
    }
}

fn shown(item: &wire::StockItem) -> String {
    format!("{}@{} {}", item.sku, item.location, item.available)
}

#[tokio::test]
async fn a_watcher_is_told_what_is_low_and_what_gets_there_by_whatever_way() {
    let shop = Shop::open().await;
    let inventory = shop.inventory().await;
    let mut commands = inventory.commands();
    for (sku, location) in [("CUP", "main"), ("TEA", "main"), ("TEA", "shop")] {
        inventory.receive(sku, location, 5).await;
    }
    commands.set_reorder_level(reorder_at("CUP", "main", Some(7))).await.unwrap();
    commands.set_reorder_level(reorder_at("TEA", "main", Some(2))).await.unwrap();
    let (mut all, low) = Watch::open(&inventory, "").await;
    assert_eq!(low, ["CUP@main 5"]);
    let (mut of_shop, low) = Watch::open(&inventory, "shop").await;
    assert_eq!(low, [""; 0]);
    let hold = commands.reserve_stock(reserve(&[("TEA", 3)], 600)).await.unwrap().into_inner();
    assert_eq!(all.low().await, ["TEA@main 2"]);
    // It recovers and gets low again: told once more, and nothing in between.
    commands.release_reservation(release(&hold.reservation_id)).await.unwrap();
    ordermesh_testkit::eventually!(inventory.stock("TEA").await == (10, 10), "the pieces are back");
    commands.set_reorder_level(reorder_at("TEA", "shop", Some(5))).await.unwrap();
    assert_eq!(all.low().await, ["TEA@shop 5"]);
    assert_eq!(of_shop.low().await, ["TEA@shop 5"]);
    commands.adjust_stock(adjust("TEA", "main", Change(-4))).await.unwrap();
    assert_eq!(all.low().await, ["TEA@main 1"]);
    // To resume is to call again.
    let (_, low) = Watch::open(&inventory, "main").await;
    assert_eq!(low, ["CUP@main 5", "TEA@main 1"]);
}

#[tokio::test]
async fn a_watch_ends_with_a_reason_when_the_server_does() {
    let shop = Shop::open().await;
    let inventory = shop.inventory().await;
    let (mut watch, _) = Watch::open(&inventory, "").await;
    let end = inventory.end();
    let (ended, ()) = tokio::join!(soon("the end", watch.0.message()), end);
    let refusal = ordermesh_testkit::problem(&ended.unwrap_err()).unwrap();
    assert_eq!(refusal.reason, "SERVER_UNAVAILABLE");
}
