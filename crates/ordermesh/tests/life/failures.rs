//! The failures that a correct build survives, each injected into the real processes.

use std::path::Path;
use std::time::Duration;

use ordermesh_proto::attention::v1::attention_service_client::AttentionServiceClient;
use ordermesh_proto::attention::v1::{
    AttentionItem, ListAttentionItemsRequest, ResolveAttentionItemRequest, RetryAttentionItemRequest,
};
use ordermesh_proto::feed::v1::{ListConsumersRequest, RebuildProjectionRequest};
use ordermesh_proto::inventory::v1::adjust_stock_request::Adjustment;
use ordermesh_proto::inventory::v1::{AdjustStockRequest, StockChangeReason};
use ordermesh_proto::order::v1::{
    DispatchShipmentRequest, FulfilmentStatus, GetOrderTimelineRequest, HoldReason, LineQuantity, Order,
    OrderState, PaymentStatus, RejectionReason, StockStatus, WaitingForWhat,
};
use ordermesh_testkit::order::{PlaceOrderBuilder, fresh_id};
use ordermesh_testkit::random::Random;
use ordermesh_testkit::shop::Habits;
use ordermesh_testkit::{
    Backend, Shop, ask, assert_refused, backend, cancel, client, eventually, order, wait,
};
use sea_orm::ConnectionTrait;
use tempfile::TempDir;
use tonic::Code;

use crate::servers::{NAMES, Servers};

/// Compensations are tried again soon.
const SOON: [(&str, &str); 2] = [
    ("ORDERMESH_PAYMENT__OPERATIONS__RETRY_MS", "200"),
    ("ORDERMESH_PAYMENT__OPERATIONS__MAX_RETRY_MS", "500"),
];

fn paid_by(card: &str) -> PlaceOrderBuilder {
    order("TEA", 2, 450).with(|request| request.payment_method_token = card.to_owned())
}

fn payment_is(wanted: PaymentStatus) -> impl Fn(&Order) -> bool {
    move |order| order.status.as_ref().is_some_and(|status| status.payment() == wanted)
}

async fn shop_with_tea(servers: &Servers) -> Shop {
    let shop = servers.shop();
    shop.receive("TEA", "main", 1000).await;
    shop
}

/// Runs statements in the database of a stopped server.
async fn change_database(data: &Path, server: &str, statements: &[&str]) {
    let database = backend::open(&data.join(format!("{server}.db"))).await.unwrap();
    for sql in statements {
        database.execute_unprepared(sql).await.unwrap();
    }
    database.close().await.unwrap();
}

