//! An order of the contracts for people: where it stands, its facts, its parts, its sums; and its row in a list. It is here
//! since whoever answers a verb with an order shows it the same: both order servers, and the feed.

mod parts;
mod standing;
mod words;

use ordermesh_proto::common::v1::Address;
use ordermesh_proto::order::v1::order::Buyer;
use ordermesh_proto::order::v1::{Contact, Order, OrderPersonalData, OrderTotals};

pub use standing::waits_for;
pub use words::{actor, state};

use crate::json::{MASK, Personal};
use crate::render::{facts, minute, money, table, time};
use crate::verb::Noun;

/// What the verbs of the order servers are about.
pub const NOUN: Noun = Noun { name: "order", about: "Place, show, list, cancel and follow orders" };

/// Characters of a reference in a list; a longer one is cut.
const REFERENCE_WIDTH: usize = 16;

/// A whole order.
pub fn order(order: &Order, personal: Personal) -> String {
    let mut head = vec![("order", order.order_id.clone()), ("reference", order.order_reference.clone())];
    head.extend(standing::facets(order));
    head.extend(standing::waiting(order));
    head.extend([
        ("revision", order.revision.to_string()),
        ("buyer", buyer(order)),
        ("billing account", order.billing_account_id.clone()),
        ("placed", time(order.placed_time.as_ref())),
        ("changed", time(order.update_time.as_ref())),
        ("cancelled because", order.cancel_reason.clone()),
        ("rejected because", rejection(order)),
    ]);
    head.extend(order.personal_data.iter().flat_map(|data| people(data, personal)));
    format!("{}\n\n{}\n\n{}", facts(&head), parts::tables(order, personal), facts(&sums(order)))
}

fn rejection(order: &Order) -> String {
    match (order.rejection_reason, order.rejection_detail.as_str()) {
        (0, detail) => detail.to_owned(),
        (reason, "") => words::rejection(reason),
        (reason, detail) => format!("{}: {}", words::rejection(reason), words::one_line(detail)),
    }
}

fn sums(order: &Order) -> Vec<(&'static str, String)> {
    let mut sums = totals(order.totals.as_ref(), order.prices_include_tax);
    sums.extend(
        order
            .discounts
            .iter()
            .map(|it| ("discount code", format!("{} {}", it.code, money(it.amount.as_ref())))),
    );
    sums.push(("due", money(order.amount_due.as_ref())));
    sums.extend(standing::moved(order.status.as_ref()));
    sums
}

/// The sums of an order as facts.
pub fn totals(totals: Option<&OrderTotals>, include_tax: bool) -> Vec<(&'static str, String)> {
    let Some(totals) = totals else { return Vec::new() };
    vec![
        ("goods", money(totals.goods.as_ref())),
        ("discount", money(totals.discount.as_ref())),
        ("shipping", money(totals.shipping.as_ref())),
        (if include_tax { "tax included" } else { "tax" }, money(totals.tax.as_ref())),
        ("total", money(totals.total.as_ref())),
    ]
}

/// A page of orders, a row each, which fits 120 characters unless an order costs ten millions and more.
pub fn list(orders: &[Order]) -> String {
    let row = |order: &Order| {
        let total = order.totals.as_ref().and_then(|totals| totals.total.as_ref());
        [
            order.order_id.clone(),
            cut(&order.order_reference),
            state(order.state),
            waits_for(order),
            minute(order.placed_time.as_ref()),
            money(total),
        ]
    };
    table(["ORDER", "REFERENCE", "STATE", "WAITS FOR", "PLACED (UTC)", "TOTAL"], orders.iter().map(row))
}

fn cut(reference: &str) -> String {
    match reference.char_indices().nth(REFERENCE_WIDTH) {
        None => reference.to_owned(),
        Some(_) => reference.chars().take(REFERENCE_WIDTH - 1).chain(['…']).collect(),
    }
}

fn buyer(order: &Order) -> String {
    match &order.buyer {
        Some(Buyer::CustomerId(id)) => format!("customer {id}"),
        Some(Buyer::Guest(_)) | None => "guest".to_owned(),
    }
}

fn people(data: &OrderPersonalData, personal: Personal) -> Vec<(&'static str, String)> {
    let show = |text: String| match personal {
        Personal::Shown => text,
        Personal::Masked => MASK.to_owned(),
    };
    let mut facts = Vec::new();
    facts.extend(data.contact.iter().map(|it| ("contact", show(contact(it)))));
    facts.extend(data.ship_to.iter().map(|it| ("ship to", show(address(it)))));
    facts.extend(data.bill_to.iter().map(|it| ("bill to", show(address(it)))));
    facts
}

/// `Ada <ada@example.com> en-GB`, whatever of it is there.
pub fn contact(contact: &Contact) -> String {
    let parts = [contact.name.clone(), format!("<{}>", contact.email), contact.locale.clone()];
    parts.into_iter().filter(|part| !part.is_empty()).collect::<Vec<_>>().join(" ")
}

fn address(address: &Address) -> String {
    let parts = std::iter::once(&address.recipient).chain(&address.address_lines).chain([
        &address.postal_code,
        &address.locality,
        &address.administrative_area,
        &address.country_code,
    ]);
    parts.filter(|part| !part.is_empty()).cloned().collect::<Vec<_>>().join(", ")
}

#[cfg(test)]
mod tests;
