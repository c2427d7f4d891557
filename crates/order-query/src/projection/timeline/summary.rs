//! An event as one line for people. It quotes what people wrote as a reason and what the platform told as a detail; it
//! never quotes notes, names or addresses.

use std::collections::BTreeMap;

use ordermesh_kernel::{Currency, Money};
use ordermesh_proto::common::v1 as common;
use ordermesh_proto::order::v1::order_event::Payload;
use ordermesh_proto::order::v1::{
    LineQuantity, Order, OrderHold, OrderLinesCancelled, OrderPaymentRecorded, OrderReturn, OrderStatus,
    OrderStockRecorded, PaymentStatus, ReceivedLine, Shipment,
};

use crate::projection::words::in_words;

/// Lines that are named; of further ones only the number is told.
const NAMED_LINES: usize = 3;

/// The line of an event, after which the order is `order`.
pub(super) fn summary(payload: &Payload, order: &Order) -> String {
    match payload {
        Payload::OrderCreated(_) => placed(order),
        Payload::OrderConfirmed(_) => "confirmed".to_owned(),
        Payload::OrderRejected(it) => with(&format!("rejected, {}", in_words(it.reason())), &it.detail),
        Payload::OrderExpired(_) => "expired: the payment was not there in time".to_owned(),
        Payload::OrderCancellationRequested(it) => with("cancellation requested", &it.reason),
        Payload::OrderCancelled(it) => with("cancelled", &it.reason),
        Payload::OrderLinesCancelled(it) => lines_cancelled(it, order),
        Payload::OrderHoldPlaced(it) => held("held", it.hold.as_ref(), |hold| &hold.note),
        Payload::OrderHoldReleased(it) => held("hold released", it.hold.as_ref(), |_| &it.note),
        Payload::PaymentRetryRequested(it) => {
            format!("payment to be tried again, attempt {}", it.attempt)
        }
        Payload::ShipmentDispatched(it) => dispatched(it.shipment.as_ref(), order),
        Payload::ShipmentDelivered(it) => format!("delivered: {}", shipped(it.shipment.as_ref(), order)),
        Payload::ShipmentLost(it) => {
            with(&format!("lost on the way, {}", shipped(it.shipment.as_ref(), order)), &it.reason)
        }
        Payload::ReturnRequested(it) => {
            returned("return requested", it.order_return.as_ref(), order, |it| &it.reason)
        }
        Payload::ReturnApproved(it) => returned("return approved", it.order_return.as_ref(), order, |_| ""),
        Payload::ReturnRejected(it) => {
            returned("return rejected", it.order_return.as_ref(), order, |it| &it.rejection_reason)
        }
        Payload::ReturnReceived(it) => received(it.order_return.as_ref(), order),
        Payload::OrderCompleted(_) => "completed".to_owned(),
        Payload::OrderStockRecorded(it) => stock(it),
        Payload::OrderPaymentRecorded(it) => payment(it),
        Payload::OrderNoteAdded(_) => "note added".to_owned(),
    }
}

fn placed(order: &Order) -> String {
    let total = order.totals.as_ref().and_then(|totals| totals.total.as_ref());
    let lines = counted(order.lines.len(), "line");
    format!("placed: {lines}, {}", total.map_or_else(String::new, amount))
}

fn lines_cancelled(cancelled: &OrderLinesCancelled, order: &Order) -> String {
    let pieces = pieces(&cancelled.lines, order);
    with(&format!("cancelled {pieces}, {}", in_words(cancelled.reason())), &cancelled.note)
}

fn held<'a>(what: &str, hold: Option<&'a OrderHold>, why: impl Fn(&'a OrderHold) -> &'a String) -> String {
    hold.map_or_else(
        || what.to_owned(),
        |hold| with(&format!("{what}, {}", in_words(hold.reason())), why(hold)),
    )
}

fn dispatched(shipment: Option<&Shipment>, order: &Order) -> String {
    let mut line = format!("dispatched: {}", shipped(shipment, order));
    if let Some(shipment) = shipment {
        for (before, text) in [(" by ", &shipment.carrier), (", tracking number ", &shipment.tracking_number)]
        {
            if !text.is_empty() {
                line += &format!("{before}{}", one_line(text));
            }
        }
    }
    line
}

