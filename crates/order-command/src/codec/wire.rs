//! The domain's values as messages of the contract.

use ordermesh_feed::event::wire_time;
use ordermesh_kernel::{Currency, Money};
use ordermesh_proto::common::v1 as common;
use ordermesh_proto::order::v1 as wire;

use crate::domain::{
    Actor, Address, Contact, Discount, FulfilmentStatus, Hold, HoldReason, Line, LineProgress, LineQuantity,
    LinesCancelReason, OrderState, PaymentStatus, PersonalData, ReceivedLine, RejectionReason, Return,
    ReturnCondition, ReturnState, Shipment, ShipmentState, Shipping, Status, StockStatus, Totals, Waiting,
    WaitingFor,
};

/// Two enums with the same values: the domain's and the contract's.
macro_rules! same_values {
    ($name:ident: $domain:ident = $wire:ident { $($value:ident),+ $(,)? }) => {
        pub(super) const fn $name(value: $domain) -> wire::$wire {
            match value {
                $($domain::$value => wire::$wire::$value,)+
            }
        }
    };
}

same_values!(state: OrderState = OrderState {
    Placed, Confirmed, Completed, Rejected, Expired, Cancelling, Cancelled
});
same_values!(stock: StockStatus = StockStatus { Pending, Reserved, Committed, Rejected, Released, Shortfall });
same_values!(payment: PaymentStatus = PaymentStatus {
    NotRequired, Pending, ActionRequired, Authorized, PartlyCaptured, Captured, Declined, Voided, Unknown,
    PartlyRefunded, Refunded
});
same_values!(fulfilment: FulfilmentStatus = FulfilmentStatus { None, Partial, Full });
same_values!(waiting_for: WaitingFor = WaitingForWhat {
    Stock, Payment, PaymentAction, PaymentRetry, Hold, Capture, Dispatch, Delivery, StockRelease, Refund
});
same_values!(hold_reason: HoldReason = HoldReason { Manual, PaymentUnknown, CaptureFailed, RefundFailed });
same_values!(rejection_reason: RejectionReason = RejectionReason { OutOfStock, PaymentDeclined });
same_values!(cancel_reason: LinesCancelReason = LinesCancelReason { Requested, StockLost });
same_values!(shipment_state: ShipmentState = ShipmentState { Dispatched, Delivered, Lost });
same_values!(return_state: ReturnState = ReturnState { Requested, Approved, Rejected, Received });
same_values!(condition: ReturnCondition = ReturnCondition { Resaleable, Damaged });

/// The state of a message; none when this version does not know it.
pub(super) fn domain_state(state: wire::OrderState) -> Option<OrderState> {
    OrderState::ALL.iter().copied().find(|candidate| self::state(*candidate) == state)
}

pub(super) fn status(status: &Status) -> wire::OrderStatus {
    wire::OrderStatus {
        state: state(status.state).into(),
        stock: stock(status.stock).into(),
        payment: payment(status.payment).into(),
        fulfilment: fulfilment(status.fulfilment).into(),
        waiting_for: status.waiting_for.iter().map(waiting).collect(),
        authorized: some_money(status.amounts.authorized),
        captured: some_money(status.amounts.captured),
        refunded: some_money(status.amounts.refunded),
    }
}

/// Nothing is not written: most orders are in this state when most of their events happen.
fn some_money(amount: Money) -> Option<common::Money> {
    (!amount.is_zero()).then(|| money(amount))
}

fn waiting(waiting: &Waiting) -> wire::WaitingFor {
    wire::WaitingFor {
        what: waiting_for(waiting.what).into(),
        since: Some(wire_time(waiting.since)),
        deadline: waiting.deadline.map(wire_time),
    }
}

pub(super) fn line(line: &Line) -> wire::OrderLine {
    wire::OrderLine {
        line_id: line.line_id,
        sku: line.sku.as_str().to_owned(),
        title: line.title.as_str().to_owned(),
        quantity: line.quantity.get(),
        unit_price: Some(money(line.unit_price)),
        tax_rate_ppm: line.tax_rate.ppm(),
        amount: Some(money(line.amount)),
        discount: Some(money(line.discount)),
        tax: Some(money(line.tax)),
    }
}

pub(super) fn shipping(shipping: &Shipping) -> wire::ShippingCharge {
    wire::ShippingCharge { amount: Some(money(shipping.amount)), tax_rate_ppm: shipping.tax_rate.ppm() }
}

pub(super) fn discount(discount: &Discount) -> wire::Discount {
    wire::Discount { code: discount.code.as_str().to_owned(), amount: Some(money(discount.amount)) }
}

