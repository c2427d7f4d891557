//! An event of the order feed on one line for people.

use ordermesh_console::json::{MASK, Personal};
use ordermesh_console::order::contact;
use ordermesh_console::render::{money, time};
use ordermesh_proto::order::v1::order_created::Buyer;
use ordermesh_proto::order::v1::order_event::Payload;
use ordermesh_proto::order::v1::{LineQuantity, OrderCreated, OrderEvent, OrderHold, OrderReturn, Shipment};

/// What stands in the columns of [`line`].
pub fn header() -> String {
    let columns = ["POSITION", "RECORDED", "TYPE", "KEY", "REV", "SUMMARY"];
    let [position, recorded, kind, key, revision, summary] = columns;
    format!("{position:>8}  {recorded:<24}  {kind:<26}  {key:<36}  {revision:>3}  {summary}")
}

/// Position, recorded time, type, key, revision, summary.
pub fn line(event: &OrderEvent, personal: Personal) -> String {
    format!(
        "{:>8}  {}  {:<26}  {}  {:>3}  {}",
        event.position,
        time(event.recorded_time.as_ref()),
        event.r#type,
        event.key,
        event.key_revision,
        summary(event, personal),
    )
}

fn summary(event: &OrderEvent, personal: Personal) -> String {
    let Some(payload) = &event.payload else {
        // By the contract, whoever does not know a payload still has its type and position.
        return "(newer than this program)".to_owned();
    };
    match payload {
        Payload::OrderCreated(created) => created_summary(created, personal),
        Payload::OrderCancellationRequested(requested) => reason(&requested.reason),
        Payload::OrderCancelled(cancelled) => reason(&cancelled.reason),
        Payload::OrderRejected(rejected) => {
            let why = rejected.reason().as_str_name().trim_start_matches("REJECTION_REASON_");
            joined(&[why, &rejected.detail])
        }
        Payload::OrderLinesCancelled(cancelled) => joined(&[&pieces(&cancelled.lines), &reason(&cancelled.note)]),
        Payload::OrderHoldPlaced(placed) => hold(placed.hold.as_ref(), ""),
        Payload::OrderHoldReleased(released) => hold(released.hold.as_ref(), &released.note),
        Payload::PaymentRetryRequested(retry) => format!("attempt {}", retry.attempt),
        Payload::ShipmentDispatched(event) => shipment(event.shipment.as_ref()),
        Payload::ShipmentDelivered(event) => shipment(event.shipment.as_ref()),
        Payload::ShipmentLost(event) => joined(&[&shipment(event.shipment.as_ref()), &reason(&event.reason)]),
        Payload::ReturnRequested(event) => goods_back(event.order_return.as_ref()),
        Payload::ReturnApproved(event) => goods_back(event.order_return.as_ref()),
        Payload::ReturnRejected(event) => goods_back(event.order_return.as_ref()),
        Payload::ReturnReceived(event) => goods_back(event.order_return.as_ref()),
        Payload::OrderStockRecorded(event) => {
            let stock = event.status.as_ref().map_or("", |status| {
                status.stock().as_str_name().trim_start_matches("STOCK_STATUS_")
            });
            joined(&[stock, &event.detail])
        }
        Payload::OrderPaymentRecorded(event) => {
            let payment = event.status.as_ref().map_or("", |status| {
                status.payment().as_str_name().trim_start_matches("PAYMENT_STATUS_")
            });
            joined(&[payment, &event.code, &event.detail])
        }
        Payload::OrderConfirmed(_)
        | Payload::OrderExpired(_)
        | Payload::OrderCompleted(_)
        // What the staff writes may be personal.
        | Payload::OrderNoteAdded(_) => String::new(),
    }
}

/// What is not empty, in two spaces' distance.
fn joined(parts: &[&str]) -> String {
    parts.iter().filter(|part| !part.is_empty()).copied().collect::<Vec<_>>().join("  ")
}

fn pieces(lines: &[LineQuantity]) -> String {
    let piece = |line: &LineQuantity| format!("{} of line {}", line.quantity, line.line_id);
    lines.iter().map(piece).collect::<Vec<_>>().join(", ")
}