fn shipped(shipment: Option<&Shipment>, order: &Order) -> String {
    pieces(shipment.map_or(&[], |shipment| &shipment.lines), order)
}

fn returned<'a>(
    what: &str,
    of: Option<&'a OrderReturn>,
    order: &Order,
    why: impl Fn(&'a OrderReturn) -> &'a str,
) -> String {
    let Some(of) = of else { return what.to_owned() };
    with(&format!("{what}, {}", pieces(&of.lines, order)), why(of))
}

fn received(of: Option<&OrderReturn>, order: &Order) -> String {
    let quantity =
        |line: &ReceivedLine| LineQuantity { line_id: line.line_id, quantity: line.accepted_quantity };
    let accepted: Vec<_> = of.into_iter().flat_map(|of| &of.received).map(quantity).collect();
    match accepted.is_empty() {
        true => "return received, nothing accepted".to_owned(),
        false => format!("return received, accepted {}", pieces(&accepted, order)),
    }
}

fn stock(recorded: &OrderStockRecorded) -> String {
    let stock = recorded.status.as_ref().map(|status| in_words(status.stock()));
    with(&format!("stock {}", stock.unwrap_or_default()), &recorded.detail)
}

fn payment(recorded: &OrderPaymentRecorded) -> String {
    let status = recorded.status.as_ref();
    let mut line =
        format!("payment {}", status.map_or_else(String::new, |status| in_words(status.payment())));
    if let Some(money) = status.and_then(moved) {
        line += &format!(", {}", amount(money));
    }
    if recorded.attempt > 1 {
        line += &format!(", attempt {}", recorded.attempt);
    }
    if !recorded.code.is_empty() {
        line += &format!(", {}", one_line(&recorded.code));
    }
    with(&line, &recorded.detail)
}

/// The sum that goes with where the payment stands.
fn moved(status: &OrderStatus) -> Option<&common::Money> {
    match status.payment() {
        PaymentStatus::Authorized => status.authorized.as_ref(),
        PaymentStatus::PartlyCaptured | PaymentStatus::Captured => status.captured.as_ref(),
        PaymentStatus::PartlyRefunded | PaymentStatus::Refunded => status.refunded.as_ref(),
        PaymentStatus::Unspecified
        | PaymentStatus::NotRequired
        | PaymentStatus::Pending
        | PaymentStatus::ActionRequired
        | PaymentStatus::Declined
        | PaymentStatus::Voided
        | PaymentStatus::Unknown => None,
    }
}

/// `2 × TEA, 1 × CUP and 4 more lines`. Pieces of a line that are told apart by their condition are one sum.
fn pieces(lines: &[LineQuantity], order: &Order) -> String {
    let mut sums = BTreeMap::<i32, i64>::new();
    for line in lines {
        *sums.entry(line.line_id).or_default() += i64::from(line.quantity);
    }
    let named = sums.iter().take(NAMED_LINES).map(|(line_id, quantity)| {
        match order.lines.iter().find(|line| line.line_id == *line_id) {
            Some(line) => format!("{quantity} × {}", line.sku),
            None => format!("{quantity} of line {line_id}"),
        }
    });
    let named = named.collect::<Vec<_>>().join(", ");
    match sums.len().saturating_sub(NAMED_LINES) {
        0 => named,
        more => format!("{named} and {}", counted(more, "more line")),
    }
}

fn counted(count: usize, what: &str) -> String {
    format!("{count} {what}{}", if count == 1 { "" } else { "s" })
}

fn amount(money: &common::Money) -> String {
    match Currency::parse(&money.currency_code) {
        Ok(currency) => Money::new(money.minor_units, currency).to_string(),
        // A currency may be withdrawn after the order: history keeps it, though its decimals are forgotten.
        Err(_) => format!("{} minor units of {}", money.minor_units, money.currency_code),
    }
}

fn with(what: &str, why: &str) -> String {
    match one_line(why).as_str() {
        "" => what.to_owned(),
        why => format!("{what}: {why}"),
    }
}

fn one_line(text: &str) -> String {
    let words = text.split(|c: char| c.is_whitespace() || c.is_control()).filter(|word| !word.is_empty());
    words.collect::<Vec<_>>().join(" ")
}
