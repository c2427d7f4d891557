//! The order's events in payment's own words: the only place that knows them.

use ordermesh_kernel::{Currency, Money, OrderId, PaymentMethodToken};
use ordermesh_proto::common::v1 as common;
use ordermesh_proto::order::v1::OrderEvent;
use ordermesh_proto::order::v1::order_event::Payload;

use crate::domain::{OrderFact, OrderFactKind};

/// What an event of an order says; none when it is of a kind that came later than this server, and says nothing that it
/// knows. An error when it breaks its contract.
pub(super) fn fact(event: &OrderEvent) -> Result<Option<OrderFact>, String> {
    let Some(payload) = &event.payload else { return Ok(None) };
    let (revision, due) = owed(payload);
    Ok(Some(OrderFact {
        order_id: OrderId::parse(&event.key).map_err(|error| format!("the key {error}"))?,
        order_revision: match revision > 0 {
            true => revision,
            false => return Err("it has no order_revision".to_owned()),
        },
        amount_due: money(due.as_ref())?,
        correlation_id: event.correlation_id.clone(),
        kind: kind(payload)?,
    }))
}

fn kind(payload: &Payload) -> Result<OrderFactKind, String> {
    Ok(match payload {
        Payload::OrderCreated(created) => {
            let token = Some(&created.payment_method_token).filter(|token| !token.is_empty());
            OrderFactKind::Created { token: token.map(|token| method(token)).transpose()? }
        }
        Payload::PaymentRetryRequested(retry) => OrderFactKind::RetryRequested {
            token: method(&retry.payment_method_token)?,
            attempt: retry.attempt,
        },
        Payload::OrderConfirmed(_) => OrderFactKind::Confirmed,
        Payload::OrderRejected(_) | Payload::OrderExpired(_) | Payload::OrderCancellationRequested(_) => {
            OrderFactKind::Ended
        }
        _ => OrderFactKind::Changed,
    })
}

fn method(token: &str) -> Result<PaymentMethodToken, String> {
    PaymentMethodToken::parse(token).map_err(|error| format!("payment_method_token {error}"))
}

fn money(wire: Option<&common::Money>) -> Result<Money, String> {
    let wire = wire.ok_or("it has no amount_due")?;
    let currency = Currency::parse(&wire.currency_code).map_err(|error| format!("amount_due: {error}"))?;
    Ok(Money::new(wire.minor_units, currency))
}

/// Revision and amount due, which every event of an order carries.
fn owed(payload: &Payload) -> (i64, Option<common::Money>) {
    macro_rules! of {
        ($($kind:ident),* $(,)?) => {
            match payload {
                $(Payload::$kind(event) => (event.order_revision, event.amount_due.clone()),)*
            }
        };
    }
    of!(
        OrderCreated,
        OrderCancellationRequested,
        OrderCancelled,
        OrderConfirmed,
        OrderRejected,
        OrderExpired,
        OrderLinesCancelled,
        OrderHoldPlaced,
        OrderHoldReleased,
        PaymentRetryRequested,
        ShipmentDispatched,
        ShipmentDelivered,
        ShipmentLost,
        ReturnRequested,
        ReturnApproved,
        ReturnRejected,
        ReturnReceived,
        OrderCompleted,
        OrderStockRecorded,
        OrderPaymentRecorded,
        OrderNoteAdded,
    )
}
