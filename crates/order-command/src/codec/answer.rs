//! Answers as they are kept with their request_id, and as the wire has them.

use ordermesh_feed::commit::{Answer, Committed};
use ordermesh_feed::event::{kernel_time, wire_time};
use ordermesh_kernel::{OrderId, OrderReference};
use ordermesh_proto::order::v1 as wire;
use prost::Message;
use uuid::Uuid;

use super::wire as value;
use crate::command::OrderChanged;
use crate::command::place_order::OrderPlaced;
use crate::domain::Totals;

/// What PlaceOrder answers, but for the token and `replayed`, which belong to the call.
pub fn place_order_response(answer: &OrderPlaced) -> wire::PlaceOrderResponse {
    wire::PlaceOrderResponse {
        order_id: answer.order_id.to_string(),
        order_reference: answer.order_reference.to_string(),
        revision: answer.revision,
        state: value::state(answer.state).into(),
        totals: Some(value::totals(&answer.totals)),
        amount_due: Some(value::money(answer.amount_due)),
        placed_time: Some(wire_time(answer.placed_time)),
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
        let state = value::domain_state(stored.state());
        let totals = stored.totals?;
        Some(Self {
            order_id: OrderId::parse(&stored.order_id).ok()?,
            order_reference: OrderReference::parse(stored.order_reference).ok()?,
            revision: stored.revision,
            state: state?,
            totals: Totals {
                goods: value::domain_money(totals.goods)?,
                discount: value::domain_money(totals.discount)?,
                shipping: value::domain_money(totals.shipping)?,
                tax: value::domain_money(totals.tax)?,
                total: value::domain_money(totals.total)?,
            },
            amount_due: value::domain_money(stored.amount_due)?,
            placed_time: kernel_time(&stored.placed_time?)?,
        })
    }
}

/// The answer of a command on an order that exists, as its method has it.
pub trait ChangeResponse {
    /// The response of a command that is durable.
    fn of(committed: &Committed<OrderChanged>) -> Self;
}

/// All these responses have the same fields under the same numbers; some name a part of the order, too.
macro_rules! change_responses {
    ($($response:ident $(: $part:ident)?),+ $(,)?) => {$(
        impl ChangeResponse for wire::$response {
            fn of(committed: &Committed<OrderChanged>) -> Self {
                let answer = &committed.answer;
                Self {
                    order_id: answer.order_id.to_string(),
                    revision: answer.revision,
                    state: value::state(answer.state).into(),
                    consistency_token: committed.token.encode(),
                    replayed: committed.replayed,
                    amount_due: answer.amount_due.map(value::money),
                    $($part: answer.part.map_or_else(String::new, |part| part.to_string()),)?
                }
            }
        }
    )+};
}

change_responses! {
    CancelOrderResponse,
    CancelOrderLinesResponse,
    HoldOrderResponse: hold_id,
    ReleaseOrderHoldResponse: hold_id,
    RetryPaymentResponse,
    DispatchShipmentResponse: shipment_id,
    ConfirmShipmentDeliveryResponse: shipment_id,
    ReportShipmentLossResponse: shipment_id,
    RequestReturnResponse: return_id,
    ApproveReturnResponse: return_id,
    RejectReturnResponse: return_id,
    ReceiveReturnResponse: return_id,
    AddOrderNoteResponse: note_id,
}

impl Answer for OrderChanged {
    /// Kept as the response of HoldOrder, whose fields stand for those of all the others.
    fn encode(&self) -> Vec<u8> {
        wire::HoldOrderResponse {
            order_id: self.order_id.to_string(),
            revision: self.revision,
            state: value::state(self.state).into(),
            consistency_token: String::new(),
            replayed: false,
            amount_due: self.amount_due.map(value::money),
            hold_id: self.part.map_or_else(String::new, |part| part.to_string()),
        }
        .encode_to_vec()
    }

    fn decode(bytes: &[u8]) -> Option<Self> {
        let stored = wire::HoldOrderResponse::decode(bytes).ok()?;
        let state = value::domain_state(stored.state())?;
        let part = match stored.hold_id.as_str() {
            "" => None,
            id => Some(Uuid::parse_str(id).ok()?),
        };
        Some(Self {
            order_id: OrderId::parse(&stored.order_id).ok()?,
            revision: stored.revision,
            state,
            // Answers of earlier versions have none.
            amount_due: value::domain_money(stored.amount_due),
            part,
        })
    }
}