/// Names of an order's events, oldest first.
async fn events_of(shop: &Shop, order_id: &str) -> Vec<String> {
    let request =
        GetOrderTimelineRequest { order_id: order_id.to_owned(), ..GetOrderTimelineRequest::default() };
    let timeline = ask!(shop.queries(), get_order_timeline, request).unwrap();
    timeline.entries.into_iter().map(|entry| entry.r#type).collect()
}

#[tokio::test]
async fn events_that_come_again_change_nothing_whether_their_commands_are_remembered_or_not() {
    let data = TempDir::new().unwrap();
    let mut servers = Servers::start_on(data.path(), &SOON).await;
    let shop = shop_with_tea(&servers).await;
    let habits = Habits::mixed(["TEA".to_owned()]);
    shop.serve(&habits, Random::new(1), 12).await;
    let before = shop.assert_sound().await;
    let (stock, charges) = (shop.stock_of("TEA").await, shop.charges().await);

    for forget in [&[][..], &["DELETE FROM idempotency_records"][..]] {
        for name in ["order-command", "inventory", "payment"] {
            let server = servers.server(name);
            server.terminate().await;
            let mut statements = vec!["DELETE FROM checkpoints"];
            statements.extend(forget);
            change_database(data.path(), name, &statements).await;
            server.start_again_here().await;
        }
        for name in ["order-command", "inventory", "payment"] {
            let address = servers.server(name).addr().to_owned();
            eventually!(
                {
                    let consumers = client::consumers(&address).list_consumers(ListConsumersRequest {}).await;
                    let consumers = consumers.unwrap().into_inner().consumers;
                    assert!(consumers.iter().all(|one| one.parked_keys == 0), "{consumers:?}");
                    consumers.iter().all(|one| one.lag_events == 0 && one.position > 0)
                },
                "{name} has handled everything again"
            );
        }
        let after = shop.assert_sound().await;
        let what_it_says = (after.orders, after.open_orders, after.reservations, after.payments);
        assert_eq!(what_it_says, (before.orders, before.open_orders, before.reservations, before.payments));
        assert_eq!(shop.stock_of("TEA").await, stock, "nothing was reserved or released again");
        assert_eq!(shop.charges().await, charges, "nothing was charged or given back again");
    }
}

#[tokio::test]
async fn the_answers_of_inventory_and_payment_may_come_in_either_order_and_late() {
    let mut servers = Servers::start(&SOON).await;
    let shop = shop_with_tea(&servers).await;
    for (slow, facet) in [("inventory", WaitingForWhat::Stock), ("payment", WaitingForWhat::Payment)] {
        servers.server(slow).freeze();
        let id = shop.place(paid_by("tok_approve")).await;
        let waits = |order: &Order| {
            let waiting = &order.status.as_ref().unwrap().waiting_for;
            waiting.len() == 1 && waiting[0].what() == facet
        };
        assert_eq!(shop.until_it(&id, waits).await.state(), OrderState::Placed, "{slow} has not answered");
        servers.server(slow).thaw();
        shop.until(&id, &[OrderState::Confirmed]).await;
    }
    shop.assert_sound().await;
}

#[tokio::test]
async fn an_order_whose_payment_has_an_unknown_outcome_is_held_until_the_provider_tells() {
    let servers = Servers::start(&SOON).await;
    let shop = shop_with_tea(&servers).await;
    let (good, bad) =
        (shop.place(paid_by("tok_timeout")).await, shop.place(paid_by("tok_timeout_decline")).await);
    shop.until(&good, &[OrderState::Confirmed]).await;
    let events = events_of(&shop, &good).await;
    let place = |name: &str| events.iter().position(|event| event == name).unwrap();
    assert!(place("OrderHoldPlaced") < place("OrderHoldReleased"), "{events:?}");
    assert!(place("OrderHoldReleased") < place("OrderConfirmed"), "{events:?}");
    let declined = shop.until_it(&bad, |order| {
        order.state() == OrderState::Rejected || payment_is(PaymentStatus::Declined)(order)
    });
    assert!(declined.await.holds.is_empty());
    shop.assert_sound().await;
}

#[tokio::test]
async fn a_payment_that_succeeds_after_the_order_was_cancelled_or_expired_is_given_up() {
    let variables = [SOON[0], SOON[1], ("ORDERMESH_ORDER_COMMAND__PAYMENT_WINDOW_SECONDS", "1")];
    let servers = Servers::start(&variables).await;
    let shop = shop_with_tea(&servers).await;
    let cancelled = shop.place(paid_by("tok_slow")).await;
    let request = cancel(&cancelled);
    ask!(shop.commands(), cancel_order, request).unwrap();
    // Three seconds are more than the window.
    let expired = shop.place(paid_by("tok_slow")).await;
    shop.until(&cancelled, &[OrderState::Cancelled]).await;
    shop.until(&expired, &[OrderState::Expired]).await;
    for id in [&cancelled, &expired] {
        shop.until_it(id, payment_is(PaymentStatus::Voided)).await;
        let amounts = shop.payment(id).await.amounts.unwrap();
        let zero = |money: Option<ordermesh_proto::common::v1::Money>| {
            money.is_none_or(|money| money.minor_units == 0)
        };
        assert!(zero(amounts.authorized) && zero(amounts.captured), "nothing is kept");
    }
    assert_eq!(shop.stock_of("TEA").await, (1000, 1000));
    shop.assert_sound().await;
}

async fn attention(address: &str) -> Vec<AttentionItem> {
    let mut client = AttentionServiceClient::new(client::channel(address));
    let request = ListAttentionItemsRequest::default();
    client.list_attention_items(request).await.unwrap().into_inner().items
}

#[tokio::test]
async fn a_refund_that_fails_needs_a_person_and_is_tried_until_it_succeeds() {
    let mut servers = Servers::start(&[("ORDERMESH_PAYMENT__OPERATIONS__RETRY_MS", "1500")]).await;
    let shop = shop_with_tea(&servers).await;
    let id = shop.place(paid_by("tok_refund_fails")).await;
    shop.until_it(&id, payment_is(PaymentStatus::Captured)).await;
    let request = cancel(&id);
    ask!(shop.commands(), cancel_order, request).unwrap();
    let held = shop.until_it(&id, |order| !order.holds.is_empty()).await;
    assert_eq!((held.state(), held.holds[0].reason()), (OrderState::Cancelling, HoldReason::RefundFailed));
    let orders = servers.server("order-command").addr().to_owned();
    let holds = attention(&orders).await;
    assert!(holds.iter().any(|item| item.subject == id && item.kind == "HOLD_REFUND_FAILED"), "{holds:?}");
    let payments = servers.server("payment").addr().to_owned();
    let failed = attention(&payments).await;
    let failed = failed.iter().find(|item| item.subject == id).unwrap_or_else(|| panic!("{failed:?}"));
    assert!(failed.retryable, "{failed:?}");
    let retry = RetryAttentionItemRequest { item_id: failed.item_id.clone() };
    // It may be on its way just now.
    let _ = AttentionServiceClient::new(client::channel(&payments)).retry_attention_item(retry).await;
    let cancelled = shop.until(&id, &[OrderState::Cancelled]).await;
    assert!(cancelled.holds.is_empty(), "{cancelled:?}");
    assert_eq!(cancelled.status.unwrap().payment(), PaymentStatus::Refunded);
    shop.assert_sound().await;
    assert!(attention(&orders).await.is_empty() && attention(&payments).await.is_empty());
}

#[tokio::test]
async fn nothing_leaves_while_the_capture_fails() {
    let servers = Servers::start(&[("ORDERMESH_PAYMENT__OPERATIONS__RETRY_MS", "1500")]).await;
    let shop = shop_with_tea(&servers).await;
    let id = shop.place(paid_by("tok_capture_fails")).await;
    shop.until_it(&id, |order| !order.holds.is_empty()).await;
    let dispatch = || DispatchShipmentRequest {
        request_id: fresh_id(),
        order_id: id.clone(),
        lines: vec![LineQuantity { line_id: 1, quantity: 2 }],
        ..DispatchShipmentRequest::default()
    };
    let refused = shop.commands().dispatch_shipment(dispatch()).await;
    assert_refused(refused, Code::FailedPrecondition, "ORDER_HELD", None);
    shop.until_it(&id, payment_is(PaymentStatus::Captured)).await;
    let dispatched = dispatch();
    ask!(shop.commands(), dispatch_shipment, dispatched).unwrap();
    let full = |order: &Order| order.status.as_ref().unwrap().fulfilment() == FulfilmentStatus::Full;
    shop.until_it(&id, full).await;
    shop.assert_sound().await;
}

#[tokio::test]
async fn an_event_that_makes_no_sense_stops_its_order_alone_until_a_person_has_mended_it() {
    if Backend::skips("the bytes that are put into the log are written as SQLite has them") {
        return;
    }
    let data = TempDir::new().unwrap();
    let mut servers = Servers::start_on(data.path(), &SOON).await;
    let shop = shop_with_tea(&servers).await;
    servers.server("inventory").terminate().await;
    let poisoned = shop.place(paid_by("tok_approve")).await;
    servers.server("order-command").terminate().await;
    let spoil = [
        "CREATE TABLE spoilt AS SELECT position, payload FROM events WHERE kind = 'OrderCreated' \
         ORDER BY position DESC LIMIT 1",
        "UPDATE events SET payload = X'FF' WHERE position = (SELECT position FROM spoilt)",
    ];
    change_database(data.path(), "order-command", &spoil).await;
    servers.server("order-command").start_again_here().await;
    servers.server("inventory").start_again_here().await;

    let sound = shop.place(paid_by("tok_approve")).await;
    shop.until(&sound, &[OrderState::Confirmed]).await;
    let address = servers.server("inventory").addr().to_owned();
    eventually!(
        attention(&address).await.iter().any(|item| item.kind == "KEY_PARKED"),
        "inventory asks for a person"
    );

    servers.server("order-command").terminate().await;
    let mend = [
        "UPDATE events SET payload = (SELECT payload FROM spoilt) WHERE position = (SELECT position FROM spoilt)",
        "DROP TABLE spoilt",
    ];
    change_database(data.path(), "order-command", &mend).await;
    servers.server("order-command").start_again_here().await;
    // What was parked are the bytes that came: they are given up, and the order with them.
    for name in ["inventory", "payment"] {
        let address = servers.server(name).addr().to_owned();
        // Payment may have had the event before it was spoilt.
        let parked = attention(&address).await.into_iter().find(|item| item.kind == "KEY_PARKED");
        let Some(parked) = parked else { continue };
        assert_eq!(parked.subject, poisoned);
        let resolve = ResolveAttentionItemRequest {
            item_id: parked.item_id,
            resolution: "DISCARDED".to_owned(),
            note: "the log is mended, the order is cancelled".to_owned(),
        };
        let mut queue = AttentionServiceClient::new(client::channel(&address));
        queue.resolve_attention_item(resolve).await.unwrap();
        assert!(attention(&address).await.is_empty());
    }
    // A read model can be made anew.
    let rebuild = RebuildProjectionRequest { name: "order-query".to_owned() };
    let mut projections = servers.server("order-query").projections();
    let mut rebuilding = projections.rebuild_projection(rebuild).await.unwrap().into_inner();
    while rebuilding.message().await.unwrap().is_some() {}
    let request = cancel(&poisoned);
    ask!(shop.commands(), cancel_order, request).unwrap();
    shop.until(&poisoned, &[OrderState::Cancelled]).await;
    shop.assert_sound().await;
}

#[tokio::test]
async fn a_server_whose_clock_is_wrong_does_no_harm() {
    let data = TempDir::new().unwrap();
    let mut servers = Servers::start_on(data.path(), &SOON).await;
    let shop = shop_with_tea(&servers).await;
    for (name, skew) in [("payment", "-7200000"), ("inventory", "7200000"), ("order-query", "-86400000")] {
        servers.server(name).start_again_with(&[("ORDERMESH_SERVER__CLOCK_SKEW_MS", skew)]).await;
    }
    let id = shop.place(paid_by("tok_approve")).await;
    shop.until_it(&id, payment_is(PaymentStatus::Captured)).await;
    // Deadlines are judged by order's own clock: one that is far ahead expires what waits, and nothing else.
    let waits = shop.place(paid_by("tok_3ds")).await;
    shop.until_it(&waits, payment_is(PaymentStatus::ActionRequired)).await;
    let ahead = [("ORDERMESH_SERVER__CLOCK_SKEW_MS", "7200000")];
    servers.server("order-command").start_again_with(&ahead).await;
    shop.until(&waits, &[OrderState::Expired]).await;
    assert_eq!(shop.order(&id).await.unwrap().state(), OrderState::Confirmed);
    shop.assert_sound().await;
}

#[tokio::test]
async fn stock_that_is_lost_after_the_capture_cancels_its_lines_and_gives_the_money_back() {
    let servers = Servers::start(&SOON).await;
    let shop = servers.shop();
    shop.receive("TEA", "main", 3).await;
    shop.receive("CUP", "main", 3).await;
    let request = paid_by("tok_approve").with_line("CUP", 1, 1200, 190_000);
    let id = shop.place(request).await;
    shop.until_it(&id, payment_is(PaymentStatus::Captured)).await;
    let lose = AdjustStockRequest {
        request_id: fresh_id(),
        sku: "TEA".to_owned(),
        location: "main".to_owned(),
        adjustment: Some(Adjustment::Change(-2)),
        reason: StockChangeReason::Lost.into(),
        ..AdjustStockRequest::default()
    };
    ask!(shop.inventory(), adjust_stock, lose).unwrap();
    let order = shop.until_it(&id, payment_is(PaymentStatus::PartlyRefunded)).await;
    assert_eq!(order.state(), OrderState::Confirmed);
    assert_eq!(order.status.as_ref().unwrap().stock(), StockStatus::Shortfall);
    assert_eq!(order.progress[0].cancelled, 1);
    assert!(events_of(&shop, &id).await.contains(&"OrderLinesCancelled".to_owned()));
    shop.assert_sound().await;

    let everything = AdjustStockRequest {
        request_id: fresh_id(),
        adjustment: Some(Adjustment::Change(-1)),
        ..lose.clone()
    };
    ask!(shop.inventory(), adjust_stock, everything).unwrap();
    let cups = AdjustStockRequest {
        request_id: fresh_id(),
        sku: "CUP".to_owned(),
        adjustment: Some(Adjustment::Change(-3)),
        ..lose
    };
    ask!(shop.inventory(), adjust_stock, cups).unwrap();
    let order = shop.until(&id, &[OrderState::Cancelled]).await;
    assert_eq!(order.status.unwrap().payment(), PaymentStatus::Refunded);
    shop.assert_sound().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_context_that_is_down_delays_only_itself_and_catches_up() {
    for down in ["inventory", "payment", "order-query", "order-command"] {
        let mut servers = Servers::start(&SOON).await;
        let shop = shop_with_tea(&servers).await;
        let early = shop.place(paid_by("tok_approve")).await;
        servers.server(down).kill9();
        let mut placed = Vec::new();
        if down != "order-command" {
            for _ in 0..40 {
                placed.push(shop.place(paid_by("tok_approve")).await);
            }
        }
        servers.server(down).start_again_here().await;
        placed.push(early);
        for id in &placed {
            let order = shop.until(id, &[OrderState::Confirmed, OrderState::Rejected]).await;
            assert_eq!(order.state(), OrderState::Confirmed, "{:?}", order.rejection_reason());
            assert_eq!(order.rejection_reason(), RejectionReason::Unspecified);
        }
        shop.assert_sound().await;
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn two_replicas_of_every_server_are_as_good_as_one_and_a_rolling_restart_loses_nothing() {
    if Backend::needs_postgres("several replicas share a database") {
        return;
    }
    let data = TempDir::new().unwrap();
    let mut sets =
        vec![Servers::start_on(data.path(), &SOON).await, Servers::start_on(data.path(), &SOON).await];
    let shop = shop_with_tea(&sets[0]).await;
    let habits = Habits::mixed(["TEA".to_owned()]);
    let people: Vec<_> = (0..8_u64)
        .map(|number| {
            let (shop, habits) = (sets[number as usize % 2].shop(), habits.clone());
            tokio::spawn(async move { shop.serve(&habits, Random::new(number), 6).await })
        })
        .collect();
    for name in NAMES {
        for set in &mut sets {
            let ended = set.server(name).terminate().await;
            assert_eq!(ended.code, Some(0), "{name} ends well");
            set.server(name).start_again_here().await;
            wait::pause(Duration::from_millis(200)).await;
        }
    }
    for person in people {
        person.await.unwrap();
    }
    let verdicts = (shop.assert_sound().await, sets[1].shop().assert_sound().await);
    assert_eq!(verdicts.0.orders, 48);
    assert_eq!(verdicts.0.orders, verdicts.1.orders);
}
