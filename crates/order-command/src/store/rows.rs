//! Orders as rows and back.

use ordermesh_kernel::{Currency, Money, OrderId, from_micros, to_micros};
use sea_orm::DbErr;
use uuid::Uuid;

use super::entity::{order, order_address, order_contact, order_discount, order_line, order_terms};
use crate::domain::{Address, Buyer, Contact, Discount, Line, Order, OrderHead, OrderState};

pub(super) fn head_row(head: &OrderHead) -> order::Model {
    order::Model {
        order_id: *head.id.as_uuid(),
        state: head.state.as_str().to_owned(),
        revision: head.revision,
        currency: head.currency().code().to_owned(),
        amount_due: head.amount_due.minor_units(),
        cancel_reason: head.cancel_reason.clone(),
        update_time: to_micros(head.update_time),
    }
}

pub(super) fn head(row: order::Model) -> Result<OrderHead, DbErr> {
    let broken = |what: &dyn std::fmt::Display| DbErr::Type(format!("the order {}: {what}", row.order_id));
    let currency = Currency::parse(&row.currency).map_err(|error| broken(&error))?;
    Ok(OrderHead {
        id: OrderId::from(row.order_id),
        state: OrderState::parse(&row.state).ok_or_else(|| broken(&row.state))?,
        revision: row.revision,
        amount_due: Money::new(row.amount_due, currency),
        update_time: from_micros(row.update_time).map_err(|error| broken(&error))?,
        cancel_reason: row.cancel_reason,
    })
}

/// The rows of new orders, table by table.
#[derive(Default)]
pub(super) struct NewRows {
    pub terms: Vec<order_terms::Model>,
    pub lines: Vec<order_line::Model>,
    pub discounts: Vec<order_discount::Model>,
    pub contacts: Vec<order_contact::Model>,
    pub addresses: Vec<order_address::Model>,
}

impl NewRows {
    /// Adds an order but for its head, which a later command of the batch may have changed.
    pub fn add(&mut self, order: &Order) {
        let (id, terms) = (*order.head.id.as_uuid(), &order.terms);
        self.terms.push(terms_row(id, order));
        self.lines.extend(terms.lines.iter().map(|line| line_row(id, line)));
        self.discounts
            .extend((1..).zip(&terms.discounts).map(|(number, discount)| discount_row(id, number, discount)));
        let Some(personal) = &terms.personal else { return };
        self.contacts.extend(personal.contact.iter().map(|contact| contact_row(id, contact)));
        self.addresses.extend(personal.ship_to.iter().map(|address| address_row(id, "ship_to", address)));
        self.addresses.extend(personal.bill_to.iter().map(|address| address_row(id, "bill_to", address)));
    }
}

fn terms_row(order_id: Uuid, order: &Order) -> order_terms::Model {
    let terms = &order.terms;
    order_terms::Model {
        order_id,
        order_reference: terms.order_reference.as_str().to_owned(),
        customer_id: match &terms.buyer {
            Buyer::Customer(id) => Some(id.as_str().to_owned()),
            Buyer::Guest => None,
        },
        billing_account_id: terms.billing_account_id.as_ref().map(|id| id.as_str().to_owned()),
        payment_method_token: terms.payment_method_token.as_ref().map(|token| token.as_str().to_owned()),
        prices_include_tax: terms.prices_include_tax,
        shipping_amount: terms.shipping.map(|shipping| shipping.amount.minor_units()),
        shipping_tax_rate_ppm: terms.shipping.map(|shipping| shipping.tax_rate.ppm()),
        goods: terms.totals.goods.minor_units(),
        discount: terms.totals.discount.minor_units(),
        shipping: terms.totals.shipping.minor_units(),
        tax: terms.totals.tax.minor_units(),
        total: terms.totals.total.minor_units(),
        placed_time: to_micros(order.placed_time),
    }
}

fn line_row(order_id: Uuid, line: &Line) -> order_line::Model {
    order_line::Model {
        order_id,
        line_id: line.line_id,
        sku: line.sku.as_str().to_owned(),
        title: line.title.as_str().to_owned(),
        quantity: line.quantity.get(),
        unit_price: line.unit_price.minor_units(),
        tax_rate_ppm: line.tax_rate.ppm(),
        amount: line.amount.minor_units(),
        discount: line.discount.minor_units(),
        tax: line.tax.minor_units(),
    }
}

fn discount_row(order_id: Uuid, number: i32, discount: &Discount) -> order_discount::Model {
    let (code, amount) = (discount.code.as_str().to_owned(), discount.amount.minor_units());
    order_discount::Model { order_id, number, code, amount }
}

fn contact_row(order_id: Uuid, contact: &Contact) -> order_contact::Model {
    order_contact::Model {
        order_id,
        email: contact.email.as_str().to_owned(),
        name: contact.name.as_ref().map(|name| name.as_str().to_owned()),
        locale: contact.locale.as_ref().map(|locale| locale.as_str().to_owned()),
    }
}

fn address_row(order_id: Uuid, role: &str, address: &Address) -> order_address::Model {
    let lines: Vec<_> = address.address_lines.as_slice().iter().map(|line| line.as_str()).collect();
    order_address::Model {
        order_id,
        role: role.to_owned(),
        recipient: address.recipient.as_str().to_owned(),
        address_lines: lines.join("\n"),
        locality: address.locality.as_str().to_owned(),
        administrative_area: address.administrative_area.as_ref().map(|area| area.as_str().to_owned()),
        postal_code: address.postal_code.as_ref().map(|code| code.as_str().to_owned()),
        country_code: address.country_code.as_str().to_owned(),
    }
}
