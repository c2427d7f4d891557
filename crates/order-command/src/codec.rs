//! Domain events and answers as stored bytes: the encoded messages of the contract.

use ordermesh_feed::commit::Answer;
use ordermesh_feed::event::{NewEvent, kernel_time, wire_time};
use ordermesh_kernel::{Currency, Money, OrderId, OrderReference};
use ordermesh_proto::common::v1 as common;
use ordermesh_proto::order::v1 as wire;
use prost::Message;

use crate::command::cancel_order::OrderCancellation;
use crate::command::place_order::OrderPlaced;
use crate::domain::{
    Actor, Address, Buyer, Contact, Discount, Line, OrderCreated, OrderEvent, OrderState, PersonalData,
    Shipping, Totals,
};

/// Version of all payloads' schema.
const SCHEMA_VERSION: i32 = 1;

/// An event as the log takes it: the payload, and its personal part beside it.
pub fn encode_event(event: &OrderEvent) -> NewEvent {
    let stamp = event.stamp();
    let mut personal = None;
    let payload = match event {
        OrderEvent::Created(created) => {
            personal = created.terms.personal.as_ref().map(|data| personal_data(data).encode_to_vec());
            order_created(created).encode_to_vec()
        }
        OrderEvent::CancellationRequested(requested) => wire::OrderCancellationRequested {
            order_id: stamp.order_id.to_string(),
            reason: requested.reason.clone(),
            actor: Some(actor(&stamp.actor)),
            amount_due: Some(money(stamp.amount_due)),
            order_revision: stamp.order_revision,
        }
        .encode_to_vec(),
        OrderEvent::Cancelled(cancelled) => wire::OrderCancelled {
            order_id: stamp.order_id.to_string(),
            reason: cancelled.reason.clone(),
            actor: Some(actor(&stamp.actor)),
            amount_due: Some(money(stamp.amount_due)),
            order_revision: stamp.order_revision,
        }
        .encode_to_vec(),
    };
    NewEvent {
        kind: event.name(),
        schema_version: SCHEMA_VERSION,
        key: stamp.order_id.to_string(),
        key_revision: stamp.order_revision,
        occurred: stamp.occurred_time,
        payload,
        personal,
    }
}

/// The payload without its personal part.
fn order_created(created: &OrderCreated) -> wire::OrderCreated {
    let (stamp, terms) = (&created.stamp, &created.terms);
    wire::OrderCreated {
        order_id: stamp.order_id.to_string(),
        order_reference: terms.order_reference.to_string(),
        billing_account_id: terms
            .billing_account_id
            .as_ref()
            .map_or_else(String::new, |id| id.as_str().to_owned()),
        payment_method_token: terms
            .payment_method_token
            .as_ref()
            .map_or_else(String::new, |token| token.as_str().to_owned()),
        lines: terms.lines.iter().map(line).collect(),
        shipping: terms.shipping.as_ref().map(shipping),
        discounts: terms.discounts.iter().map(discount).collect(),
        prices_include_tax: terms.prices_include_tax,
        totals: Some(totals(&terms.totals)),
        amount_due: Some(money(stamp.amount_due)),
        order_revision: stamp.order_revision,
        actor: Some(actor(&stamp.actor)),
        personal_data: None,
        buyer: Some(match &terms.buyer {
            Buyer::Customer(id) => wire::order_created::Buyer::CustomerId(id.as_str().to_owned()),
            Buyer::Guest => wire::order_created::Buyer::Guest(wire::Guest {}),
        }),
    }
}

fn line(line: &Line) -> wire::OrderLine {
    wire::OrderLine {
        line_id: line.line_id,
        sku: line.sku.as_str().to_owned(),
        title: line.title.as_str().to_owned(),
        quantity: line.quantity.get(),
        unit_price: Some(money(line.unit_price)),
        tax_rate_ppm: line.tax_rate.ppm(),
        amount: Some(money(line.amount)),
        discount: Some(money(line.discount)),
        tax: Some(money(line.tax)),
    }
}

fn shipping(shipping: &Shipping) -> wire::ShippingCharge {
    wire::ShippingCharge { amount: Some(money(shipping.amount)), tax_rate_ppm: shipping.tax_rate.ppm() }
}

fn discount(discount: &Discount) -> wire::Discount {
    wire::Discount { code: discount.code.as_str().to_owned(), amount: Some(money(discount.amount)) }
}

fn personal_data(data: &PersonalData) -> wire::OrderPersonalData {
    wire::OrderPersonalData {
        contact: data.contact.as_ref().map(contact),
        ship_to: data.ship_to.as_ref().map(address),
        bill_to: data.bill_to.as_ref().map(address),
    }
}

fn contact(contact: &Contact) -> wire::Contact {
    wire::Contact {
        email: contact.email.as_str().to_owned(),
        name: contact.name.as_ref().map_or_else(String::new, |name| name.as_str().to_owned()),
        locale: contact.locale.as_ref().map_or_else(String::new, |locale| locale.as_str().to_owned()),
    }
}

