//! The filter of ListOrders: conditions joined by AND, a subset of AIP-160 that refuses everything else by name.

mod lexer;

use std::fmt;

use jiff::Timestamp;
use ordermesh_kernel::{CustomerId, OrderReference, to_micros};
use ordermesh_proto::order::v1::{FulfilmentStatus, OrderState, PaymentStatus, StockStatus, WaitingForWhat};

use crate::projection::words::{Word, all, of_word, word};
use lexer::{Lexer, Token};

/// Characters that a filter may have.
pub const MAX_FILTER: usize = 1000;

/// Which orders a list has.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct Filter {
    text: String,
    conditions: Vec<Condition>,
}

/// A condition on an order.
#[derive(Debug, Clone, PartialEq)]
pub enum Condition {
    /// The order is in this state.
    State(Is, OrderState),
    /// The payment stands so.
    Payment(Is, PaymentStatus),
    /// The stock stands so.
    Stock(Is, StockStatus),
    /// The goods are so far.
    Fulfilment(Is, FulfilmentStatus),
    /// Some hold is in force, or none is.
    Held(bool),
    /// This is among what the order waits for.
    WaitingFor(WaitingForWhat),
    /// The customer bought it.
    CustomerId(String),
    /// It has this reference.
    OrderReference(String),
    /// It has a line of this article.
    Sku(String),
    /// Its amounts are in this currency.
    Currency(String),
    /// Its time of placing compares so with this one, in microseconds since 1970.
    PlacedTime(Comparison, i64),
}

/// Whether a value is to be a certain one, or any other.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Is {
    /// `=`
    Equal,
    /// `!=`
    NotEqual,
}

/// How two values compare.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Comparison {
    /// `=`
    Equal,
    /// `<`
    Less,
    /// `<=`
    LessOrEqual,
    /// `>`
    Greater,
    /// `>=`
    GreaterOrEqual,
}

/// What is wrong with a filter, and where.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct FilterError {
    /// Number of the character at which it is, from 1 on.
    pub at: usize,
    /// What is wrong.
    pub what: String,
}

impl fmt::Display for FilterError {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(formatter, "at character {}: {}", self.at, self.what)
    }
}

impl std::error::Error for FilterError {}

impl Filter {
    /// Reads a filter; empty means all orders.
    pub fn parse(text: &str) -> Result<Self, FilterError> {
        if text.chars().count() > MAX_FILTER {
            let what = format!("a filter has at most {MAX_FILTER} characters");
            return Err(FilterError { at: MAX_FILTER + 1, what });
        }
        let mut lexer = Lexer::new(text);
        let mut conditions = Vec::new();
        let mut token = lexer.next()?;
        while token.1 != Token::End {
            conditions.push(condition(token, &mut lexer)?);
            token = match lexer.next()? {
                (_, Token::Word("AND")) => operand(lexer.next()?)?,
                end @ (_, Token::End) => end,
                (at, token) => return Err(expected(at, "AND or the end", &token)),
            };
        }
        Ok(Self { text: text.to_owned(), conditions })
    }

    /// The filter as it was written.
    pub fn text(&self) -> &str {
        &self.text
    }

    /// What an order must meet, all of it.
    pub fn conditions(&self) -> &[Condition] {
        &self.conditions
    }
}

type At<'a> = (usize, Token<'a>);

