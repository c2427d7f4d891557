//! The orders that a log makes, computed in the plainest way: what every read model must agree with.

use std::collections::BTreeMap;

use ordermesh_proto::order::v1::order_event::Payload;
use ordermesh_proto::order::v1::{
    FulfilmentStatus, LineProgress, Order, OrderCreated, OrderEvent, OrderLine, OrderState, OrderStatus,
    PaymentStatus, StockStatus,
};
use ordermesh_verify::shown;

/// All orders of a log, read from its beginning, by id. Panics on an event that no order goes before.
pub fn fold_orders(log: &[OrderEvent]) -> BTreeMap<String, Order> {
    let mut orders = BTreeMap::new();
    for event in log {
        apply(&mut orders, event);
    }
    orders
}

fn apply(orders: &mut BTreeMap<String, Order>, event: &OrderEvent) {
    let Some(payload) = &event.payload else { panic!("event {} has no payload", event.position) };
    if let Payload::OrderCreated(created) = payload {
        orders.insert(event.key.clone(), placed(created, event));
    }
    let order = orders.get_mut(&event.key);
    let order =
        order.unwrap_or_else(|| panic!("event {} is of an order that was not created", event.position));
    told_by_all(order, payload);
    shown::take(order, event, payload);
    told_by_this(order, payload);
    order.revision = event.key_revision;
}

/// Status and debt.
fn told_by_all(order: &mut Order, payload: &Payload) {
    macro_rules! each {
        ($($kind:ident)+) => {
            match payload { $(Payload::$kind(it) => (&it.status, &it.amount_due),)+ }
        };
    }
    let (status, amount_due) = each! {
        OrderCreated OrderConfirmed OrderRejected OrderExpired OrderCancellationRequested OrderCancelled
        OrderLinesCancelled OrderHoldPlaced OrderHoldReleased PaymentRetryRequested ShipmentDispatched
        ShipmentDelivered ShipmentLost ReturnRequested ReturnApproved ReturnRejected ReturnReceived OrderCompleted
        OrderStockRecorded OrderPaymentRecorded OrderNoteAdded
    };
    order.amount_due.clone_from(amount_due);
    match status {
        Some(status) => order.status = Some(status.clone()),
        None => told_by_kind(order, payload),
    }
    order.state = order.status.as_ref().map_or(0, |status| status.state);
}

/// Events of earlier versions have no status.
fn told_by_kind(order: &mut Order, payload: &Payload) {
    let nothing_owed = order.amount_due.as_ref().is_some_and(|due| due.minor_units == 0);
    let status = order.status.get_or_insert_default();
    status.waiting_for.clear();
    match payload {
        Payload::OrderCreated(_) => {
            let payment = if nothing_owed { PaymentStatus::NotRequired } else { PaymentStatus::Pending };
            *status = OrderStatus {
                state: OrderState::Placed.into(),
                stock: StockStatus::Pending.into(),
                payment: payment.into(),
                fulfilment: FulfilmentStatus::None.into(),
                ..OrderStatus::default()
            };
        }
        Payload::OrderCancellationRequested(_) => status.set_state(OrderState::Cancelling),
        Payload::OrderCancelled(_) => status.set_state(OrderState::Cancelled),
        other => panic!("only events of the first version have no status: {other:?}"),
    }
}

/// What has become of lines, and the text of a note.
fn told_by_this(order: &mut Order, payload: &Payload) {
    match payload {
        Payload::OrderLinesCancelled(it) => progress(order, &it.progress),
        Payload::ShipmentDispatched(it) => progress(order, &it.progress),
        Payload::ShipmentDelivered(it) => progress(order, &it.progress),
        Payload::ShipmentLost(it) => progress(order, &it.progress),
        Payload::ReturnReceived(it) => progress(order, &it.progress),
        Payload::OrderNoteAdded(it) => {
            for note in order.notes.iter_mut().filter(|note| note.note_id == it.note_id) {
                note.personal_data.clone_from(&it.personal_data);
            }
        }
        _ => {}
    }
}

fn progress(order: &mut Order, entries: &[LineProgress]) {
    for entry in entries {
        match order.progress.iter_mut().find(|known| known.line_id == entry.line_id) {
            Some(known) => known.clone_from(entry),
            None => order.progress.push(entry.clone()),
        }
    }
}

fn placed(created: &OrderCreated, event: &OrderEvent) -> Order {
    let at_first = |line: &OrderLine| LineProgress {
        line_id: line.line_id,
        sku: line.sku.clone(),
        ordered: line.quantity,
        ..LineProgress::default()
    };
    Order {
        order_id: created.order_id.clone(),
        progress: created.lines.iter().map(at_first).collect(),
        personal_data: created.personal_data.clone(),
        ..shown::placed(created, event)
    }
}

#[cfg(test)]
mod tests;
