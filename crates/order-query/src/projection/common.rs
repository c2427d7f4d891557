//! What every order event says, whatever else it says.

use ordermesh_proto::common::v1::Money;
use ordermesh_proto::order::v1::order_event::Payload;
use ordermesh_proto::order::v1::{Actor, OrderStatus};

/// What all payloads have.
#[derive(Debug, Clone, Copy)]
pub(super) struct Common<'a> {
    /// Who or what caused it.
    pub actor: Option<&'a Actor>,
    /// What the customer owes after it.
    pub amount_due: Option<&'a Money>,
    /// Where the order stands after it; `None` in events of earlier versions.
    pub status: Option<&'a OrderStatus>,
}

macro_rules! common {
    ($payload:expr, $($kind:ident)+) => {
        match $payload {
            $(Payload::$kind(it) => Common {
                actor: it.actor.as_ref(),
                amount_due: it.amount_due.as_ref(),
                status: it.status.as_ref(),
            },)+
        }
    };
}

impl<'a> Common<'a> {
    pub fn of(payload: &'a Payload) -> Self {
        common!(payload,
            OrderCreated OrderCancellationRequested OrderCancelled OrderConfirmed OrderRejected OrderExpired
            OrderLinesCancelled OrderHoldPlaced OrderHoldReleased PaymentRetryRequested
            ShipmentDispatched ShipmentDelivered ShipmentLost
            ReturnRequested ReturnApproved ReturnRejected ReturnReceived
            OrderCompleted OrderStockRecorded OrderPaymentRecorded OrderNoteAdded
        )
    }
}