/// What follows AND must not be the end.
fn operand(token: At<'_>) -> Result<At<'_>, FilterError> {
    match token {
        (at, Token::End) => Err(expected(at, "a condition after AND", &Token::End)),
        token => Ok(token),
    }
}

fn expected(at: usize, what: &str, found: &Token<'_>) -> FilterError {
    let hint = match found {
        Token::Word("OR" | "NOT") => "; conditions can only be joined by AND",
        Token::Other('(' | ')') => "; there are no parentheses",
        _ => "",
    };
    FilterError { at, what: format!("expected {what}, found {found}{hint}") }
}

const FIELDS: [&str; 11] = [
    "state",
    "payment",
    "stock",
    "fulfilment",
    "held",
    "waiting_for",
    "customer_id",
    "order_reference",
    "sku",
    "currency",
    "placed_time",
];

/// Reads `field operator value`, of which the first token is read already.
fn condition((at, token): At<'_>, lexer: &mut Lexer<'_>) -> Result<Condition, FilterError> {
    let field = match token {
        Token::Word(word) if FIELDS.contains(&word) => word,
        Token::Word(word) if !matches!(word, "AND" | "OR" | "NOT") => {
            let what = format!("there is no field {word:?}; there are {}", FIELDS.join(", "));
            return Err(FilterError { at, what });
        }
        token => return Err(expected(at, "a field", &token)),
    };
    let operator = operator(field, lexer)?;
    let (at, value, quoted) = match lexer.next()? {
        (at, Token::Quoted(text)) => (at, text, true),
        (at, Token::Word(word)) if !matches!(word, "AND" | "OR" | "NOT") => (at, word.to_owned(), false),
        (at, token) => return Err(expected(at, &format!("a value after {field} {operator}"), &token)),
    };
    let made = match field {
        "placed_time" if !quoted => Err("a time stands in quotes".to_owned()),
        "placed_time" => placed_time(operator, &value),
        "state" => known("state", &value).map(|value| Condition::State(is(operator), value)),
        "payment" => known("payment", &value).map(|value| Condition::Payment(is(operator), value)),
        "stock" => known("stock", &value).map(|value| Condition::Stock(is(operator), value)),
        "fulfilment" => known("fulfilment", &value).map(|value| Condition::Fulfilment(is(operator), value)),
        "waiting_for" => known("waiting_for", &value).map(Condition::WaitingFor),
        "held" => held(&value),
        field => text(field, value),
    };
    made.map_err(|what| FilterError { at, what })
}

fn operator<'a>(field: &str, lexer: &mut Lexer<'a>) -> Result<&'a str, FilterError> {
    let operators: &[&str] = match field {
        "placed_time" => &["=", "<", "<=", ">", ">="],
        "state" | "payment" | "stock" | "fulfilment" => &["=", "!="],
        _ => &["="],
    };
    match lexer.next()? {
        (_, Token::Operator(operator)) if operators.contains(&operator) => Ok(operator),
        (at, token) => Err(expected(at, &format!("{} after {field}", operators.join(" or ")), &token)),
    }
}

fn is(operator: &str) -> Is {
    if operator == "!=" { Is::NotEqual } else { Is::Equal }
}

fn placed_time(operator: &str, value: &str) -> Result<Condition, String> {
    let comparison = match operator {
        "<" => Comparison::Less,
        "<=" => Comparison::LessOrEqual,
        ">" => Comparison::Greater,
        ">=" => Comparison::GreaterOrEqual,
        _ => Comparison::Equal,
    };
    // The parser also reads other spellings of ISO 8601, which RFC 3339 does not have.
    let rfc_3339 = value.as_bytes().get(4) == Some(&b'-')
        && value.as_bytes().get(10).is_some_and(|byte| b"Tt".contains(byte))
        && value.bytes().all(|byte| byte.is_ascii_digit() || b"-+:.TtZz".contains(&byte));
    let time: Option<Timestamp> = value.parse().ok().filter(|_| rfc_3339);
    let time = time.ok_or_else(|| format!("{value:?} is no time such as \"2026-01-01T00:00:00Z\""))?;
    match time.subsec_nanosecond() % 1000 {
        0 => Ok(Condition::PlacedTime(comparison, to_micros(time))),
        _ => Err(format!("{value:?} is finer than microseconds, as which times are kept")),
    }
}

/// The value of a word of the contract.
fn known<W: Word>(field: &str, text: &str) -> Result<W, String> {
    of_word(text).ok_or_else(|| {
        let known: Vec<_> = all::<W>().map(word).collect();
        format!("there is no {field} {text:?}; there are {}", known.join(", "))
    })
}

fn held(value: &str) -> Result<Condition, String> {
    match value {
        "true" => Ok(Condition::Held(true)),
        "false" => Ok(Condition::Held(false)),
        _ => Err(format!("held is true or false, not {value:?}")),
    }
}

fn text(field: &str, value: String) -> Result<Condition, String> {
    let is_sku = |text: &str| {
        (1..=64).contains(&text.len())
            && text.bytes().all(|byte| byte.is_ascii_alphanumeric() || b"._-".contains(&byte))
    };
    match field {
        "customer_id" => match CustomerId::parse(value) {
            Ok(id) => Ok(Condition::CustomerId(id.into_string())),
            Err(rule) => Err(format!("a customer_id {rule}")),
        },
        "order_reference" => match OrderReference::parse(value) {
            Ok(reference) => Ok(Condition::OrderReference(reference.into_string())),
            Err(rule) => Err(format!("an order_reference {rule}")),
        },
        "currency" if value.len() == 3 && value.bytes().all(|byte| byte.is_ascii_uppercase()) => {
            Ok(Condition::Currency(value))
        }
        "currency" => Err(format!("{value:?} is no currency code such as EUR")),
        _ if is_sku(&value) => Ok(Condition::Sku(value)),
        _ => Err(format!("{value:?} is no sku: those have 1 to 64 of the characters A-Z a-z 0-9 . _ -")),
    }
}

#[cfg(test)]
mod tests;