fn address(address: &Address) -> common::Address {
    let area = address.administrative_area.as_ref();
    common::Address {
        recipient: address.recipient.as_str().to_owned(),
        address_lines: address.address_lines.as_slice().iter().map(|line| line.as_str().to_owned()).collect(),
        locality: address.locality.as_str().to_owned(),
        administrative_area: area.map_or_else(String::new, |area| area.as_str().to_owned()),
        postal_code: address.postal_code.as_ref().map_or_else(String::new, |code| code.as_str().to_owned()),
        country_code: address.country_code.as_str().to_owned(),
    }
}

fn actor(actor: &Actor) -> wire::Actor {
    use wire::actor::Kind;
    let kind = match actor {
        Actor::Workload(name) => Kind::Workload(name.clone()),
        Actor::Staff(id) => Kind::Staff(id.clone()),
        Actor::Customer(id) => Kind::Customer(id.clone()),
        Actor::Policy(name) => Kind::Policy(name.clone()),
    };
    wire::Actor { kind: Some(kind) }
}

fn totals(totals: &Totals) -> wire::OrderTotals {
    wire::OrderTotals {
        goods: Some(money(totals.goods)),
        discount: Some(money(totals.discount)),
        shipping: Some(money(totals.shipping)),
        tax: Some(money(totals.tax)),
        total: Some(money(totals.total)),
    }
}

fn money(money: Money) -> common::Money {
    common::Money { currency_code: money.currency().code().to_owned(), minor_units: money.minor_units() }
}

fn state(state: OrderState) -> wire::OrderState {
    match state {
        OrderState::Placed => wire::OrderState::Placed,
        OrderState::Confirmed => wire::OrderState::Confirmed,
        OrderState::Completed => wire::OrderState::Completed,
        OrderState::Rejected => wire::OrderState::Rejected,
        OrderState::Expired => wire::OrderState::Expired,
        OrderState::Cancelling => wire::OrderState::Cancelling,
        OrderState::Cancelled => wire::OrderState::Cancelled,
    }
}

fn domain_state(state: wire::OrderState) -> Option<OrderState> {
    OrderState::ALL.into_iter().find(|candidate| self::state(*candidate) == state)
}

fn domain_money(money: Option<common::Money>) -> Option<Money> {
    let money = money?;
    Some(Money::new(money.minor_units, Currency::parse(&money.currency_code).ok()?))
}

/// What PlaceOrder answers, but for the token and `replayed`, which belong to the call.
pub fn place_order_response(answer: &OrderPlaced) -> wire::PlaceOrderResponse {
    wire::PlaceOrderResponse {
        order_id: answer.order_id.to_string(),
        order_reference: answer.order_reference.to_string(),
        revision: answer.revision,
        state: state(answer.state).into(),
        totals: Some(totals(&answer.totals)),
        amount_due: Some(money(answer.amount_due)),
        placed_time: Some(wire_time(answer.placed_time)),
        consistency_token: String::new(),
        replayed: false,
    }
}

/// What CancelOrder answers, but for the token and `replayed`, which belong to the call.
pub fn cancel_order_response(answer: &OrderCancellation) -> wire::CancelOrderResponse {
    wire::CancelOrderResponse {
        order_id: answer.order_id.to_string(),
        revision: answer.revision,
        state: state(answer.state).into(),
        consistency_token: String::new(),
        replayed: false,
    }
}

impl Answer for OrderPlaced {
    fn encode(&self) -> Vec<u8> {
        place_order_response(self).encode_to_vec()
    }

    fn decode(bytes: &[u8]) -> Option<Self> {
        let stored = wire::PlaceOrderResponse::decode(bytes).ok()?;
        let state = domain_state(stored.state());
        let totals = stored.totals?;
        Some(Self {
            order_id: OrderId::parse(&stored.order_id).ok()?,
            order_reference: OrderReference::parse(stored.order_reference).ok()?,
            revision: stored.revision,
            state: state?,
            totals: Totals {
                goods: domain_money(totals.goods)?,
                discount: domain_money(totals.discount)?,
                shipping: domain_money(totals.shipping)?,
                tax: domain_money(totals.tax)?,
                total: domain_money(totals.total)?,
            },
            amount_due: domain_money(stored.amount_due)?,
            placed_time: kernel_time(&stored.placed_time?)?,
        })
    }
}

impl Answer for OrderCancellation {
    fn encode(&self) -> Vec<u8> {
        cancel_order_response(self).encode_to_vec()
    }

    fn decode(bytes: &[u8]) -> Option<Self> {
        let stored = wire::CancelOrderResponse::decode(bytes).ok()?;
        let state = domain_state(stored.state())?;
        Some(Self { order_id: OrderId::parse(&stored.order_id).ok()?, revision: stored.revision, state })
    }
}
