//! Where an order stands, for people: its facets, what it waits for, its money.

use ordermesh_proto::common::v1::Money;
use ordermesh_proto::order::v1::{Order, OrderStatus, WaitingFor, WaitingForWhat};

use super::words;
use crate::render::{money, time};

/// Characters of what an order waits for in a list; longer than every single word of it.
const WAITING_WIDTH: usize = 18;

/// State and facets as facts. An order of a server that knows no facets has a state only.
pub(super) fn facets(order: &Order) -> Vec<(&'static str, String)> {
    let mut facts = vec![("state", words::state(order.state))];
    if let Some(status) = &order.status {
        facts.extend([
            ("stock", words::stock(status.stock)),
            ("payment", words::payment(status.payment)),
            ("fulfilment", words::fulfilment(status.fulfilment)),
        ]);
    }
    facts
}

/// Each thing that the order waits for, and what the customer or the staff must know to end that.
pub(super) fn waiting(order: &Order) -> Vec<(&'static str, String)> {
    let status = order.status.as_ref();
    let mut facts: Vec<_> =
        status.iter().flat_map(|status| &status.waiting_for).map(|it| ("waiting for", wait(it))).collect();
    facts.extend([
        ("payment code", order.payment_code.clone()),
        ("payment says", words::one_line(&order.payment_detail)),
        ("pay at", order.payment_action_url.clone()),
    ]);
    if let deadline @ Some(_) = &order.payment_deadline {
        facts.push(("payment due", time(deadline.as_ref())));
    }
    facts
}

/// `DISPATCH, the dispatch of goods, since 2026-…`, and until when.
fn wait(waiting: &WaitingFor) -> String {
    let mut text = words::waiting(waiting.what);
    if let Some(what) = in_words(waiting.what()) {
        text += &format!(", {what}");
    }
    if waiting.since.is_some() {
        text += &format!(", since {}", time(waiting.since.as_ref()));
    }
    if waiting.deadline.is_some() {
        text += &format!(", until {} at most", time(waiting.deadline.as_ref()));
    }
    text
}

fn in_words(what: WaitingForWhat) -> Option<&'static str> {
    Some(match what {
        WaitingForWhat::Unspecified => return None,
        WaitingForWhat::Stock => "inventory's answer to the reservation",
        WaitingForWhat::Payment => "payment's answer to the authorization",
        WaitingForWhat::PaymentAction => "the customer's part of the payment",
        WaitingForWhat::PaymentRetry => "another means of payment",
        WaitingForWhat::Hold => "somebody who releases the hold",
        WaitingForWhat::Capture => "the capture of what is owed",
        WaitingForWhat::Dispatch => "the dispatch of goods",
        WaitingForWhat::Delivery => "the delivery of shipments",
        WaitingForWhat::StockRelease => "inventory's release of the stock",
        WaitingForWhat::Refund => "payment's void or refund",
    })
}

/// What an order waits for in few characters: `HOLD, DISPATCH`, or `PAYMENT_ACTION +2`; `-` for nothing.
pub fn waits_for(order: &Order) -> String {
    let words: Vec<_> = order
        .status
        .iter()
        .flat_map(|status| &status.waiting_for)
        .map(|it| words::waiting(it.what))
        .collect();
    let all = words.join(", ");
    match words.split_first() {
        None => "-".to_owned(),
        Some((first, rest)) if all.len() > WAITING_WIDTH => format!("{first} +{}", rest.len()),
        Some(_) => all,
    }
}

/// What was moved so far as facts, without what was not.
pub(super) fn moved(status: Option<&OrderStatus>) -> Vec<(&'static str, String)> {
    let Some(status) = status else { return Vec::new() };
    let some = |sum: &Option<Money>| match sum {
        Some(sum) if sum.minor_units != 0 => money(Some(sum)),
        Some(_) | None => String::new(),
    };
    vec![
        ("authorized", some(&status.authorized)),
        ("captured", some(&status.captured)),
        ("refunded", some(&status.refunded)),
    ]
}
