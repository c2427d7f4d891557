//! Orders of which a single field breaks its rule.

use ordermesh_proto::common::v1::{Address, Money};
use ordermesh_proto::order::v1::{Contact, NewOrderLine, PlaceOrderRequest};
use ordermesh_testkit::order::{PlaceOrderBuilder, address, contact};
use ordermesh_testkit::{assert_refused, money, order};
use tonic::Code;

use crate::{Case, assert_all_refused, assert_nothing_written, untouched_server};

const INVALID: &str = "INVALID_REQUEST";

fn with(change: impl FnOnce(&mut PlaceOrderRequest)) -> PlaceOrderBuilder {
    order("TEA", 2, 450).with(change)
}

fn with_line(change: impl FnOnce(&mut NewOrderLine)) -> PlaceOrderBuilder {
    with(|request| change(&mut request.lines[0]))
}

fn with_price(price: Option<Money>) -> PlaceOrderBuilder {
    with_line(|line| line.unit_price = price)
}

fn with_contact(change: impl FnOnce(&mut Contact)) -> PlaceOrderBuilder {
    let mut contact = contact();
    change(&mut contact);
    with(|request| request.contact = Some(contact))
}

fn with_address(change: impl FnOnce(&mut Address)) -> PlaceOrderBuilder {
    let mut address = address("Mia Muster");
    change(&mut address);
    with(|request| request.ship_to = Some(address))
}

#[tokio::test]
async fn a_sku_that_does_not_match_the_pattern_is_refused() {
    let skus = ["", "TEA 1", "TÄA", "a/b", "tea\n", &"x".repeat(65)];
    assert_all_refused(skus.map(|sku| (order(sku, 1, 450), INVALID, "lines[0].sku"))).await;
}

#[tokio::test]
async fn a_quantity_of_zero_less_or_too_much_is_refused() {
    let quantities = [0, -1, i32::MIN, 1_000_001];
    assert_all_refused(quantities.map(|pieces| (order("TEA", pieces, 450), INVALID, "lines[0].quantity")))
        .await;
}

#[tokio::test]
async fn a_line_without_a_valid_price_tax_rate_or_title_is_refused() {
    let price = "lines[0].unit_price";
    let currency = "lines[0].unit_price.currency_code";
    let cases: Vec<Case> = vec![
        (with_price(None), INVALID, price),
        (with_price(Some(money("EUR", -1))), INVALID, price),
        (with_price(Some(money("", 450))), INVALID, currency),
        (with_price(Some(money("eur", 450))), INVALID, currency),
        (with_price(Some(money("XXX", 450))), INVALID, currency),
        (with_price(Some(money("DEM", 450))), INVALID, currency),
        (with_line(|line| line.tax_rate_ppm = -1), INVALID, "lines[0].tax_rate_ppm"),
        (with_line(|line| line.tax_rate_ppm = 1_000_001), INVALID, "lines[0].tax_rate_ppm"),
        (with_line(|line| line.title = "x".repeat(201)), INVALID, "lines[0].title"),
        (with_line(|line| line.title = "a\u{7}b".to_owned()), INVALID, "lines[0].title"),
        (order("TEA", 1, 450).with_line("MUG", 0, 1299, 0), INVALID, "lines[1].quantity"),
    ];
    assert_all_refused(cases).await;
}

#[tokio::test]
async fn an_order_without_lines_or_with_more_than_a_thousand_is_refused() {
    let many = with(|request| request.lines = vec![request.lines[0].clone(); 1_001]);
    assert_all_refused([(with(|request| request.lines.clear()), INVALID, "lines"), (many, INVALID, "lines")])
        .await;
}

#[tokio::test]
async fn a_missing_or_malformed_request_id_is_refused() {
    let ids = ["", " ", "cart 1", "kärtchen", "a\tb", &"x".repeat(129)];
    assert_all_refused(ids.map(|id| (order("TEA", 1, 450).with_request_id(id), INVALID, "request_id"))).await;
}

#[tokio::test]
async fn a_malformed_id_of_the_shop_is_refused() {
    let tea = || order("TEA", 1, 450);
    let long = "x".repeat(65);
    let cases: Vec<Case> = vec![
        (tea().with_reference("a b"), INVALID, "order_reference"),
        (tea().with_reference("ö"), INVALID, "order_reference"),
        (tea().with_reference(&long), INVALID, "order_reference"),
        (tea().with_customer(""), INVALID, "customer_id"),
        (tea().with_customer("mia muster"), INVALID, "customer_id"),
        (tea().with_customer(&long), INVALID, "customer_id"),
        (with(|request| request.billing_account_id = "a b".to_owned()), INVALID, "billing_account_id"),
        (with(|request| request.payment_method_token = "x".repeat(257)), INVALID, "payment_method_token"),
    ];
    assert_all_refused(cases).await;
}

#[tokio::test]
async fn a_contact_that_cannot_be_written_to_is_refused() {
    let email =
        |text: &str| (with_contact(|contact| contact.email = text.to_owned()), INVALID, "contact.email");
    let locale =
        |text: &str| (with_contact(|contact| contact.locale = text.to_owned()), INVALID, "contact.locale");
    let cases = vec![
        email(""),
        email("mia"),
        email("mia@localhost"),
        email("mia@@example.org"),
        email("mia muster@example.org"),
        email(&format!("{}@example.org", "x".repeat(250))),
        locale("d"),
        locale("de_CH"),
        locale("de-"),
        (with_contact(|contact| contact.name = "x".repeat(201)), INVALID, "contact.name"),
    ];
    assert_all_refused(cases).await;
}

#[tokio::test]
async fn an_address_that_no_label_can_carry_is_refused() {
    let lines = |lines: Vec<String>| with_address(|address| address.address_lines = lines);
    let country = |code: &str| with_address(|address| address.country_code = code.to_owned());
    let bill_to =
        with(|request| request.bill_to = Some(Address { country_code: String::new(), ..address("Mia") }));
    let cases: Vec<Case> = vec![
        (with_address(|address| address.recipient.clear()), INVALID, "ship_to.recipient"),
        (with_address(|address| address.locality.clear()), INVALID, "ship_to.locality"),
        (with_address(|address| address.postal_code = "1".repeat(33)), INVALID, "ship_to.postal_code"),
        (lines(vec![]), INVALID, "ship_to.address_lines"),
        (lines(vec!["x".to_owned(); 7]), INVALID, "ship_to.address_lines"),
        (lines(vec![String::new()]), INVALID, "ship_to.address_lines[0]"),
        (country(""), INVALID, "ship_to.country_code"),
        (country("ch"), INVALID, "ship_to.country_code"),
        (country("CHE"), INVALID, "ship_to.country_code"),
        (bill_to, INVALID, "bill_to.country_code"),
    ];
    assert_all_refused(cases).await;
}

#[tokio::test]
async fn every_wrong_field_is_named_in_one_answer() {
    let server = untouched_server().await;
    let bad = order("T A", 0, 450).with_request_id("").with_line("MUG", 1, 1299, -1).with_customer("");
    let refused = server.commands().place_order(bad).await;
    let refusal = assert_refused(refused, Code::InvalidArgument, INVALID, None);
    let mut fields: Vec<_> = refusal.violations.iter().map(|(field, _)| field.as_str()).collect();
    fields.sort_unstable();
    let all = ["customer_id", "lines[0].quantity", "lines[0].sku", "lines[1].tax_rate_ppm", "request_id"];
    assert_eq!(fields, all);
    assert_nothing_written(server).await;
}