pub(super) fn hold(hold: &Hold) -> wire::OrderHold {
    wire::OrderHold {
        hold_id: hold.id.to_string(),
        reason: hold_reason(hold.reason).into(),
        note: hold.note.clone(),
        actor: Some(actor(&hold.actor)),
        placed_time: Some(wire_time(hold.placed_time)),
    }
}

pub(super) fn quantities(lines: &[LineQuantity]) -> Vec<wire::LineQuantity> {
    let quantity =
        |line: &LineQuantity| wire::LineQuantity { line_id: line.line_id, quantity: line.quantity };
    lines.iter().map(quantity).collect()
}

pub(super) fn progress(lines: &[LineProgress]) -> Vec<wire::LineProgress> {
    let progress = |line: &LineProgress| wire::LineProgress {
        line_id: line.line_id,
        sku: line.sku.as_str().to_owned(),
        ordered: line.ordered,
        cancelled: line.progress.cancelled,
        shipped: line.progress.shipped,
        delivered: line.progress.delivered,
        lost: line.progress.lost,
        returned: line.progress.returned,
    };
    lines.iter().map(progress).collect()
}

pub(super) fn shipment(shipment: &Shipment) -> wire::Shipment {
    let carrier = shipment.carrier.as_ref();
    let number = shipment.tracking_number.as_ref();
    wire::Shipment {
        shipment_id: shipment.id.to_string(),
        lines: quantities(&shipment.lines),
        carrier: carrier.map_or_else(String::new, |carrier| carrier.as_str().to_owned()),
        tracking_number: number.map_or_else(String::new, |number| number.as_str().to_owned()),
        state: shipment_state(shipment.state).into(),
        dispatched_time: Some(wire_time(shipment.dispatched_time)),
        ended_time: shipment.ended_time.map(wire_time),
    }
}

pub(super) fn goods_back(goods: &Return) -> wire::OrderReturn {
    let received = |line: &ReceivedLine| wire::ReceivedLine {
        line_id: line.line_id,
        accepted_quantity: line.accepted,
        condition: condition(line.condition).into(),
    };
    wire::OrderReturn {
        return_id: goods.id.to_string(),
        lines: quantities(&goods.lines),
        reason: goods.reason.clone(),
        state: return_state(goods.state).into(),
        received: goods.received.iter().map(received).collect(),
        rejection_reason: goods.rejection_reason.clone(),
        requested_time: Some(wire_time(goods.requested_time)),
    }
}

pub(super) fn personal_data(data: &PersonalData) -> wire::OrderPersonalData {
    wire::OrderPersonalData {
        contact: data.contact.as_ref().map(contact),
        ship_to: data.ship_to.as_ref().map(address),
        bill_to: data.bill_to.as_ref().map(address),
    }
}

fn contact(contact: &Contact) -> wire::Contact {
    wire::Contact {
        email: contact.email.as_str().to_owned(),
        name: contact.name.as_ref().map_or_else(String::new, |name| name.as_str().to_owned()),
        locale: contact.locale.as_ref().map_or_else(String::new, |locale| locale.as_str().to_owned()),
    }
}

fn address(address: &Address) -> common::Address {
    let area = address.administrative_area.as_ref();
    common::Address {
        recipient: address.recipient.as_str().to_owned(),
        address_lines: address.address_lines.as_slice().iter().map(|line| line.as_str().to_owned()).collect(),
        locality: address.locality.as_str().to_owned(),
        administrative_area: area.map_or_else(String::new, |area| area.as_str().to_owned()),
        postal_code: address.postal_code.as_ref().map_or_else(String::new, |code| code.as_str().to_owned()),
        country_code: address.country_code.as_str().to_owned(),
    }
}

pub(super) fn actor(actor: &Actor) -> wire::Actor {
    use wire::actor::Kind;
    let kind = match actor {
        Actor::Workload(name) => Kind::Workload(name.clone()),
        Actor::Staff(id) => Kind::Staff(id.clone()),
        Actor::Customer(id) => Kind::Customer(id.clone()),
        Actor::Policy(name) => Kind::Policy(name.clone()),
    };
    wire::Actor { kind: Some(kind) }
}

pub(super) fn totals(totals: &Totals) -> wire::OrderTotals {
    wire::OrderTotals {
        goods: Some(money(totals.goods)),
        discount: Some(money(totals.discount)),
        shipping: Some(money(totals.shipping)),
        tax: Some(money(totals.tax)),
        total: Some(money(totals.total)),
    }
}

pub(super) fn money(money: Money) -> common::Money {
    common::Money { currency_code: money.currency().code().to_owned(), minor_units: money.minor_units() }
}

pub(super) fn domain_money(money: Option<common::Money>) -> Option<Money> {
    let money = money?;
    Some(Money::new(money.minor_units, Currency::parse(&money.currency_code).ok()?))
}
