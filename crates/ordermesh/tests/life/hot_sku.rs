//! Everybody buys the same: never more than there is, and nobody is left without an answer.

use std::collections::BTreeMap;

use ordermesh_proto::order::v1::OrderState;
use ordermesh_testkit::orders::list_all;
use ordermesh_testkit::wait::until;
use ordermesh_testkit::{Server, Shop, order};

use crate::BINARY;

const UNITS: usize = 1000;
const ORDERS: usize = 5000;
/// They share the orders evenly.
const CLIENTS: usize = 8;
/// Orders that a client has under way at once.
const AT_ONCE: usize = 64;

#[tokio::test(flavor = "multi_thread")]
async fn a_thousand_pieces_and_five_thousand_orders_make_a_thousand_reservations_and_four_thousand_rejections()
 {
    let server = Server::shop(BINARY).await;
    let shop = Shop::in_one(&server);
    shop.receive("HIT", "main", UNITS as i64).await;
    let clients = (0..CLIENTS).map(|_| {
        let shop = Shop::in_one(&server);
        tokio::spawn(async move {
            let mut left = ORDERS / CLIENTS;
            while left > 0 {
                let now = left.min(AT_ONCE);
                left -= now;
                let placing = (0..now).map(|_| {
                    let shop = shop.clone();
                    let request = order("HIT", 1, 999)
                        .with(|request| request.payment_method_token = "tok_approve".to_owned());
                    tokio::spawn(async move { shop.place(request).await })
                });
                for placed in placing.collect::<Vec<_>>() {
                    placed.await.unwrap();
                }
            }
        })
    });
    for client in clients.collect::<Vec<_>>() {
        client.await.unwrap();
    }
    let settled = until(
        std::time::Duration::from_secs(120),
        async || {
            let mut states = BTreeMap::new();
            for order in list_all(server.addr(), "").await.into_values() {
                *states.entry(order.state().as_str_name()).or_insert(0_usize) += 1;
            }
            let done = states.get("ORDER_STATE_CONFIRMED") == Some(&UNITS)
                && states.get("ORDER_STATE_REJECTED") == Some(&(ORDERS - UNITS));
            if done { Ok(states) } else { Err(format!("{states:?} of {ORDERS}")) }
        },
        "every order is confirmed or rejected",
    );
    let states = settled.await;
    assert_eq!(states.values().sum::<usize>(), ORDERS, "none is stuck");
    assert!(!states.contains_key(OrderState::Placed.as_str_name()));
    assert_eq!(shop.stock_of("HIT").await, (UNITS as i64, 0));
    shop.assert_sound().await;
}
