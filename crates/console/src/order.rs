//! An order of the contracts for people: its facts, its lines, its sums; and its row in a list. It is here since whoever
//! answers a verb with an order shows it the same: both order servers, and the feed.

use ordermesh_proto::common::v1::Address;
use ordermesh_proto::order::v1::order::Buyer;
use ordermesh_proto::order::v1::{Contact, Order, OrderPersonalData, OrderState, OrderTotals};

use crate::json::{MASK, Personal};
use crate::render::{facts, money, table, tax_rate, time};
use crate::verb::Noun;

/// What the verbs of the order servers are about.
pub const NOUN: Noun = Noun { name: "order", about: "Place, show, list, cancel and follow orders" };

/// A whole order.
pub fn order(order: &Order, personal: Personal) -> String {
    let mut head = vec![
        ("order", order.order_id.clone()),
        ("reference", order.order_reference.clone()),
        ("state", state(order.state)),
        ("revision", order.revision.to_string()),
        ("buyer", buyer(order)),
        ("billing account", order.billing_account_id.clone()),
        ("placed", time(order.placed_time.as_ref())),
        ("changed", time(order.update_time.as_ref())),
        ("cancelled because", order.cancel_reason.clone()),
    ];
    head.extend(order.personal_data.iter().flat_map(|data| people(data, personal)));
    let mut sums = totals(order.totals.as_ref(), order.prices_include_tax);
    sums.extend(
        order
            .discounts
            .iter()
            .map(|it| ("discount code", format!("{} {}", it.code, money(it.amount.as_ref())))),
    );
    sums.push(("due", money(order.amount_due.as_ref())));
    format!("{}\n\n{}\n\n{}", facts(&head), lines(order), facts(&sums))
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

/// A page of orders, a row each.
pub fn list(orders: &[Order]) -> String {
    let row = |order: &Order| {
        let total = order.totals.as_ref().and_then(|totals| totals.total.as_ref());
        [
            order.order_id.clone(),
            order.order_reference.clone(),
            state(order.state),
            buyer(order),
            order.lines.len().to_string(),
            money(total),
            time(order.placed_time.as_ref()),
        ]
    };
    table(["ORDER", "REFERENCE", "STATE", "BUYER", "LINES", "TOTAL", "PLACED"], orders.iter().map(row))
}

/// A state such as `PLACED`; the number of a state that is newer than this program.
pub fn state(state: i32) -> String {
    OrderState::try_from(state).map_or(format!("STATE {state}"), |state| {
        state.as_str_name().trim_start_matches("ORDER_STATE_").to_owned()
    })
}

fn buyer(order: &Order) -> String {
    match &order.buyer {
        Some(Buyer::CustomerId(id)) => format!("customer {id}"),
        Some(Buyer::Guest(_)) | None => "guest".to_owned(),
    }
}

fn lines(order: &Order) -> String {
    let rows = order.lines.iter().map(|line| {
        [
            line.line_id.to_string(),
            line.sku.clone(),
            line.title.clone(),
            line.quantity.to_string(),
            money(line.unit_price.as_ref()),
            money(line.amount.as_ref()),
            money(line.discount.as_ref()),
            tax_rate(line.tax_rate_ppm),
            money(line.tax.as_ref()),
        ]
    });
    table(["LINE", "SKU", "TITLE", "PIECES", "PRICE", "AMOUNT", "DISCOUNT", "RATE", "TAX"], rows)
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
mod tests {
    use super::*;

    #[test]
    fn a_state_that_is_newer_than_this_program_is_a_number() {
        assert_eq!(state(OrderState::Placed as i32), "PLACED");
        assert_eq!(state(99), "STATE 99");
    }
}
