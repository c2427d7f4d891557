//! What inventory and payment say, in order's own words: the one place that knows their events.

use ordermesh_kernel::{Currency, Money, OrderId};
use ordermesh_proto::common::v1 as common;
use ordermesh_proto::inventory::v1 as inventory;
use ordermesh_proto::inventory::v1::inventory_event::Payload as StockPayload;
use ordermesh_proto::payment::v1 as payment;
use ordermesh_proto::payment::v1::payment_event::Payload as PaymentPayload;

use crate::domain::{LineQuantity, PaymentAmounts, PaymentFact, PaymentNews, StockFact};

/// What an event of inventory says about an order; none when it is about none, or of a kind that order has no use for.
pub(super) fn stock_fact(event: &inventory::InventoryEvent) -> Result<Option<(OrderId, StockFact)>, String> {
    let (order_id, fact) = match event.payload.as_ref().ok_or("it has no payload")? {
        StockPayload::StockReserved(reserved) => (&reserved.order_id, StockFact::Reserved),
        StockPayload::StockRejected(rejected) => {
            (&rejected.order_id, StockFact::Rejected { detail: shortages(rejected) })
        }
        StockPayload::StockReleased(released) => {
            (&released.order_id, StockFact::Released { whole: released.whole })
        }
        StockPayload::StockShortfallDetected(lost) => {
            (&lost.order_id, StockFact::Shortfall { left: remainders(lost)? })
        }
        StockPayload::StockAdjusted(_) | StockPayload::ReorderLevelSet(_) => return Ok(None),
    };
    // A reservation that belongs to no order.
    if order_id.is_empty() {
        return Ok(None);
    }
    Ok(Some((order(order_id)?, fact)))
}

fn order(id: &str) -> Result<OrderId, String> {
    OrderId::parse(id).map_err(|error| format!("order_id {error}"))
}

fn shortages(rejected: &inventory::StockRejected) -> String {
    let shortage = |short: &inventory::StockShortage| {
        format!("{} of {} wanted, {} there", short.requested, short.sku, short.available)
    };
    match rejected.reason() {
        inventory::StockRejectionReason::ReleasedBefore => "released before it was reserved".to_owned(),
        _ => rejected.shortages.iter().map(shortage).collect::<Vec<_>>().join("; "),
    }
}

/// What is left of each line that has lost pieces.
fn remainders(lost: &inventory::StockShortfallDetected) -> Result<Vec<LineQuantity>, String> {
    let left = |line: &inventory::LineRemainder| match line.reserved {
        quantity @ 0.. => Ok(LineQuantity { line_id: line.line_id, quantity }),
        less => Err(format!("line {} has {less} pieces reserved", line.line_id)),
    };
    match lost.remainders.is_empty() {
        true => Err("it says of no line what is left".to_owned()),
        false => lost.remainders.iter().map(left).collect(),
    }
}

/// What every event of payment carries.
struct Common<'a> {
    order_id: &'a str,
    attempt: i32,
    amounts: Option<&'a payment::PaymentAmounts>,
    code: &'a str,
    detail: &'a str,
}

macro_rules! common {
    ($event:ident) => {
        common!($event, "", "")
    };
    ($event:ident, $code:expr, $detail:expr) => {
        Common {
            order_id: &$event.order_id,
            attempt: $event.attempt,
            amounts: $event.amounts.as_ref(),
            code: $code,
            detail: $detail,
        }
    };
}

/// What an event of payment says about an order.
pub(super) fn payment_fact(event: &payment::PaymentEvent) -> Result<(OrderId, PaymentFact), String> {
    let (common, what) = match event.payload.as_ref().ok_or("it has no payload")? {
        PaymentPayload::PaymentAuthorized(event) => (common!(event), PaymentNews::Authorized),
        PaymentPayload::PaymentActionRequired(event) => {
            (common!(event), PaymentNews::ActionRequired { url: event.action_url.clone() })
        }
        PaymentPayload::PaymentDeclined(event) => {
            (common!(event, &event.code, &event.detail), PaymentNews::Declined { retryable: event.retryable })
        }
        PaymentPayload::PaymentOutcomeUnknown(event) => {
            (common!(event, "", &event.detail), PaymentNews::OutcomeUnknown)
        }
        PaymentPayload::PaymentCaptured(event) => (common!(event), PaymentNews::Captured),
        PaymentPayload::PaymentCaptureFailed(event) => {
            (common!(event, &event.code, &event.detail), PaymentNews::CaptureFailed)
        }
        PaymentPayload::PaymentVoided(event) => (common!(event), PaymentNews::Voided),
        PaymentPayload::PaymentRefunded(event) => (common!(event), PaymentNews::Refunded),
        PaymentPayload::RefundFailed(event) => {
            (common!(event, &event.code, &event.detail), PaymentNews::RefundFailed)
        }
    };
    let amounts = common.amounts.ok_or("it has no amounts")?;
    let amounts = PaymentAmounts {
        authorized: money(amounts.authorized.as_ref(), "authorized")?,
        captured: money(amounts.captured.as_ref(), "captured")?,
        refunded: money(amounts.refunded.as_ref(), "refunded")?,
    };
    let (code, detail) = (common.code.to_owned(), common.detail.to_owned());
    let fact = PaymentFact { what, amounts, attempt: common.attempt, code, detail };
    Ok((order(common.order_id)?, fact))
}

fn money(money: Option<&common::Money>, what: &str) -> Result<Money, String> {
    let money = money.ok_or_else(|| format!("it has no amount {what}"))?;
    let currency = Currency::parse(&money.currency_code).map_err(|error| format!("{what}: {error}"))?;
    Ok(Money::new(money.minor_units, currency))
}