fn hold(hold: Option<&OrderHold>, note: &str) -> String {
    let Some(hold) = hold else { return String::new() };
    let why = hold.reason().as_str_name().trim_start_matches("HOLD_REASON_");
    joined(&[why, &hold.note, note])
}

fn shipment(shipment: Option<&Shipment>) -> String {
    shipment
        .map_or_else(String::new, |one| joined(&[&pieces(&one.lines), &one.carrier, &one.tracking_number]))
}

fn goods_back(goods: Option<&OrderReturn>) -> String {
    let why = |goods: &OrderReturn| match goods.rejection_reason.as_str() {
        "" => reason(&goods.reason),
        rejection => reason(rejection),
    };
    goods.map_or_else(String::new, |goods| joined(&[&pieces(&goods.lines), &why(goods)]))
}

fn reason(reason: &str) -> String {
    match reason {
        "" => String::new(),
        reason => format!("because: {reason}"),
    }
}

fn created_summary(created: &OrderCreated, personal: Personal) -> String {
    let total = created.totals.as_ref().and_then(|totals| totals.total.as_ref());
    let lines = match created.lines.len() {
        1 => "1 line".to_owned(),
        count => format!("{count} lines"),
    };
    let buyer = match &created.buyer {
        Some(Buyer::CustomerId(id)) => format!("customer {id}"),
        Some(Buyer::Guest(_)) | None => "guest".to_owned(),
    };
    let mut summary = format!("{}  {lines}  {}  {buyer}", created.order_reference, money(total));
    if let Some(known) = created.personal_data.as_ref().and_then(|data| data.contact.as_ref()) {
        let shown = if personal == Personal::Shown { contact(known) } else { MASK.to_owned() };
        summary += &format!(" {shown}");
    }
    summary
}

#[cfg(test)]
mod tests {
    use ordermesh_proto::order::v1::{Contact, OrderCancelled, OrderPersonalData};

    use super::*;

    fn created() -> OrderEvent {
        let contact = Contact { email: "ada@example.com".to_owned(), ..Contact::default() };
        let personal_data =
            Some(OrderPersonalData { contact: Some(contact), ..OrderPersonalData::default() });
        let created =
            OrderCreated { order_reference: "A-1".to_owned(), personal_data, ..OrderCreated::default() };
        OrderEvent { position: 7, payload: Some(Payload::OrderCreated(created)), ..OrderEvent::default() }
    }

    #[test]
    fn personal_data_is_masked_unless_it_is_asked_for() {
        assert!(line(&created(), Personal::Masked).ends_with("A-1  0 lines  -  guest ***"));
        assert!(line(&created(), Personal::Shown).ends_with("guest <ada@example.com>"));
    }

    #[test]
    fn each_column_stands_below_its_name() {
        let event = OrderEvent {
            recorded_time: Some(prost_types::Timestamp::default()),
            r#type: "OrderCreated".to_owned(),
            key: "0190a5c0-0000-7000-8000-000000000000".to_owned(),
            ..created()
        };
        let (header, line) = (header(), line(&event, Personal::Masked));
        for (name, value) in
            [("RECORDED", "1970"), ("TYPE", "OrderCreated"), ("KEY", "0190"), ("SUMMARY", "A-1")]
        {
            assert_eq!(header.find(name), line.find(value), "{name}");
        }
    }

    #[test]
    fn a_cancellation_says_why() {
        let cancelled = OrderCancelled { reason: "changed mind".to_owned(), ..OrderCancelled::default() };
        let event = OrderEvent { payload: Some(Payload::OrderCancelled(cancelled)), ..OrderEvent::default() };
        assert!(line(&event, Personal::Masked).ends_with("because: changed mind"));
    }

    #[test]
    fn an_event_that_is_newer_than_this_program_still_has_its_line() {
        let event = OrderEvent { r#type: "OrderTeleported".to_owned(), ..OrderEvent::default() };
        assert!(line(&event, Personal::Masked).contains("OrderTeleported"));
    }
}
