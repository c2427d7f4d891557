//! Orders as rows and back.

mod load;
mod parts;

use std::fmt::Display;

use ordermesh_kernel::{Currency, Money, OrderId, Timestamp, from_micros, to_micros};
use sea_orm::DbErr;
use uuid::Uuid;

use super::entity::{order, order_address, order_contact, order_discount, order_line, order_terms};
use crate::domain::{
    Address, Buyer, Contact, Discount, Hold, Line, Order, OrderHead, OrderState, PaymentAmounts,
    PaymentStatus, Pieces, Since, StockStatus,
};

pub(super) use load::{Loading, hold};
pub(super) use parts::ChangedParts;

pub(super) fn head_row(head: &OrderHead) -> order::Model {
    let (pieces, since, amounts) = (&head.pieces, &head.since, &head.amounts);
    order::Model {
        order_id: *head.id.as_uuid(),
        state: head.state.as_str().to_owned(),
        revision: head.revision,
        currency: head.currency().code().to_owned(),
        amount_due: head.amount_due.minor_units(),
        cancel_reason: head.cancel_reason.clone(),
        update_time: to_micros(head.update_time),
        stock: head.stock.as_str().to_owned(),
        payment: head.payment.as_str().to_owned(),
        authorized: amounts.authorized.minor_units(),
        captured: amounts.captured.minor_units(),
        refunded: amounts.refunded.minor_units(),
        attempt: head.attempt,
        payment_deadline: head.payment_deadline.map(to_micros),
        due_time: head.due_time().map(to_micros),
        ordered: pieces.ordered,
        cancelled: pieces.cancelled,
        shipped: pieces.shipped,
        delivered: pieces.delivered,
        lost: pieces.lost,
        state_since: to_micros(since.state),
        stock_since: to_micros(since.stock),
        payment_since: to_micros(since.payment),
        goods_since: to_micros(since.goods),
        due_since: to_micros(since.due),
        // At most MAX_HOLDS and one of each other reason.
        holds: head.holds.len() as i32,
        notes: head.notes,
    }
}

/// The head of an order, with the holds that are in force.
pub(super) fn head(row: order::Model, holds: Vec<Hold>) -> Result<OrderHead, DbErr> {
    let id = row.order_id;
    let currency = Currency::parse(&row.currency).map_err(|error| broken(id, &error))?;
    let money = |minor| Money::new(minor, currency);
    Ok(OrderHead {
        id: OrderId::from(id),
        state: OrderState::parse(&row.state).ok_or_else(|| broken(id, &row.state))?,
        revision: row.revision,
        amount_due: money(row.amount_due),
        update_time: time(id, row.update_time)?,
        cancel_reason: row.cancel_reason,
        stock: StockStatus::parse(&row.stock).ok_or_else(|| broken(id, &row.stock))?,
        payment: PaymentStatus::parse(&row.payment).ok_or_else(|| broken(id, &row.payment))?,
        amounts: PaymentAmounts {
            authorized: money(row.authorized),
            captured: money(row.captured),
            refunded: money(row.refunded),
        },
        attempt: row.attempt,
        payment_deadline: row.payment_deadline.map(|deadline| time(id, deadline)).transpose()?,
        pieces: Pieces {
            ordered: row.ordered,
            cancelled: row.cancelled,
            shipped: row.shipped,
            delivered: row.delivered,
            lost: row.lost,
        },
        since: Since {
            state: time(id, row.state_since)?,
            stock: time(id, row.stock_since)?,
            payment: time(id, row.payment_since)?,
            goods: time(id, row.goods_since)?,
            due: time(id, row.due_since)?,
        },
        holds,
        notes: row.notes,
    })
}

/// A row that this version did not write.
fn broken(order_id: Uuid, what: &dyn Display) -> DbErr {
    DbErr::Type(format!("the order {order_id}: {what}"))
}

fn time(order_id: Uuid, micros: i64) -> Result<Timestamp, DbErr> {
    from_micros(micros).map_err(|error| broken(order_id, &error))
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
