//! An order as its events make it: the fold, pure.
//!
//! It works on generated types on purpose. A view is what the contract's Order says, and the rows keep it as that
//! message's bytes: types of our own in between would say the same again and be translated twice for each read.

mod goods;
mod holds;
mod money;
mod notes;
mod parts;
mod status;

use std::collections::{BTreeMap, BTreeSet};

use ordermesh_proto::order::v1::order_event::Payload;
use ordermesh_proto::order::v1::{self as wire, OrderEvent, OrderNoteText, OrderPersonalData};

use super::common::Common;

/// Shipments that an order may have; returns and notes too.
const MAX_PARTS: usize = 1000;

/// An order of the read model.
#[derive(Debug, Clone, PartialEq)]
pub struct OrderView {
    /// The order without its personal data: neither contact and addresses, nor what the notes say.
    pub order: wire::Order,
    /// Contact and addresses, apart so that they can be erased.
    pub personal: Option<OrderPersonalData>,
    /// What the notes say, by their ids, apart for the same reason.
    pub note_texts: BTreeMap<String, OrderNoteText>,
}

impl OrderView {
    /// The view of a row. One that an earlier version wrote is completed by what that version's events say.
    pub fn stored(
        mut order: wire::Order,
        personal: Option<OrderPersonalData>,
        note_texts: BTreeMap<String, OrderNoteText>,
    ) -> Self {
        status::complete(&mut order);
        Self { order, personal, note_texts }
    }

    /// The order after `event`; `before` is `None` for an order that is not known yet. The error says why the
    /// event makes no sense.
    pub fn after(before: Option<Self>, event: &OrderEvent) -> Result<Self, String> {
        // A payload of a newer schema must not be skipped: what it changes would be wrong here for ever after.
        let payload = event.payload.as_ref().ok_or_else(|| format!("{} is unknown here", event.r#type))?;
        let revision = before.as_ref().map_or(0, |view| view.order.revision);
        if event.key_revision != revision + 1 {
            return Err(format!("it is of revision {}, but the order has {revision}", event.key_revision));
        }
        let mut view = match (payload, before) {
            (Payload::OrderCreated(created), None) => placed(created, event)?,
            (Payload::OrderCreated(_), Some(_)) => return Err("the order was created before".to_owned()),
            (_, None) => return Err("the order was not created".to_owned()),
            (_, Some(view)) => view,
        };
        view.change(payload, event)?;
        status::stand(&mut view.order, payload)?;
        view.order.amount_due = Common::of(payload).amount_due.cloned();
        view.order.revision = event.key_revision;
        view.order.update_time = event.occurred_time;
        Ok(view)
    }

    /// What this kind of event changes, beside what every event says.
    fn change(&mut self, payload: &Payload, event: &OrderEvent) -> Result<(), String> {
        let order = &mut self.order;
        match payload {
            Payload::OrderCreated(_)
            | Payload::OrderConfirmed(_)
            | Payload::OrderCompleted(_)
            | Payload::OrderStockRecorded(_) => {}
            Payload::OrderCancellationRequested(it) => order.cancel_reason.clone_from(&it.reason),
            Payload::OrderCancelled(it) => order.cancel_reason.clone_from(&it.reason),
            Payload::OrderRejected(it) => {
                order.rejection_reason = it.reason;
                order.rejection_detail.clone_from(&it.detail);
            }
            Payload::OrderExpired(it) => {
                order.payment_deadline = it.payment_deadline.or(order.payment_deadline)
            }
            Payload::PaymentRetryRequested(_) => money::retried(order),
            Payload::OrderPaymentRecorded(it) => money::recorded(order, it),
            Payload::OrderHoldPlaced(it) => holds::placed(order, it.hold.as_ref())?,
            Payload::OrderHoldReleased(it) => holds::released(order, it.hold.as_ref())?,
            Payload::OrderNoteAdded(it) => notes::added(self, it, event)?,
            Payload::OrderLinesCancelled(it) => goods::progress(order, &it.progress)?,
            Payload::ShipmentDispatched(it) => goods::dispatched(order, it.shipment.as_ref(), &it.progress)?,
            Payload::ShipmentDelivered(it) => {
                goods::shipment_ended(order, it.shipment.as_ref(), &it.progress)?
            }
            Payload::ShipmentLost(it) => goods::shipment_ended(order, it.shipment.as_ref(), &it.progress)?,
            Payload::ReturnRequested(it) => goods::return_requested(order, it.order_return.as_ref())?,
            Payload::ReturnApproved(it) => goods::return_changed(order, it.order_return.as_ref(), &[])?,
            Payload::ReturnRejected(it) => goods::return_changed(order, it.order_return.as_ref(), &[])?,
            Payload::ReturnReceived(it) => {
                goods::return_changed(order, it.order_return.as_ref(), &it.progress)?;
            }
        }
        Ok(())
    }

    /// The articles of the order, each once.
    pub fn skus(&self) -> BTreeSet<&str> {
        self.order.lines.iter().map(|line| line.sku.as_str()).collect()
    }

    /// The order as the contract shows it, with its personal data.
    pub fn into_wire(self) -> wire::Order {
        let mut order = wire::Order { personal_data: self.personal, ..self.order };
        for note in &mut order.notes {
            note.personal_data = self.note_texts.get(&note.note_id).cloned();
        }
        order
    }
}

fn placed(created: &wire::OrderCreated, event: &OrderEvent) -> Result<OrderView, String> {
    use wire::{order, order_created};
    if created.totals.as_ref().is_none_or(|totals| totals.total.is_none()) {
        return Err("it has no total".to_owned());
    }
    let created = created.clone();
    let order = wire::Order {
        // The key is the id that later events of the order have.
        order_id: event.key.clone(),
        order_reference: created.order_reference,
        buyer: created.buyer.map(|buyer| match buyer {
            order_created::Buyer::CustomerId(id) => order::Buyer::CustomerId(id),
            order_created::Buyer::Guest(guest) => order::Buyer::Guest(guest),
        }),
        progress: goods::at_first(&created.lines),
        lines: created.lines,
        shipping: created.shipping,
        discounts: created.discounts,
        prices_include_tax: created.prices_include_tax,
        totals: created.totals,
        billing_account_id: created.billing_account_id,
        placed_time: event.occurred_time,
        payment_deadline: created.payment_deadline,
        ..wire::Order::default()
    };
    Ok(OrderView { order, personal: created.personal_data, note_texts: BTreeMap::new() })
}
