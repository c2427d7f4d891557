//! An event of the order feed on one line for people.

use ordermesh_console::json::{MASK, Personal};
use ordermesh_console::order::{contact, words};
use ordermesh_console::render::{money, time};
use ordermesh_proto::order::v1::order_created::Buyer;
use ordermesh_proto::order::v1::order_event::Payload;
use ordermesh_proto::order::v1::{OrderCreated, OrderEvent, OrderPaymentRecorded, OrderReturn, Shipment};

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
    // By the contract, whoever does not know a payload still has its type and position.
    let Some(payload) = &event.payload else { return "(newer than this program)".to_owned() };
    match payload {
        Payload::OrderCreated(it) => created_summary(it, personal),
        Payload::OrderConfirmed(_) | Payload::OrderExpired(_) | Payload::OrderCompleted(_) => String::new(),
        Payload::OrderRejected(it) => because(&words::rejection(it.reason), &it.detail),
        Payload::OrderCancellationRequested(it) => because("", &it.reason),
        Payload::OrderCancelled(it) => because("", &it.reason),
        Payload::OrderLinesCancelled(it) => because(&counted(it.lines.len(), "line"), &it.note),
        Payload::OrderHoldPlaced(it) => it
            .hold
            .as_ref()
            .map_or_else(String::new, |hold| because(&words::hold_reason(hold.reason), &hold.note)),
        Payload::OrderHoldReleased(it) => because("", &it.note),
        Payload::PaymentRetryRequested(it) => format!("attempt {}", it.attempt),
        Payload::ShipmentDispatched(it) => shipment(it.shipment.as_ref()),
        Payload::ShipmentDelivered(it) => shipment(it.shipment.as_ref()),
        Payload::ShipmentLost(it) => shipment(it.shipment.as_ref()),
        Payload::ReturnRequested(it) => sent_back(it.order_return.as_ref()),
        Payload::ReturnApproved(it) => sent_back(it.order_return.as_ref()),
        Payload::ReturnRejected(it) => sent_back(it.order_return.as_ref()),
        Payload::ReturnReceived(it) => sent_back(it.order_return.as_ref()),
        Payload::OrderStockRecorded(it) => because(
            &it.status.as_ref().map_or_else(String::new, |status| words::stock(status.stock)),
            &it.detail,
        ),
        Payload::OrderPaymentRecorded(it) => payment(it),
        Payload::OrderNoteAdded(it) => match (&it.personal_data, personal) {
            (None, _) => String::new(),
            (Some(_), Personal::Masked) => MASK.to_owned(),
            (Some(note), Personal::Shown) => words::one_line(&note.text),
        },
    }
}

/// What is so, then why; whatever of it is there, on one line.
fn because(what: &str, why: &str) -> String {
    match (what, words::one_line(why).as_str()) {
        (what, "") => what.to_owned(),
        ("", why) => format!("because: {why}"),
        (what, why) => format!("{what}  because: {why}"),
    }
}

fn counted(count: usize, what: &str) -> String {
    format!("{count} {what}{}", if count == 1 { "" } else { "s" })
}

fn shipment(of: Option<&Shipment>) -> String {
    let Some(of) = of else { return String::new() };
    let parts =
        [counted(of.lines.len(), "line"), words::one_line(&of.carrier), words::one_line(&of.tracking_number)];
    parts.into_iter().filter(|part| !part.is_empty()).collect::<Vec<_>>().join("  ")
}

fn sent_back(of: Option<&OrderReturn>) -> String {
    let Some(of) = of else { return String::new() };
    let why = if of.rejection_reason.is_empty() { &of.reason } else { &of.rejection_reason };
    because(&counted(of.lines.len(), "line"), why)
}

fn payment(recorded: &OrderPaymentRecorded) -> String {
    let status = recorded.status.as_ref().map_or_else(String::new, |status| words::payment(status.payment));
    let parts = [status, recorded.code.clone(), words::one_line(&recorded.detail)];
    parts.into_iter().filter(|part| !part.is_empty()).collect::<Vec<_>>().join("  ")
}

fn created_summary(created: &OrderCreated, personal: Personal) -> String {
    let total = created.totals.as_ref().and_then(|totals| totals.total.as_ref());
    let lines = counted(created.lines.len(), "line");
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
    use ordermesh_proto::order::v1::{
        Contact, OrderCancelled, OrderNoteAdded, OrderNoteText, OrderPersonalData, OrderStatus,
        PaymentStatus, ShipmentDispatched,
    };

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

    fn told(payload: Payload, personal: Personal) -> String {
        let line = line(&OrderEvent { payload: Some(payload), ..OrderEvent::default() }, personal);
        line.rsplit_once("    0  ").unwrap().1.to_owned()
    }

    #[test]
    fn a_note_is_masked_unless_it_is_asked_for() {
        let note = OrderNoteText { text: "call\nAda".to_owned() };
        let added = OrderNoteAdded { personal_data: Some(note), ..OrderNoteAdded::default() };
        assert_eq!(told(Payload::OrderNoteAdded(added.clone()), Personal::Masked), MASK);
        assert_eq!(told(Payload::OrderNoteAdded(added), Personal::Shown), "call Ada");
    }

    #[test]
    fn news_of_stock_payment_and_goods_are_told_on_one_line() {
        let status = OrderStatus { payment: PaymentStatus::Declined.into(), ..OrderStatus::default() };
        let declined = OrderPaymentRecorded {
            status: Some(status),
            code: "stolen_card".to_owned(),
            ..OrderPaymentRecorded::default()
        };
        let declined = Payload::OrderPaymentRecorded(declined);
        assert_eq!(told(declined, Personal::Masked), "DECLINED  stolen_card");
        let shipment = Shipment { carrier: "Post".to_owned(), ..Shipment::default() };
        let dispatched = ShipmentDispatched { shipment: Some(shipment), ..ShipmentDispatched::default() };
        assert_eq!(told(Payload::ShipmentDispatched(dispatched), Personal::Masked), "0 lines  Post");
    }

    #[test]
    fn an_event_that_is_newer_than_this_program_still_has_its_line() {
        let event = OrderEvent { r#type: "OrderTeleported".to_owned(), ..OrderEvent::default() };
        assert!(line(&event, Personal::Masked).contains("OrderTeleported"));
    }
}
