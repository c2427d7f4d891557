//! Where an order stands: its state, its facets and what it waits for.

use ordermesh_proto::order::v1::order_event::Payload;
use ordermesh_proto::order::v1::{
    FulfilmentStatus, Order, OrderState, OrderStatus, PaymentStatus, StockStatus, WaitingForWhat,
};

use super::goods;
use crate::projection::common::Common;

/// Takes over where the order stands after an event. Events of earlier versions say it by their kind alone.
pub(super) fn stand(order: &mut Order, payload: &Payload) -> Result<(), String> {
    let status = match (Common::of(payload).status, payload) {
        (Some(status), _) => {
            check(status)?;
            status.clone()
        }
        (None, Payload::OrderCreated(created)) => {
            let nothing_owed = created.amount_due.as_ref().is_some_and(|due| due.minor_units == 0);
            of_earlier_versions(OrderState::Placed, nothing_owed)
        }
        (None, Payload::OrderCancellationRequested(_)) => in_state(order, OrderState::Cancelling),
        (None, Payload::OrderCancelled(_)) => in_state(order, OrderState::Cancelled),
        (None, _) => return Err("it has no status".to_owned()),
    };
    order.state = status.state;
    order.status = Some(status);
    Ok(())
}

/// What a row of an earlier version lacks: it knew of no facets, and its events said nothing of them.
pub(super) fn complete(order: &mut Order) {
    if order.status.is_none() {
        let total = order.totals.as_ref().and_then(|totals| totals.total.as_ref());
        let nothing_owed = total.is_some_and(|total| total.minor_units == 0);
        order.status = Some(of_earlier_versions(order.state(), nothing_owed));
        order.progress = goods::at_first(&order.lines);
    }
}

/// Nobody told of stock and payment, so that their answers are pending to this day.
fn of_earlier_versions(state: OrderState, nothing_owed: bool) -> OrderStatus {
    let payment = if nothing_owed { PaymentStatus::NotRequired } else { PaymentStatus::Pending };
    OrderStatus {
        state: state.into(),
        stock: StockStatus::Pending.into(),
        payment: payment.into(),
        fulfilment: FulfilmentStatus::None.into(),
        ..OrderStatus::default()
    }
}

/// The order waits for nothing that an event of an earlier version could tell.
fn in_state(order: &Order, state: OrderState) -> OrderStatus {
    let known = order.status.clone().unwrap_or_default();
    OrderStatus { state: state.into(), waiting_for: Vec::new(), ..known }
}

/// A status of words that are newer than this server would be found by no filter for ever after.
fn check(status: &OrderStatus) -> Result<(), String> {
    known::<OrderState>("state", status.state)?;
    if status.state() == OrderState::Unspecified {
        return Err("its status has no state".to_owned());
    }
    known::<StockStatus>("stock", status.stock)?;
    known::<PaymentStatus>("payment", status.payment)?;
    known::<FulfilmentStatus>("fulfilment", status.fulfilment)?;
    status.waiting_for.iter().try_for_each(|waiting| known::<WaitingForWhat>("waiting_for", waiting.what))
}

fn known<E: TryFrom<i32>>(facet: &str, number: i32) -> Result<(), String> {
    match E::try_from(number) {
        Ok(_) => Ok(()),
        Err(_) => Err(format!("the {facet} {number} of its status is unknown here")),
    }
}
