//! An order as its events make it: the fold, pure.
//!
//! It works on generated types on purpose. A view is what the contract's Order says, and the rows keep it as that
//! message's bytes: types of our own in between would say the same again and be translated twice for each read.

use std::collections::BTreeSet;

use ordermesh_proto::order::v1::order_event::Payload;
use ordermesh_proto::order::v1::{self as wire, OrderEvent, OrderPersonalData, OrderState};

/// An order of the read model.
#[derive(Debug, Clone, PartialEq)]
pub struct OrderView {
    /// The order without its personal data.
    pub order: wire::Order,
    /// Contact and addresses, apart so that they can be erased.
    pub personal: Option<OrderPersonalData>,
}

impl OrderView {
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
        view.change(payload);
        view.order.revision = event.key_revision;
        view.order.update_time = event.occurred_time;
        Ok(view)
    }

    fn change(&mut self, payload: &Payload) {
        let order = &mut self.order;
        match payload {
            Payload::OrderCreated(_) => {}
            Payload::OrderCancellationRequested(requested) => {
                order.set_state(OrderState::Cancelling);
                order.cancel_reason.clone_from(&requested.reason);
                order.amount_due.clone_from(&requested.amount_due);
            }
            Payload::OrderCancelled(cancelled) => {
                order.set_state(OrderState::Cancelled);
                order.cancel_reason.clone_from(&cancelled.reason);
                order.amount_due.clone_from(&cancelled.amount_due);
            }
        }
    }

    /// The articles of the order, each once.
    pub fn skus(&self) -> BTreeSet<&str> {
        self.order.lines.iter().map(|line| line.sku.as_str()).collect()
    }

    /// The order as the contract shows it, with its personal data.
    pub fn into_wire(self) -> wire::Order {
        wire::Order { personal_data: self.personal, ..self.order }
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
        state: OrderState::Placed.into(),
        lines: created.lines,
        shipping: created.shipping,
        discounts: created.discounts,
        prices_include_tax: created.prices_include_tax,
        totals: created.totals,
        amount_due: created.amount_due,
        billing_account_id: created.billing_account_id,
        placed_time: event.occurred_time,
        ..wire::Order::default()
    };
    Ok(OrderView { order, personal: created.personal_data })
}

/// What every word of a state begins with in the contract.
const STATE_PREFIX: &str = "ORDER_STATE_";

/// The word of a state in rows and filters: PLACED for ORDER_STATE_PLACED.
pub fn state_word(state: OrderState) -> &'static str {
    let name = state.as_str_name();
    name.strip_prefix(STATE_PREFIX).unwrap_or(name)
}

/// The state of a word, with or without the contract's prefix.
pub fn state_of_word(word: &str) -> Option<OrderState> {
    let word = word.strip_prefix(STATE_PREFIX).unwrap_or(word);
    states().find(|state| state_word(*state) == word)
}

/// All states that an order may have.
pub fn states() -> impl Iterator<Item = OrderState> {
    (1..).map_while(|number| OrderState::try_from(number).ok())
}
