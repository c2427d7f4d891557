//! What is there and what is reserved, page by page.

use ordermesh_proto::inventory::v1 as wire;
use ordermesh_testkit::problem;

use crate::support::{Inventory, Shop, release, reorder_at, reserve};

async fn stock_pages(inventory: &Inventory, request: wire::ListStockRequest) -> Vec<Vec<String>> {
    let (mut pages, mut page_token) = (Vec::new(), String::new());
    loop {
        let request = wire::ListStockRequest { page_token, ..request.clone() };
        let page = inventory.queries().list_stock(request).await.unwrap().into_inner();
        pages.push(page.items.iter().map(|item| format!("{}@{}", item.sku, item.location)).collect());
        page_token = page.next_page_token;
        if page_token.is_empty() {
            return pages;
        }
    }
}

#[tokio::test]
async fn the_stock_comes_page_by_page_and_by_location_or_only_what_is_low() {
    let shop = Shop::open().await;
    let inventory = shop.inventory().await;
    for (sku, location) in [("A", "y"), ("A", "x"), ("B", "x"), ("C", "y"), ("C", "x")] {
        inventory.receive(sku, location, 5).await;
    }
    let all = wire::ListStockRequest { page_size: 2, ..Default::default() };
    let pages = stock_pages(&inventory, all.clone()).await;
    assert_eq!(pages, [vec!["A@x", "A@y"], vec!["B@x", "C@x"], vec!["C@y"]]);
    let of_y = wire::ListStockRequest { location: "y".to_owned(), ..all.clone() };
    assert_eq!(stock_pages(&inventory, of_y).await, [vec!["A@y", "C@y"]]);
    for (sku, location, level) in [("A", "y", 5), ("C", "x", 9), ("B", "x", 4)] {
        inventory.commands().set_reorder_level(reorder_at(sku, location, Some(level))).await.unwrap();
    }
    let low = wire::ListStockRequest { low_only: true, ..all };
    assert_eq!(stock_pages(&inventory, low).await, [vec!["A@y", "C@x"]]);
    let set = reorder_at("A", "y", None);
    let item = inventory.commands().set_reorder_level(set).await.unwrap().into_inner().item.unwrap();
    assert_eq!((item.low, item.reorder_level), (false, None));
    assert_eq!(inventory.told("B@x").await, ["StockAdjusted +5 Received", "ReorderLevelSet Some(4)"]);
}

#[tokio::test]
async fn reservations_come_newest_first_and_by_state_and_article() {
    let shop = Shop::open().await;
    let inventory = shop.inventory().await;
    inventory.receive("TEA", "main", 50).await;
    inventory.receive("CUP", "main", 50).await;
    let mut ids = Vec::new();
    for lines in [&[("TEA", 1)][..], &[("CUP", 1), ("CUP", 2)], &[("TEA", 1), ("CUP", 1)]] {
        let held = inventory.commands().reserve_stock(reserve(lines, 60)).await.unwrap().into_inner();
        ids.insert(0, held.reservation_id);
    }
    inventory.commands().release_reservation(release(&ids[0])).await.unwrap();
    let list = async |request: wire::ListReservationsRequest| {
        let page = inventory.queries().list_reservations(request).await.unwrap().into_inner();
        let ids: Vec<_> = page.reservations.iter().map(|one| one.reservation_id.clone()).collect();
        (ids, page.next_page_token)
    };
    let request = wire::ListReservationsRequest { page_size: 2, ..Default::default() };
    let (first, page_token) = list(request.clone()).await;
    assert_eq!(first, ids[..2]);
    assert_eq!(list(wire::ListReservationsRequest { page_token, ..request.clone() }).await.0, ids[2..]);
    let held = wire::ReservationState::Held.into();
    let of_state = wire::ListReservationsRequest { state: held, ..request.clone() };
    assert_eq!(list(of_state).await.0, ids[1..]);
    let of_article = wire::ListReservationsRequest { sku: "CUP".to_owned(), ..request.clone() };
    assert_eq!(list(of_article).await.0, ids[..2]);
    let both = wire::ListReservationsRequest { sku: "CUP".to_owned(), state: held, ..request };
    assert_eq!(list(both).await.0, ids[1..2]);
}

#[tokio::test]
async fn a_page_token_of_another_filter_is_refused() {
    let shop = Shop::open().await;
    let inventory = shop.inventory().await;
    for sku in ["A", "B"] {
        inventory.receive(sku, "main", 5).await;
    }
    let first = wire::ListStockRequest { page_size: 1, ..Default::default() };
    let page_token = inventory.queries().list_stock(first).await.unwrap().into_inner().next_page_token;
    let location = "main".to_owned();
    let other = wire::ListStockRequest { page_token: page_token.clone(), location, ..Default::default() };
    let other_list = wire::ListReservationsRequest { page_token, ..Default::default() };
    for refused in [
        inventory.queries().list_stock(other).await.unwrap_err(),
        inventory.queries().list_reservations(other_list).await.unwrap_err(),
    ] {
        assert_eq!(problem(&refused).unwrap().reason, "INVALID_PAGE_TOKEN");
    }
}

#[tokio::test]
async fn availability_is_told_for_all_articles_at_once_also_for_unknown_ones() {
    let shop = Shop::open().await;
    let inventory = shop.inventory().await;
    inventory.receive("TEA", "main", 5).await;
    inventory.receive("TEA", "shop", 3).await;
    let ask = |articles: &[(&str, i64)]| {
        let article = |(sku, quantity): &(&str, i64)| wire::AvailabilityQuery {
            sku: (*sku).to_owned(),
            quantity: *quantity,
        };
        wire::CheckAvailabilityRequest { articles: articles.iter().map(article).collect() }
    };
    let request = ask(&[("GHOST", 0), ("TEA", 8)]);
    let answer = inventory.queries().check_availability(request).await.unwrap().into_inner();
    assert!(!answer.all_sufficient);
    let articles: Vec<_> = answer
        .articles
        .iter()
        .map(|one| (one.sku.as_str(), one.available, one.largest_available, one.sufficient))
        .collect();
    assert_eq!(articles, [("GHOST", 0, 0, false), ("TEA", 8, 5, true)]);
    assert!(
        inventory.queries().check_availability(ask(&[("TEA", 1)])).await.unwrap().into_inner().all_sufficient
    );
    let unknown = wire::GetStockRequest { sku: "GHOST".to_owned() };
    let unknown = inventory.queries().get_stock(unknown).await.unwrap_err();
    assert_eq!(problem(&unknown).unwrap().reason, "STOCK_NOT_FOUND");
}
