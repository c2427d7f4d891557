//! What the events of an order say that the read server shows of it, computed in the plainest way.
//!
//! Personal data is left out: it is erased at other times in the log and in the read model. So are status, debt and what has
//! become of lines, which the events carry as they are afterwards.

use ordermesh_proto::order::v1::order_event::Payload;
use ordermesh_proto::order::v1::{Order, OrderCreated, OrderEvent, OrderNote, order, order_created};

/// The order as its first event tells it.
pub fn placed(created: &OrderCreated, event: &OrderEvent) -> Order {
    let created = created.clone();
    Order {
        order_id: event.key.clone(),
        order_reference: created.order_reference,
        buyer: created.buyer.map(|buyer| match buyer {
            order_created::Buyer::CustomerId(id) => order::Buyer::CustomerId(id),
            order_created::Buyer::Guest(guest) => order::Buyer::Guest(guest),
        }),
        lines: created.lines,
        shipping: created.shipping,
        discounts: created.discounts,
        prices_include_tax: created.prices_include_tax,
        totals: created.totals,
        billing_account_id: created.billing_account_id,
        placed_time: event.occurred_time,
        payment_deadline: created.payment_deadline,
        ..Order::default()
    }
}

/// Takes in what an event changes.
pub fn take(order: &mut Order, event: &OrderEvent, payload: &Payload) {
    order.update_time = event.occurred_time;
    match payload {
        Payload::OrderCreated(_)
        | Payload::OrderConfirmed(_)
        | Payload::OrderCompleted(_)
        | Payload::OrderStockRecorded(_)
        | Payload::OrderLinesCancelled(_) => {}
        Payload::OrderCancellationRequested(it) => order.cancel_reason.clone_from(&it.reason),
        Payload::OrderCancelled(it) => order.cancel_reason.clone_from(&it.reason),
        Payload::OrderRejected(it) => {
            (order.rejection_reason, order.rejection_detail) = (it.reason, it.detail.clone());
        }
        Payload::OrderExpired(it) => order.payment_deadline = it.payment_deadline.or(order.payment_deadline),
        Payload::OrderHoldPlaced(it) => put(&mut order.holds, it.hold.as_ref(), |hold| &hold.hold_id),
        Payload::OrderHoldReleased(it) => {
            order.holds.retain(|hold| it.hold.as_ref().is_none_or(|gone| gone.hold_id != hold.hold_id));
        }
        // What was told before was of the attempt before.
        Payload::PaymentRetryRequested(_) => payment_news(order, "", "", ""),
        Payload::OrderPaymentRecorded(it) => payment_news(order, &it.action_url, &it.code, &it.detail),
        Payload::ShipmentDispatched(it) => {
            put(&mut order.shipments, it.shipment.as_ref(), |one| &one.shipment_id)
        }
        Payload::ShipmentDelivered(it) => {
            put(&mut order.shipments, it.shipment.as_ref(), |one| &one.shipment_id)
        }
        Payload::ShipmentLost(it) => put(&mut order.shipments, it.shipment.as_ref(), |one| &one.shipment_id),
        Payload::ReturnRequested(it) => {
            put(&mut order.returns, it.order_return.as_ref(), |one| &one.return_id)
        }
        Payload::ReturnApproved(it) => {
            put(&mut order.returns, it.order_return.as_ref(), |one| &one.return_id)
        }
        Payload::ReturnRejected(it) => {
            put(&mut order.returns, it.order_return.as_ref(), |one| &one.return_id)
        }
        Payload::ReturnReceived(it) => {
            put(&mut order.returns, it.order_return.as_ref(), |one| &one.return_id)
        }
        Payload::OrderNoteAdded(it) => {
            let note = OrderNote {
                note_id: it.note_id.clone(),
                personal_data: None,
                actor: it.actor.clone(),
                added_time: event.occurred_time,
            };
            put(&mut order.notes, Some(&note), |note| &note.note_id);
        }
    }
}

fn payment_news(order: &mut Order, action_url: &str, code: &str, detail: &str) {
    action_url.clone_into(&mut order.payment_action_url);
    code.clone_into(&mut order.payment_code);
    detail.clone_into(&mut order.payment_detail);
}

/// In the place of the one with the same id, or behind all others.
fn put<T: Clone>(list: &mut Vec<T>, item: Option<&T>, id: impl Fn(&T) -> &String) {
    let Some(item) = item else { return };
    match list.iter_mut().find(|known| id(known) == id(item)) {
        Some(known) => known.clone_from(item),
        None => list.push(item.clone()),
    }
}
