//! Orders whose fields are valid one by one but do not go together: amounts, references, request ids.

use ordermesh_proto::feed::v1::GetFeedRequest;
use ordermesh_testkit::order::PlaceOrderBuilder;
use ordermesh_testkit::{assert_log_is_sound, assert_refused, money, order, read_feed};
use tonic::Code;

use crate::{Case, assert_all_refused, untouched_server};

fn tea() -> PlaceOrderBuilder {
    order("TEA", 2, 450)
}

#[tokio::test]
async fn an_order_in_more_than_one_currency_is_refused() {
    let mixed = "MIXED_CURRENCIES";
    let dollars = Some(money("USD", 100));
    let line = tea().with_line("MUG", 1, 0, 0).with(|request| request.lines[1].unit_price = dollars.clone());
    let shipping = tea().with_shipping(490, 0).with(|request| {
        request.shipping.as_mut().unwrap().amount = dollars.clone();
    });
    let discount =
        tea().with_discount("SPRING", 1).with(|request| request.discounts[0].amount = dollars.clone());
    let total = tea().with(|request| request.expected_total = Some(money("USD", 900)));
    let cases: Vec<Case> = vec![
        (line, mixed, "lines[1].unit_price"),
        (shipping, mixed, "shipping.amount"),
        (discount, mixed, "discounts[0].amount"),
        (total, mixed, "expected_total"),
    ];
    assert_all_refused(cases).await;
}

#[tokio::test]
async fn sums_that_cannot_be_counted_are_refused() {
    let overflow = "AMOUNT_OVERFLOW";
    let max = i64::MAX;
    let taxed = order("TEA", 1, max).with(|request| request.lines[0].tax_rate_ppm = 1);
    let cases: Vec<Case> = vec![
        (order("TEA", 2, max), overflow, "lines[0].unit_price"),
        (order("TEA", 1, 1).with_line("MUG", 1_000_000, max / 1_000, 0), overflow, "lines[1].unit_price"),
        (order("TEA", 1, max).with_line("MUG", 1, 1, 0), overflow, "lines"),
        (order("TEA", 1, max).with_shipping(1, 0), overflow, "lines"),
        (taxed, overflow, "lines"),
        (tea().with_discount("A", max).with_discount("B", max), overflow, "discounts"),
    ];
    assert_all_refused(cases).await;
}

#[tokio::test]
async fn charges_and_discounts_of_the_wrong_sign_or_form_are_refused() {
    let invalid = "INVALID_REQUEST";
    let no_amount =
        tea().with_shipping(0, 0).with(|request| request.shipping.as_mut().unwrap().amount = None);
    let free = tea().with_discount("FREE", 1).with(|request| request.discounts[0].amount = None);
    let many = (0..21).fold(tea(), |order, number| order.with_discount(&format!("D{number}"), 1));
    let cases: Vec<Case> = vec![
        (tea().with_shipping(-1, 0), invalid, "shipping.amount"),
        (tea().with_shipping(490, 1_000_001), invalid, "shipping.tax_rate_ppm"),
        (no_amount, invalid, "shipping.amount"),
        (tea().with_discount("NOTHING", 0), invalid, "discounts[0].amount"),
        (tea().with_discount("OK", 1).with_discount("LESS", -5), invalid, "discounts[1].amount"),
        (tea().with_discount("", 1), invalid, "discounts[0].code"),
        (tea().with_discount(&"x".repeat(65), 1), invalid, "discounts[0].code"),
        (free, invalid, "discounts[0].amount"),
        (many, invalid, "discounts"),
    ];
    assert_all_refused(cases).await;
}

#[tokio::test]
async fn discounts_of_more_than_the_goods_cost_are_refused() {
    let cases: Vec<Case> = vec![
        (tea().with_discount("SPRING", 901), "DISCOUNT_EXCEEDS_GOODS", "discounts"),
        (tea().with_discount("A", 500).with_discount("B", 401), "DISCOUNT_EXCEEDS_GOODS", "discounts"),
        (tea().with_shipping(490, 0).with_discount("A", 1_000), "DISCOUNT_EXCEEDS_GOODS", "discounts"),
    ];
    assert_all_refused(cases).await;
}

#[tokio::test]
async fn an_order_with_another_total_than_the_customer_saw_is_refused() {
    let [less, more] =
        [899, 901].map(|cents| (tea().with_expected_total(cents), "TOTAL_MISMATCH", "expected_total"));
    let bad_currency = tea().with(|request| request.expected_total = Some(money("EURO", 900)));
    assert_all_refused([less, more, (bad_currency, "INVALID_REQUEST", "expected_total.currency_code")]).await;

    let server = untouched_server().await;
    let refused = server.commands().place_order(tea().with_expected_total(1)).await;
    let refusal = assert_refused(refused, Code::InvalidArgument, "TOTAL_MISMATCH", Some("expected_total"));
    let [expected, computed] = ["expected", "computed"].map(|key| refusal.metadata[key].as_str());
    assert_eq!((expected, computed), ("0.01 EUR", "9.00 EUR"));
}

#[tokio::test]
async fn a_second_order_with_the_same_reference_is_refused_and_told_the_first() {
    let server = untouched_server().await;
    let mut commands = server.commands();
    let first = commands.place_order(tea().with_reference("shop-1")).await.unwrap().into_inner();
    let second = commands.place_order(order("MUG", 1, 1299).with_reference("shop-1")).await;
    let refusal =
        assert_refused(second, Code::AlreadyExists, "ORDER_REFERENCE_TAKEN", Some("order_reference"));
    assert_eq!(refusal.metadata["order_id"], first.order_id);
    // An order without a reference is known by its id, which is then taken too.
    let unnamed = commands.place_order(tea()).await.unwrap().into_inner();
    let third = commands.place_order(tea().with_reference(&unnamed.order_id)).await;
    assert_refused(third, Code::AlreadyExists, "ORDER_REFERENCE_TAKEN", Some("order_reference"));
    let log = read_feed(&mut server.events()).await;
    assert_eq!(log.len(), 2);
    assert_log_is_sound(&log);
}

#[tokio::test]
async fn of_many_orders_with_one_reference_at_once_exactly_one_is_placed() {
    let server = untouched_server().await;
    let attempts = (0..40).map(|_| {
        let mut commands = server.commands();
        tokio::spawn(async move { commands.place_order(tea().with_reference("shop-1")).await })
    });
    let attempts: Vec<_> = attempts.collect();
    let mut placed = 0;
    for attempt in attempts {
        match attempt.await.unwrap() {
            Ok(_) => placed += 1,
            refused => {
                let field = Some("order_reference");
                assert_refused(refused, Code::AlreadyExists, "ORDER_REFERENCE_TAKEN", field);
            }
        }
    }
    assert_eq!(placed, 1);
    assert_eq!(read_feed(&mut server.events()).await.len(), 1);
}

#[tokio::test]
async fn a_request_id_with_another_content_is_refused_and_changes_nothing() {
    let server = untouched_server().await;
    let mut commands = server.commands();
    commands.place_order(tea().with_request_id("cart-1")).await.unwrap();
    for other in [order("TEA", 3, 450), tea().with_customer("mia"), tea().with_personal()] {
        let reused = commands.place_order(other.with_request_id("cart-1")).await;
        assert_refused(reused, Code::FailedPrecondition, "REQUEST_ID_REUSED", Some("request_id"));
    }
    let feed = server.events().get_feed(GetFeedRequest {}).await.unwrap().into_inner();
    assert_eq!(feed.head_position, 1);
}
