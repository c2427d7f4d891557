//! The life of an order as its callers see it: placed with the sums of the contract, cancelled, told in the feed.

use ordermesh_proto::order::v1::order_event::Payload;
use ordermesh_proto::order::v1::{OrderCreated, OrderEvent, OrderState, OrderTotals};
use ordermesh_testkit::order::{PlaceOrderBuilder, address, contact, fresh_id};
use ordermesh_testkit::{
    Server, assert_log_is_sound, assert_refused, cancel, euro, fold_orders, money, order, read_feed,
};
use tonic::{Code, Request};

const BINARY: &str = env!("CARGO_BIN_EXE_ordermesh");

/// Two kinds of articles at two tax rates, a discount and shipping.
fn mixed_order() -> PlaceOrderBuilder {
    order("TEA", 2, 450)
        .with(|request| request.lines[0].tax_rate_ppm = 190_000)
        .with_line("MUG", 1, 1_299, 70_000)
        .with_discount("SPRING", 300)
        .with_shipping(490, 190_000)
}

fn totals([goods, discount, shipping, tax, total]: [i64; 5]) -> Option<OrderTotals> {
    let [goods, discount, shipping, tax, total] =
        [goods, discount, shipping, tax, total].map(|cents| Some(euro(cents)));
    Some(OrderTotals { goods, discount, shipping, tax, total })
}

fn created(event: &OrderEvent) -> &OrderCreated {
    match &event.payload {
        Some(Payload::OrderCreated(created)) => created,
        other => panic!("OrderCreated was expected, not {other:?}"),
    }
}

#[tokio::test]
async fn tax_on_top_is_added_to_the_total_a_line_at_a_time() {
    let server = Server::scratch(BINARY).await;
    let answer =
        server.commands().place_order(mixed_order().with_expected_total(2_709)).await.unwrap().into_inner();
    assert_eq!(answer.totals, totals([2_199, 300, 490, 320, 2_709]));
    assert_eq!(answer.amount_due, Some(euro(2_709)));
    assert_eq!((answer.state(), answer.revision, answer.replayed), (OrderState::Placed, 1, false));

    let log = read_feed(&mut server.events()).await;
    let lines = &created(&log[0]).lines;
    let sums = |cents: [i64; 3]| cents.map(|cents| Some(euro(cents)));
    let shown: Vec<_> = lines
        .iter()
        .map(|line| {
            (line.line_id, line.sku.as_str(), [line.amount.clone(), line.discount.clone(), line.tax.clone()])
        })
        .collect();
    // 300 over 900 and 1299: 122.78 and 177.22; the cent left over goes to the larger fraction.
    assert_eq!(shown, [(1, "TEA", sums([900, 123, 148])), (2, "MUG", sums([1_299, 177, 79]))]);
}

#[tokio::test]
async fn tax_that_the_prices_include_is_told_and_not_added() {
    let server = Server::scratch(BINARY).await;
    let answer = server.commands().place_order(mixed_order().with_tax_included()).await.unwrap().into_inner();
    assert_eq!(answer.totals, totals([2_199, 300, 490, 275, 2_389]));
}

#[tokio::test]
async fn an_order_may_cost_nothing_and_may_have_a_thousand_lines_in_any_currency() {
    let server = Server::scratch(BINARY).await;
    let mut commands = server.commands();
    let free = order("SAMPLE", 1, 500).with_discount("FREE", 500);
    assert_eq!(commands.place_order(free).await.unwrap().into_inner().amount_due, Some(euro(0)));
    let large = order("TEA", 1, 1).with(|request| {
        request.lines[0].unit_price = Some(money("KWD", 1));
        request.lines = vec![request.lines[0].clone(); 1_000];
    });
    let large = commands.place_order(large).await.unwrap().into_inner();
    assert_eq!(large.amount_due, Some(money("KWD", 1_000)));
    let largest = order("GOLD", 1, i64::MAX);
    assert_eq!(commands.place_order(largest).await.unwrap().into_inner().amount_due, Some(euro(i64::MAX)));
}

