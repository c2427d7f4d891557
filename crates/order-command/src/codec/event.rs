//! Events as the log takes them.

use ordermesh_feed::event::{NewEvent, wire_time};
use ordermesh_kernel::Timestamp;
use ordermesh_proto::common::v1 as common;
use ordermesh_proto::order::v1 as wire;
use prost::Message;

use super::wire as value;
use crate::domain::{Buyer, Fact, OrderEvent, OrderTerms};

/// Version of the schema of a payload that has been in the log before its order's facets were.
const WITH_STATUS: i32 = 2;
/// Version of the others.
const FIRST: i32 = 1;

/// An event as the log takes it: the payload, and its personal part beside it.
pub fn encode_event(event: &OrderEvent) -> NewEvent {
    let stamp = &event.stamp;
    let schema_version = match &event.fact {
        Fact::Created { .. } | Fact::CancellationRequested { .. } | Fact::Cancelled { .. } => WITH_STATUS,
        _ => FIRST,
    };
    NewEvent {
        kind: event.name(),
        schema_version,
        key: stamp.order_id.to_string(),
        key_revision: stamp.order_revision,
        occurred: stamp.occurred_time,
        payload: payload(event),
        personal: personal(&event.fact),
    }
}

/// What every payload has.
struct Common {
    order_id: String,
    actor: Option<wire::Actor>,
    amount_due: Option<common::Money>,
    order_revision: i64,
    status: Option<wire::OrderStatus>,
}

/// A message with what every payload has, and fields of its own.
macro_rules! message {
    ($message:ident, $common:ident $(, $field:ident: $value:expr)* $(,)?) => {{
        let Common { order_id, actor, amount_due, order_revision, status } = $common;
        wire::$message { order_id, actor, amount_due, order_revision, status, $($field: $value,)* }
            .encode_to_vec()
    }};
}

/// The personal part of what happened.
fn personal(fact: &Fact) -> Option<Vec<u8>> {
    match fact {
        Fact::Created { terms, .. } => {
            terms.personal.as_ref().map(|data| value::personal_data(data).encode_to_vec())
        }
        Fact::NoteAdded { text, .. } => {
            Some(wire::OrderNoteText { text: text.as_str().to_owned() }.encode_to_vec())
        }
        _ => None,
    }
}

/// The payload without its personal part: in one piece, since it is one table.
fn payload(event: &OrderEvent) -> Vec<u8> {
    let stamp = &event.stamp;
    let common = Common {
        order_id: stamp.order_id.to_string(),
        actor: Some(value::actor(&stamp.actor)),
        amount_due: Some(value::money(stamp.amount_due)),
        order_revision: stamp.order_revision,
        status: Some(value::status(&event.status)),
    };
    match &event.fact {
        Fact::Created { terms, payment_deadline } => {
            order_created(common, terms, *payment_deadline).encode_to_vec()
        }
        Fact::NoteAdded { id, text: _ } => {
            message!(OrderNoteAdded, common, note_id: id.to_string(), personal_data: None)
        }
        Fact::CancellationRequested { reason } => {
            message!(OrderCancellationRequested, common, reason: reason.clone())
        }
        Fact::Cancelled { reason } => message!(OrderCancelled, common, reason: reason.clone()),
        Fact::Confirmed => message!(OrderConfirmed, common),
        Fact::Completed => message!(OrderCompleted, common),
        Fact::Rejected { reason, detail } => message!(OrderRejected, common,
            reason: value::rejection_reason(*reason).into(),
            detail: detail.clone(),
        ),
        Fact::Expired { payment_deadline } => {
            message!(OrderExpired, common, payment_deadline: Some(wire_time(*payment_deadline)))
        }
        Fact::LinesCancelled { lines, progress, reason, note } => message!(OrderLinesCancelled, common,
            lines: value::quantities(lines),
            progress: value::progress(progress),
            reason: value::cancel_reason(*reason).into(),
            note: note.clone(),
        ),
        Fact::HoldPlaced(hold) => message!(OrderHoldPlaced, common, hold: Some(value::hold(hold))),
        Fact::HoldReleased { hold, note } => {
            message!(OrderHoldReleased, common, hold: Some(value::hold(hold)), note: note.clone())
        }
        Fact::PaymentRetryRequested { token, attempt } => message!(PaymentRetryRequested, common,
            payment_method_token: token.as_str().to_owned(),
            attempt: *attempt,
        ),
        Fact::StockRecorded { stock: _, detail } => {
            message!(OrderStockRecorded, common, detail: detail.clone())
        }
        Fact::PaymentRecorded { payment: _, amounts: _, attempt, code, detail, action_url } => {
            message!(OrderPaymentRecorded, common,
                attempt: *attempt,
                code: code.clone(),
                detail: detail.clone(),
                action_url: action_url.clone(),
            )
        }
        Fact::ShipmentDispatched { shipment, progress } => message!(ShipmentDispatched, common,
            shipment: Some(value::shipment(shipment)),
            progress: value::progress(progress),
        ),
        Fact::ShipmentDelivered { shipment, progress } => message!(ShipmentDelivered, common,
            shipment: Some(value::shipment(shipment)),
            progress: value::progress(progress),
        ),
        Fact::ShipmentLost { shipment, progress, reason } => message!(ShipmentLost, common,
            shipment: Some(value::shipment(shipment)),
            progress: value::progress(progress),
            reason: reason.clone(),
        ),
        Fact::ReturnRequested(goods) => {
            message!(ReturnRequested, common, order_return: Some(value::goods_back(goods)))
        }
        Fact::ReturnApproved(goods) => {
            message!(ReturnApproved, common, order_return: Some(value::goods_back(goods)))
        }
        Fact::ReturnRejected(goods) => {
            message!(ReturnRejected, common, order_return: Some(value::goods_back(goods)))
        }
        Fact::ReturnReceived { goods, progress } => message!(ReturnReceived, common,
            order_return: Some(value::goods_back(goods)),
            progress: value::progress(progress),
        ),
    }
}

fn order_created(
    common: Common,
    terms: &OrderTerms,
    payment_deadline: Option<Timestamp>,
) -> wire::OrderCreated {
    let Common { order_id, actor, amount_due, order_revision, status } = common;
    wire::OrderCreated {
        order_id,
        order_reference: terms.order_reference.to_string(),
        billing_account_id: terms
            .billing_account_id
            .as_ref()
            .map_or_else(String::new, |id| id.as_str().to_owned()),
        payment_method_token: terms
            .payment_method_token
            .as_ref()
            .map_or_else(String::new, |token| token.as_str().to_owned()),
        lines: terms.lines.iter().map(value::line).collect(),
        shipping: terms.shipping.as_ref().map(value::shipping),
        discounts: terms.discounts.iter().map(value::discount).collect(),
        prices_include_tax: terms.prices_include_tax,
        totals: Some(value::totals(&terms.totals)),
        amount_due,
        order_revision,
        actor,
        personal_data: None,
        status,
        payment_deadline: payment_deadline.map(wire_time),
        buyer: Some(match &terms.buyer {
            Buyer::Customer(id) => wire::order_created::Buyer::CustomerId(id.as_str().to_owned()),
            Buyer::Guest => wire::order_created::Buyer::Guest(wire::Guest {}),
        }),
    }
}
