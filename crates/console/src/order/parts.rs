//! What belongs to an order, for people, a table each: lines, holds, shipments, returns, notes.

use ordermesh_proto::order::v1::{LineProgress, LineQuantity, Order, OrderReturn};

use super::words::{self, actor, one_line};
use crate::json::{MASK, Personal};
use crate::render::{money, table, tax_rate, time};

/// The tables that have rows, a blank line between them.
pub(super) fn tables(order: &Order, personal: Personal) -> String {
    let tables = [lines(order), holds(order), shipments(order), returns(order), notes(order, personal)];
    tables.into_iter().flatten().collect::<Vec<_>>().join("\n\n")
}

fn some<const COLUMNS: usize>(header: [&str; COLUMNS], rows: Vec<[String; COLUMNS]>) -> Option<String> {
    (!rows.is_empty()).then(|| table(header, rows))
}

fn lines(order: &Order) -> Option<String> {
    let row = |line: &ordermesh_proto::order::v1::OrderLine| {
        [
            line.line_id.to_string(),
            line.sku.clone(),
            one_line(&line.title),
            line.quantity.to_string(),
            progress(order.progress.iter().find(|progress| progress.line_id == line.line_id)),
            money(line.unit_price.as_ref()),
            money(line.amount.as_ref()),
            money(line.discount.as_ref()),
            tax_rate(line.tax_rate_ppm),
            money(line.tax.as_ref()),
        ]
    };
    let header = ["LINE", "SKU", "TITLE", "PIECES", "PROGRESS", "PRICE", "AMOUNT", "DISCOUNT", "RATE", "TAX"];
    Some(table(header, order.lines.iter().map(row)))
}

/// `1 cancelled, 2 shipped, 2 delivered`; `-` while nothing has become of the line.
fn progress(progress: Option<&LineProgress>) -> String {
    let Some(it) = progress else { return "-".to_owned() };
    let counts = [
        (it.cancelled, "cancelled"),
        (it.shipped, "shipped"),
        (it.delivered, "delivered"),
        (it.lost, "lost"),
        (it.returned, "returned"),
    ];
    let told: Vec<_> = counts
        .iter()
        .filter(|(count, _)| *count != 0)
        .map(|(count, what)| format!("{count} {what}"))
        .collect();
    if told.is_empty() { "-".to_owned() } else { told.join(", ") }
}

fn holds(order: &Order) -> Option<String> {
    let rows = order.holds.iter().map(|hold| {
        [
            hold.hold_id.clone(),
            words::hold_reason(hold.reason),
            time(hold.placed_time.as_ref()),
            actor(hold.actor.as_ref()),
            one_line(&hold.note),
        ]
    });
    some(["HOLD", "REASON", "SINCE", "BY", "NOTE"], rows.collect())
}

fn shipments(order: &Order) -> Option<String> {
    let rows = order.shipments.iter().map(|shipment| {
        [
            shipment.shipment_id.clone(),
            words::shipment_state(shipment.state),
            pieces(order, &shipment.lines),
            or_dash(&shipment.carrier),
            or_dash(&shipment.tracking_number),
            time(shipment.dispatched_time.as_ref()),
            time(shipment.ended_time.as_ref()),
        ]
    });
    some(["SHIPMENT", "STATE", "PIECES", "CARRIER", "TRACKING", "DISPATCHED", "ENDED"], rows.collect())
}

fn returns(order: &Order) -> Option<String> {
    let rows = order.returns.iter().map(|it| {
        [
            it.return_id.clone(),
            words::return_state(it.state),
            pieces(order, &it.lines),
            accepted(order, it),
            time(it.requested_time.as_ref()),
            why(it),
        ]
    });
    some(["RETURN", "STATE", "PIECES", "ACCEPTED", "REQUESTED", "REASON"], rows.collect())
}

fn accepted(order: &Order, of: &OrderReturn) -> String {
    let line = |it: &ordermesh_proto::order::v1::ReceivedLine| {
        let condition = words::condition(it.condition).to_lowercase();
        format!("{} {condition}", piece(order, it.line_id, it.accepted_quantity))
    };
    or_dash(&of.received.iter().map(line).collect::<Vec<_>>().join(", "))
}

fn why(of: &OrderReturn) -> String {
    match of.rejection_reason.as_str() {
        "" => one_line(&of.reason),
        rejected => format!("{}; rejected: {}", one_line(&of.reason), one_line(rejected)),
    }
}

fn notes(order: &Order, personal: Personal) -> Option<String> {
    let rows = order.notes.iter().map(|note| {
        let text = match (&note.personal_data, personal) {
            (None, _) => "(erased)".to_owned(),
            (Some(_), Personal::Masked) => MASK.to_owned(),
            (Some(data), Personal::Shown) => one_line(&data.text),
        };
        [note.note_id.clone(), time(note.added_time.as_ref()), actor(note.actor.as_ref()), text]
    });
    some(["NOTE", "ADDED", "BY", "TEXT"], rows.collect())
}

fn pieces(order: &Order, lines: &[LineQuantity]) -> String {
    let lines = lines.iter().map(|it| piece(order, it.line_id, it.quantity));
    or_dash(&lines.collect::<Vec<_>>().join(", "))
}

fn piece(order: &Order, line_id: i32, quantity: i32) -> String {
    match order.lines.iter().find(|line| line.line_id == line_id) {
        Some(line) => format!("{quantity} × {}", line.sku),
        None => format!("{quantity} of line {line_id}"),
    }
}

fn or_dash(text: &str) -> String {
    if text.is_empty() { "-".to_owned() } else { one_line(text) }
}