#[tokio::test]
async fn an_order_is_told_in_the_feed_as_it_was_placed() {
    let server = Server::scratch(BINARY).await;
    let request = order("TEA", 2, 450).with_reference("shop-1").with_customer("mia").with_personal();
    let request = request.with_request_id("cart-1").with(|request| {
        request.lines[0].title = "Green tea".to_owned();
        request.billing_account_id = "acme".to_owned();
        request.payment_method_token = "tok_1".to_owned();
    });
    let mut request = Request::new(request.build());
    let trace = "00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01";
    request.metadata_mut().insert("traceparent", trace.parse().unwrap());
    let answer = server.commands().place_order(request).await.unwrap().into_inner();
    assert_eq!(answer.order_reference, "shop-1");

    let log = read_feed(&mut server.events()).await;
    assert_log_is_sound(&log);
    let event = &log[0];
    assert_eq!((event.r#type.as_str(), event.key.as_str()), ("OrderCreated", answer.order_id.as_str()));
    assert_eq!((event.causation_id.as_str(), event.correlation_id.as_str()), ("cart-1", "cart-1"));
    assert_eq!(event.traceparent, trace);
    assert_eq!(event.occurred_time, answer.placed_time);
    let created = created(event);
    assert_eq!((created.lines[0].title.as_str(), created.lines[0].quantity), ("Green tea", 2));
    assert_eq!(
        (created.billing_account_id.as_str(), created.payment_method_token.as_str()),
        ("acme", "tok_1")
    );
    let personal = created.personal_data.as_ref().unwrap();
    assert_eq!(personal.contact, Some(contact()));
    assert_eq!(personal.ship_to, Some(address("Mia Muster")));
    assert_eq!(personal.bill_to, Some(address("Muster GmbH")));
}

#[tokio::test]
async fn an_order_without_a_reference_is_known_by_its_id_and_its_lines_by_their_sku() {
    let server = Server::scratch(BINARY).await;
    let answer = server.commands().place_order(order("TEA", 1, 450)).await.unwrap().into_inner();
    assert_eq!(answer.order_reference, answer.order_id);
    let log = read_feed(&mut server.events()).await;
    let created = created(&log[0]);
    assert_eq!((&created.order_reference, created.lines[0].title.as_str()), (&answer.order_id, "TEA"));
    assert_eq!(created.personal_data, None);
}

#[tokio::test]
async fn an_order_that_is_to_be_cancelled_owes_nothing_and_waits_for_stock_and_money() {
    let server = Server::scratch(BINARY).await;
    let mut commands = server.commands();
    let placed = commands.place_order(mixed_order()).await.unwrap().into_inner();
    let cancelled = commands.cancel_order(cancel(&placed.order_id)).await.unwrap().into_inner();
    assert_eq!((cancelled.state(), cancelled.revision), (OrderState::Cancelling, 2));
    assert_ne!(cancelled.consistency_token, placed.consistency_token);

    let log = read_feed(&mut server.events()).await;
    assert_log_is_sound(&log);
    let types: Vec<_> = log.iter().map(|event| event.r#type.as_str()).collect();
    assert_eq!(types, ["OrderCreated", "OrderCancellationRequested"]);
    let order = &fold_orders(&log)[&placed.order_id];
    assert_eq!((order.state(), order.amount_due.clone()), (OrderState::Cancelling, Some(euro(0))));
    assert_eq!(order.cancel_reason, "changed my mind");
    assert_eq!(order.totals, placed.totals, "what was agreed stays told");
}

#[tokio::test]
async fn an_order_can_be_cancelled_only_once() {
    let mut server = Server::scratch(BINARY).await;
    let placed = server.commands().place_order(order("TEA", 1, 450)).await.unwrap().into_inner();
    server.commands().cancel_order(cancel(&placed.order_id)).await.unwrap();
    for _ in 0..2 {
        let refused = server.commands().cancel_order(cancel(&placed.order_id)).await;
        let refusal = assert_refused(refused, Code::FailedPrecondition, "STATE_FORBIDS", None);
        assert_eq!(refusal.metadata["state"], "CANCELLING");
        // The state is in the database, not in the process.
        server.start_again().await;
    }
    assert_eq!(read_feed(&mut server.events()).await.len(), 2);
}

#[tokio::test]
async fn a_caller_who_decided_on_another_revision_is_refused() {
    let server = Server::scratch(BINARY).await;
    let mut commands = server.commands();
    let placed = commands.place_order(order("TEA", 1, 450)).await.unwrap().into_inner();
    let mut request = cancel(&placed.order_id);
    request.expected_revision = Some(2);
    let refused = commands.cancel_order(request.clone()).await;
    let refusal =
        assert_refused(refused, Code::FailedPrecondition, "REVISION_MISMATCH", Some("expected_revision"));
    assert_eq!((refusal.metadata["expected"].as_str(), refusal.metadata["actual"].as_str()), ("2", "1"));
    request.expected_revision = Some(1);
    commands.cancel_order(request.clone()).await.unwrap();
    // On an order that is being cancelled by now, the old revision is what the caller hears first.
    request.request_id = fresh_id();
    let refused = commands.cancel_order(request).await;
    assert_refused(refused, Code::FailedPrecondition, "REVISION_MISMATCH", Some("expected_revision"));
}

#[tokio::test(flavor = "multi_thread")]
async fn of_many_cancellations_of_one_order_at_once_exactly_one_is_carried_out() {
    let server = Server::scratch(BINARY).await;
    let placed = server.commands().place_order(order("TEA", 1, 450)).await.unwrap().into_inner();
    let calls = (0..30).map(|_| {
        let (mut commands, request) = (server.commands(), cancel(&placed.order_id));
        tokio::spawn(async move { commands.cancel_order(request).await })
    });
    let calls: Vec<_> = calls.collect();
    let mut cancelled = 0;
    for call in calls {
        match call.await.unwrap() {
            Ok(_) => cancelled += 1,
            refused => drop(assert_refused(refused, Code::FailedPrecondition, "STATE_FORBIDS", None)),
        }
    }
    assert_eq!(cancelled, 1);
    let log = read_feed(&mut server.events()).await;
    assert_eq!(log.len(), 2);
    assert_log_is_sound(&log);
}
