//! What filters are read, and what is refused where.

use super::*;
use proptest::prelude::*;

fn conditions(text: &str) -> Vec<Condition> {
    Filter::parse(text).unwrap_or_else(|error| panic!("{text}: {error}")).conditions
}

#[track_caller]
fn refused(text: &str, at: usize, name: &str) {
    let error = Filter::parse(text).expect_err(text);
    assert!(error.at == at && error.what.contains(name), "{text}: {error}");
}

#[test]
fn an_empty_filter_has_no_conditions() {
    assert_eq!(conditions(""), []);
    assert_eq!(conditions(" \t\n"), []);
}

#[test]
fn every_field_is_read_with_every_operator_it_has() {
    use Comparison::{Equal, Greater, GreaterOrEqual, Less, LessOrEqual};
    assert_eq!(conditions("state = PLACED"), [Condition::State(Is::Equal, OrderState::Placed)]);
    assert_eq!(conditions("state!=CANCELLED"), [Condition::State(Is::NotEqual, OrderState::Cancelled)]);
    assert_eq!(conditions("payment = DECLINED"), [Condition::Payment(Is::Equal, PaymentStatus::Declined)]);
    assert_eq!(
        conditions("payment != CAPTURED"),
        [Condition::Payment(Is::NotEqual, PaymentStatus::Captured)]
    );
    assert_eq!(conditions("stock = SHORTFALL"), [Condition::Stock(Is::Equal, StockStatus::Shortfall)]);
    assert_eq!(conditions("stock != RESERVED"), [Condition::Stock(Is::NotEqual, StockStatus::Reserved)]);
    assert_eq!(
        conditions("fulfilment = PARTIAL AND fulfilment != NONE"),
        [
            Condition::Fulfilment(Is::Equal, FulfilmentStatus::Partial),
            Condition::Fulfilment(Is::NotEqual, FulfilmentStatus::None)
        ]
    );
    assert_eq!(conditions("held = true AND held=false"), [Condition::Held(true), Condition::Held(false)]);
    assert_eq!(conditions("waiting_for = HOLD"), [Condition::WaitingFor(WaitingForWhat::Hold)]);
    assert_eq!(conditions("customer_id = mia@shop"), [Condition::CustomerId("mia@shop".into())]);
    assert_eq!(conditions("order_reference=A-7/1"), [Condition::OrderReference("A-7/1".into())]);
    assert_eq!(conditions(r#"sku = "TEA""#), [Condition::Sku("TEA".into())]);
    assert_eq!(conditions("currency = EUR"), [Condition::Currency("EUR".into())]);
    for (operator, comparison) in
        [("=", Equal), ("<", Less), ("<=", LessOrEqual), (">", Greater), (">=", GreaterOrEqual)]
    {
        let text = format!(r#"placed_time {operator} "1970-01-01T01:00:01.5+01:00""#);
        assert_eq!(conditions(&text), [Condition::PlacedTime(comparison, 1_500_000)]);
    }
}

#[test]
fn the_example_of_the_contract_is_read() {
    let text = r#"state = PLACED AND waiting_for = PAYMENT_RETRY AND placed_time >= "2026-01-01T00:00:00Z""#;
    let placed = Condition::State(Is::Equal, OrderState::Placed);
    let waiting = Condition::WaitingFor(WaitingForWhat::PaymentRetry);
    let time = Condition::PlacedTime(Comparison::GreaterOrEqual, 1_767_225_600_000_000);
    assert_eq!(conditions(text), [placed, waiting, time]);
    assert_eq!(Filter::parse(text).unwrap().text(), text);
}

#[test]
fn every_word_of_the_contract_is_known_with_and_without_its_prefix() {
    #[track_caller]
    fn check<W: Word>(field: &str, condition: impl Fn(W) -> Condition) {
        for value in all::<W>() {
            for text in [word(value), value.name()] {
                assert_eq!(conditions(&format!("{field} = {text}")), [condition(value)]);
            }
        }
        refused(&format!("{field} = placed"), field.len() + 4, "\"placed\"");
        refused(
            &format!("{field} = UNSPECIFIED"),
            field.len() + 4,
            &all::<W>().map(word).collect::<Vec<_>>().join(", "),
        );
    }
    check("state", |value| Condition::State(Is::Equal, value));
    check("payment", |value| Condition::Payment(Is::Equal, value));
    check("stock", |value| Condition::Stock(Is::Equal, value));
    check("fulfilment", |value| Condition::Fulfilment(Is::Equal, value));
    check("waiting_for", Condition::WaitingFor);
}

#[test]
fn quotes_take_any_character_and_a_backslash_escapes_only_quote_and_backslash() {
    let text = r#"customer_id="a\"b\\c=(AND)""#;
    assert_eq!(conditions(text), [Condition::CustomerId(r#"a"b\c=(AND)"#.into())]);
    assert_eq!(conditions(r#"order_reference = "AND""#), [Condition::OrderReference("AND".into())]);
    refused(r#"sku = "a\nb""#, 9, "backslash");
    refused(r#"sku = "TEA"#, 7, "never closed");
    refused(r#"sku = "TEA\"#, 11, "backslash");
}

#[test]
fn anything_that_is_no_condition_is_refused_by_name_and_place() {
    refused("total = 5", 1, "\"total\"");
    refused("STATE = PLACED", 1, "\"STATE\"");
    refused("state < PLACED", 7, "expected = or != after state, found <");
    refused("sku != TEA", 5, "found !=");
    refused("held != true", 6, "expected = after held, found !=");
    refused("waiting_for != HOLD", 13, "expected = after waiting_for");
    refused("payment > CAPTURED", 9, "expected = or != after payment, found >");
    refused("sku : TEA", 5, "found \":\"");
    refused("sku == TEA", 5, "found ==");
    refused("sku TEA", 5, "found \"TEA\"");
    refused("sku =", 6, "found the end");
    refused("sku", 4, "found the end");
    refused("sku = AND", 7, "found \"AND\"");
    refused("\"sku\" = TEA", 1, "the quoted \"sku\"");
    refused("é = 1", 1, "\"é\"");
}

#[test]
fn conditions_are_joined_by_one_and_only() {
    refused("sku = A AND AND sku = B", 13, "found \"AND\"");
    refused("AND sku = A", 1, "found \"AND\"");
    refused("sku = A AND", 12, "a condition after AND");
    refused("sku = A OR sku = B", 9, "only be joined by AND");
    refused("NOT sku = A", 1, "only be joined by AND");
    refused("sku = A and sku = B", 9, "\"and\"");
    refused("sku = A sku = B", 9, "expected AND or the end");
    refused("sku = A AND (sku = B)", 13, "no parentheses");
    refused("(sku = A)", 1, "no parentheses");
    refused("sku = A,", 8, "','");
}

#[test]
fn a_value_that_its_field_cannot_have_is_refused() {
    refused("placed_time > 2026-01-01T00:00:00Z", 15, "in quotes");
    for time in
        ["yesterday", "2026-01-01", "2026-01-01T00:00:00", "2026-02-30T00:00:00Z", "2026-01-01 00:00:00Z", ""]
    {
        refused(&format!("placed_time > \"{time}\""), 15, "is no time");
    }
    refused(r#"placed_time > "2026-01-01T00:00:00Z[UTC]""#, 15, "is no time");
    refused(r#"placed_time > "2026-01-01T00:00:00.1234567Z""#, 15, "finer");
    refused("currency = eur", 12, "\"eur\"");
    refused("held = yes", 8, "true or false, not \"yes\"");
    refused("sku = T/A", 7, "is no sku");
    refused(r#"sku = """#, 7, "is no sku");
    refused(r#"customer_id = "a b""#, 15, "visible ASCII");
    refused(&format!("order_reference = {}", "x".repeat(65)), 19, "visible ASCII");
}

#[test]
fn the_place_is_counted_in_characters() {
    refused("customer_id = \"é\" AND sku = \"é\"", 15, "customer_id");
    refused("   é", 4, "\"é\"");
}

#[test]
fn a_filter_has_at_most_a_thousand_characters() {
    let text = format!("{:1000}", "sku = TEA");
    assert_eq!(conditions(&text).len(), 1);
    refused(&format!("{text} "), 1001, "1000 characters");
}

proptest! {
    #[test]
    fn no_text_makes_the_parser_panic(text in any::<String>()) {
        let _ = Filter::parse(&text);
    }

    #[test]
    fn no_text_of_tokens_makes_the_parser_panic_and_every_place_is_in_it(
        text in r#"((state|sku|held|waiting_for|placed_time|AND|=|!=|<|>=|"|\\|\(|é| |x|"A"){0,12})"#,
    ) {
        if let Err(error) = Filter::parse(&text) {
            prop_assert!((1..=text.chars().count() + 1).contains(&error.at));
        }
    }

    #[test]
    fn every_visible_customer_id_can_be_written_in_quotes(id in "[!-~]{1,64}") {
        let quoted = id.replace('\\', r"\\").replace('"', "\\\"");
        prop_assert_eq!(conditions(&format!("customer_id = \"{quoted}\"")), [Condition::CustomerId(id)]);
    }
}
