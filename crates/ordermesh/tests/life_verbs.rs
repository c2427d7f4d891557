//! The life of an order by the verbs of the command line alone.

#![expect(clippy::unwrap_used, reason = "a test may panic, and its helpers too")]

use ordermesh_proto::order::v1::{Order, OrderState, PaymentStatus};
use ordermesh_testkit::server::Finished;
use ordermesh_testkit::{Launch, Server, Shop};

const BINARY: &str = env!("CARGO_BIN_EXE_ordermesh");

async fn verb(server: &Server, arguments: &[&str]) -> Finished {
    Launch::program(BINARY, arguments).env("ORDERMESH_ADDR", server.addr()).finish().await
}

async fn done(server: &Server, arguments: &[&str]) -> serde_json::Value {
    let finished = verb(server, &[arguments, &["--json"]].concat()).await;
    assert_eq!(finished.code, Some(0), "{arguments:?}: {finished:#?}");
    serde_json::from_str(&finished.stdout).unwrap()
}

fn id(answer: &serde_json::Value, field: &str) -> String {
    answer[field].as_str().unwrap_or_else(|| panic!("no {field} in {answer:#}")).to_owned()
}

async fn refused(server: &Server, arguments: &[&str], reason: &str) {
    let finished = verb(server, arguments).await;
    assert_eq!(finished.code, Some(1), "{finished:#?}");
    assert!(finished.stderr.contains(reason), "{finished:#?}");
}

#[tokio::test(flavor = "multi_thread")]
async fn an_order_is_placed_shipped_delivered_and_sent_back_by_verbs() {
    let server = Server::shop(BINARY).await;
    let shop = Shop::in_one(&server);
    done(&server, &["stock", "receive", "TEA", "10"]).await;
    let place = ["order", "place", "--sku", "TEA", "--quantity", "3", "--price", "4.50 EUR"];
    let placed = done(&server, &[&place[..], &["--payment-token", "tok_approve", "--wait"]].concat()).await;
    assert_eq!(placed["order"]["state"], "ORDER_STATE_CONFIRMED");
    let order = id(&placed, "order_id");

    let held = done(&server, &["order", "hold", &order, "--note", "call first"]).await;
    refused(&server, &["order", "ship", &order], "ORDER_HELD").await;
    let queue = done(&server, &["attention", "list"]).await;
    let item = id(&queue["items"][0], "item_id");
    assert!(item.ends_with(&id(&held, "hold_id")), "{queue:#}");
    refused(&server, &["attention", "retry", &item], "ATTENTION_ITEM_FORBIDS").await;
    done(&server, &["attention", "resolve", &item, "RELEASED", "--note", "called"]).await;
    assert_eq!(verb(&server, &["attention", "list"]).await.stdout, "nothing needs a person here\n");

    done(&server, &["order", "cancel-lines", &order, "1:1", "--reason", "one too many"]).await;
    // What is left is asked of the read server.
    shop.until_it(&order, |order| order.progress[0].cancelled == 1).await;
    let settled = |order: &Order| order.status.as_ref().is_some_and(|status| status.waiting_for.len() == 1);
    shop.until_it(&order, settled).await;
    let two = ["order", "ship", &order, "--carrier", "Snail", "--tracking", "S-1"];
    let shipped = done(&server, &two).await;
    refused(&server, &["order", "cancel", &order], "ORDER_PARTLY_SHIPPED").await;
    let again = verb(&server, &["order", "ship", &order, "--request-id", "once"]).await;
    assert_eq!(again.code, Some(2), "{again:#?}");
    refused(&server, &["order", "ship", &order], "nothing of this order is left").await;
    let shipment = id(&shipped, "shipment_id");
    done(&server, &["order", "deliver", &order, &shipment]).await;
    refused(&server, &["order", "lose", &order, &shipment], "SHIPMENT_ENDED").await;
    shop.until(&order, &[OrderState::Completed]).await;

    let back = done(&server, &["order", "return", &order, "1:2", "--reason", "too green"]).await;
    let back = id(&back, "return_id");
    done(&server, &["order", "approve-return", &order, &back]).await;
    done(&server, &["order", "receive-return", &order, &back, "1:1", "1:1:damaged"]).await;
    done(&server, &["order", "note", &order, "wants coffee instead"]).await;
    let refunded = shop.until_it(&order, |order| {
        order.status.as_ref().is_some_and(|status| status.payment() == PaymentStatus::Refunded)
            || order.amount_due.as_ref().is_some_and(|due| due.minor_units == 0)
                && order.status.as_ref().is_some_and(|status| status.waiting_for.is_empty())
    });
    refunded.await;
    // One of the two that came back is stock again.
    ordermesh_testkit::eventually!(shop.stock_of("TEA").await == (9, 9), "what can be sold again is stock");
    let shown = verb(&server, &["order", "get", &order]).await.stdout;
    assert!(shown.contains("S-1") && !shown.contains("coffee"), "{shown}");
    let sound = verb(&server, &["verify"]).await;
    assert_eq!(sound.code, Some(0), "{sound:#?}");
    assert!(sound.stdout.contains("every invariant holds"), "{sound:#?}");
}

#[tokio::test]
async fn a_declined_card_is_replaced_and_a_wrong_use_is_told() {
    let server = Server::shop(BINARY).await;
    done(&server, &["stock", "receive", "TEA", "10"]).await;
    let place = ["order", "place", "--sku", "TEA", "--quantity", "1", "--price", "4.50 EUR"];
    let placed =
        done(&server, &[&place[..], &["--payment-token", "tok_decline_funds", "--wait"]].concat()).await;
    assert_eq!(placed["order"]["state"], "ORDER_STATE_PLACED");
    let order = id(&placed, "order_id");
    done(&server, &["order", "retry-payment", &order, "--payment-token", "tok_approve"]).await;
    Shop::in_one(&server).until(&order, &[OrderState::Confirmed]).await;
    refused(&server, &["order", "retry-payment", &order, "--payment-token", "tok_approve"], "STATE_FORBIDS")
        .await;
    let wrong = verb(&server, &["order", "cancel-lines", &order, "one"]).await;
    assert_eq!(wrong.code, Some(2), "{wrong:#?}");
    assert!(wrong.stderr.contains("must be LINE:PIECES"), "{wrong:#?}");
}
