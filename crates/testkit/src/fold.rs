//! The orders that a log makes, computed in the plainest way: what every read model must agree with.

use std::collections::BTreeMap;

use ordermesh_proto::order::v1::order_event::Payload;
use ordermesh_proto::order::v1::{
    FulfilmentStatus, LineProgress, Order, OrderCreated, OrderEvent, OrderNote, OrderState, OrderStatus,
    PaymentStatus, StockStatus, order, order_created,
};

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
    told_by_this(order, payload, event);
    order.revision = event.key_revision;
    order.update_time = event.occurred_time;
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

fn told_by_this(order: &mut Order, payload: &Payload, event: &OrderEvent) {
    match payload {
        Payload::OrderCreated(_)
        | Payload::OrderConfirmed(_)
        | Payload::OrderCompleted(_)
        | Payload::OrderStockRecorded(_) => {}
        Payload::OrderCancellationRequested(it) => order.cancel_reason.clone_from(&it.reason),
        Payload::OrderCancelled(it) => order.cancel_reason.clone_from(&it.reason),
        Payload::OrderRejected(it) => {
            (order.rejection_reason, order.rejection_detail) = (it.reason, it.detail.clone());
        }
        Payload::OrderExpired(it) => order.payment_deadline = it.payment_deadline.or(order.payment_deadline),
        Payload::OrderLinesCancelled(it) => progress(order, &it.progress),
        Payload::OrderHoldPlaced(it) => {
            set(&mut order.holds, it.hold.clone(), |hold| hold.hold_id.clone());
        }
        Payload::OrderHoldReleased(it) => {
            let released = it.hold.clone().unwrap_or_default().hold_id;
            order.holds.retain(|hold| hold.hold_id != released);
        }
        Payload::PaymentRetryRequested(_) => payment_news(order, "", "", ""),
        Payload::OrderPaymentRecorded(it) => payment_news(order, &it.action_url, &it.code, &it.detail),
        Payload::OrderNoteAdded(it) => {
            let note = OrderNote {
                note_id: it.note_id.clone(),
                personal_data: it.personal_data.clone(),
                actor: it.actor.clone(),
                added_time: event.occurred_time,
            };
            set(&mut order.notes, Some(note), |note| note.note_id.clone());
        }
        goods => told_of_goods(order, goods),
    }
}

fn told_of_goods(order: &mut Order, payload: &Payload) {
    let (shipment, sent_back, entries) = match payload {
        Payload::ShipmentDispatched(it) => (it.shipment.clone(), None, it.progress.as_slice()),
        Payload::ShipmentDelivered(it) => (it.shipment.clone(), None, it.progress.as_slice()),
        Payload::ShipmentLost(it) => (it.shipment.clone(), None, it.progress.as_slice()),
        Payload::ReturnRequested(it) => (None, it.order_return.clone(), [].as_slice()),
        Payload::ReturnApproved(it) => (None, it.order_return.clone(), [].as_slice()),
        Payload::ReturnRejected(it) => (None, it.order_return.clone(), [].as_slice()),
        Payload::ReturnReceived(it) => (None, it.order_return.clone(), it.progress.as_slice()),
        other => panic!("the fold does not know what this changes: {other:?}"),
    };
    set(&mut order.shipments, shipment, |shipment| shipment.shipment_id.clone());
    set(&mut order.returns, sent_back, |sent_back| sent_back.return_id.clone());
    progress(order, entries);
}

fn payment_news(order: &mut Order, action_url: &str, code: &str, detail: &str) {
    order.payment_action_url = action_url.to_owned();
    order.payment_code = code.to_owned();
    order.payment_detail = detail.to_owned();
}

/// In the place of the one with the same id, or behind all others.
fn set<T>(list: &mut Vec<T>, item: Option<T>, id: impl Fn(&T) -> String) {
    let Some(item) = item else { return };
    match list.iter().position(|known| id(known) == id(&item)) {
        Some(place) => list[place] = item,
        None => list.push(item),
    }
}

fn progress(order: &mut Order, entries: &[LineProgress]) {
    for entry in entries {
        set(&mut order.progress, Some(entry.clone()), |entry| entry.line_id.to_string());
    }
}

fn placed(created: &OrderCreated, event: &OrderEvent) -> Order {
    let created = created.clone();
    Order {
        order_id: created.order_id,
        order_reference: created.order_reference,
        buyer: created.buyer.map(|buyer| match buyer {
            order_created::Buyer::CustomerId(id) => order::Buyer::CustomerId(id),
            order_created::Buyer::Guest(guest) => order::Buyer::Guest(guest),
        }),
        progress: created
            .lines
            .iter()
            .map(|line| LineProgress {
                line_id: line.line_id,
                sku: line.sku.clone(),
                ordered: line.quantity,
                ..LineProgress::default()
            })
            .collect(),
        lines: created.lines,
        shipping: created.shipping,
        discounts: created.discounts,
        prices_include_tax: created.prices_include_tax,
        totals: created.totals,
        billing_account_id: created.billing_account_id,
        placed_time: event.occurred_time,
        personal_data: created.personal_data,
        payment_deadline: created.payment_deadline,
        ..Order::default()
    }
}

#[cfg(test)]
mod tests;
