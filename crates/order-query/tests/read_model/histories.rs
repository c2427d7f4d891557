//! Histories of orders: each event says where the order stands after it.

use ordermesh_proto::common::v1::Money;
use ordermesh_proto::order::v1::order_event::Payload;
use ordermesh_proto::order::v1::{self as wire, OrderEvent, OrderStatus, PaymentStatus, StockStatus};
use wire::{FulfilmentStatus, HoldReason, OrderState, ReturnState, ShipmentState, WaitingForWhat};

use crate::support::{Sample, actor, seconds};

/// Every word that a note has and nothing else.
pub const NOTE: &str = "zebra mia@example.org";
/// When the samples' payments must be there.
pub const DEADLINE: i64 = 4_600;

/// An order's events so far, and where it stands by now.
pub struct History {
    pub sample: Sample,
    pub events: Vec<OrderEvent>,
    pub status: OrderStatus,
    pub due: Money,
}

/// Adds an event to a history, with what all events have and what the last argument changes.
macro_rules! tell {
    ($history:expr, $kind:ident, |$it:ident| $change:expr) => {{
        let history: &mut $crate::histories::History = $history;
        let mut payload = wire::$kind::default();
        payload.order_id = history.sample.id();
        payload.actor = Some(actor(wire::actor::Kind::Staff("sam".to_owned())));
        payload.amount_due = Some(history.due.clone());
        payload.order_revision = history.next_revision();
        payload.status = Some(history.status.clone());
        let $it = &mut payload;
        $change;
        history.push(stringify!($kind), Payload::$kind(payload));
    }};
}
pub(crate) use tell;

impl History {
    /// An order that was just created, by a version that tells where it stands.
    pub fn of(sample: Sample) -> Self {
        let mut event = sample.created();
        let Some(Payload::OrderCreated(created)) = &mut event.payload else { panic!("it is a creation") };
        let due = created.amount_due.clone().unwrap();
        let mut status = OrderStatus {
            state: OrderState::Placed.into(),
            stock: StockStatus::Pending.into(),
            payment: PaymentStatus::Pending.into(),
            fulfilment: FulfilmentStatus::None.into(),
            ..OrderStatus::default()
        };
        status.waiting_for = vec![waiting(WaitingForWhat::Stock), waiting(WaitingForWhat::Payment)];
        created.status = Some(status.clone());
        created.payment_deadline = Some(seconds(DEADLINE));
        Self { sample, events: vec![event], status, due }
    }

    pub fn next_revision(&self) -> i64 {
        i64::try_from(self.events.len()).unwrap() + 1
    }

    pub fn push(&mut self, kind: &str, payload: Payload) {
        self.events.push(self.sample.event(self.next_revision(), kind, payload));
    }

    /// What the order waits for from the next event on.
    pub fn wait(&mut self, what: &[WaitingForWhat]) {
        self.status.waiting_for = what.iter().copied().map(waiting).collect();
    }

    /// Confirmed, dispatched, delivered, partly sent back, completed, with everything that may come in between.
    pub fn whole(sample: Sample) -> Self {
        let mut history = Self::of(sample);
        history.paid();
        history.held();
        history.fulfilled();
        history.sent_back();
        history
    }

    fn paid(&mut self) {
        self.status.set_stock(StockStatus::Reserved);
        self.wait(&[WaitingForWhat::PaymentAction]);
        tell!(self, OrderStockRecorded, |it| it.detail = "from Bern".to_owned());
        self.status.set_payment(PaymentStatus::ActionRequired);
        tell!(self, OrderPaymentRecorded, |it| {
            (it.attempt, it.action_url) = (1, "https://pay.example/3ds".to_owned());
        });
        self.status.set_payment(PaymentStatus::Declined);
        self.wait(&[WaitingForWhat::PaymentRetry]);
        tell!(self, OrderPaymentRecorded, |it| {
            (it.attempt, it.code, it.detail) = (1, "insufficient_funds".to_owned(), "try another".to_owned());
        });
        self.status.set_payment(PaymentStatus::Pending);
        self.wait(&[WaitingForWhat::Payment]);
        tell!(self, PaymentRetryRequested, |it| {
            (it.attempt, it.payment_method_token) = (2, "tok_secret".to_owned());
        });
        self.status.set_payment(PaymentStatus::Authorized);
        self.status.authorized = Some(self.due.clone());
        tell!(self, OrderPaymentRecorded, |it| it.attempt = 2);
        self.status.set_state(OrderState::Confirmed);
        self.status.set_stock(StockStatus::Committed);
        self.wait(&[WaitingForWhat::Capture]);
        tell!(self, OrderConfirmed, |it| it.actor = None);
        self.status.set_payment(PaymentStatus::Captured);
        self.status.captured = Some(self.due.clone());
        self.wait(&[WaitingForWhat::Dispatch]);
        tell!(self, OrderPaymentRecorded, |it| it.attempt = 2);
    }

    fn held(&mut self) {
        let hold = wire::OrderHold {
            hold_id: "h-1".to_owned(),
            reason: HoldReason::Manual.into(),
            note: "looks odd".to_owned(),
            actor: Some(actor(wire::actor::Kind::Staff("sam".to_owned()))),
            placed_time: Some(seconds(2_000)),
        };
        self.wait(&[WaitingForWhat::Hold, WaitingForWhat::Dispatch]);
        tell!(self, OrderHoldPlaced, |it| it.hold = Some(hold.clone()));
        tell!(self, OrderNoteAdded, |it| {
            it.note_id = "n-1".to_owned();
            it.personal_data = Some(wire::OrderNoteText { text: NOTE.to_owned() });
        });
        self.wait(&[WaitingForWhat::Dispatch]);
        tell!(self, OrderHoldReleased, |it| (it.hold, it.note) = (Some(hold), "all is well".to_owned()));
    }

    fn fulfilled(&mut self) {
        let mut progress = line(1, "TEA");
        (progress.shipped, progress.ordered) = (2, 2);
        let mut shipment = shipment("s-1");
        self.status.set_fulfilment(FulfilmentStatus::Partial);
        self.wait(&[WaitingForWhat::Dispatch, WaitingForWhat::Delivery]);
        tell!(self, ShipmentDispatched, |it| {
            (it.shipment, it.progress) = (Some(shipment.clone()), vec![progress.clone()]);
        });
        let cancelled = wire::LineProgress { ordered: 2, cancelled: 2, ..line(2, "TEA") };
        self.due.minor_units /= 2;
        self.status.set_payment(PaymentStatus::PartlyRefunded);
        self.status.refunded = Some(self.due.clone());
        self.status.set_fulfilment(FulfilmentStatus::Full);
        self.wait(&[WaitingForWhat::Delivery]);
        tell!(self, OrderLinesCancelled, |it| {
            it.lines = vec![wire::LineQuantity { line_id: 2, quantity: 2 }];
            it.progress = vec![cancelled];
            it.set_reason(wire::LinesCancelReason::StockLost);
        });
        progress.delivered = 2;
        shipment.set_state(ShipmentState::Delivered);
        shipment.ended_time = Some(seconds(3_000));
        self.wait(&[]);
        tell!(self, ShipmentDelivered, |it| {
            (it.shipment, it.progress) = (Some(shipment), vec![progress]);
        });
        self.status.set_state(OrderState::Completed);
        tell!(self, OrderCompleted, |it| it.actor = None);
    }

    fn sent_back(&mut self) {
        let mut goods = sent_back("r-1");
        tell!(self, ReturnRequested, |it| it.order_return = Some(goods.clone()));
        goods.set_state(ReturnState::Approved);
        tell!(self, ReturnApproved, |it| it.order_return = Some(goods.clone()));
        goods.set_state(ReturnState::Received);
        let resaleable = wire::ReturnCondition::Resaleable.into();
        goods.received = vec![wire::ReceivedLine { line_id: 1, accepted_quantity: 1, condition: resaleable }];
        let progress =
            wire::LineProgress { ordered: 2, shipped: 2, delivered: 2, returned: 1, ..line(1, "TEA") };
        tell!(self, ReturnReceived, |it| (it.order_return, it.progress) = (Some(goods), vec![progress]));
    }
}

pub fn waiting(what: WaitingForWhat) -> wire::WaitingFor {
    wire::WaitingFor { what: what.into(), since: Some(seconds(1_000)), deadline: Some(seconds(DEADLINE)) }
}

pub fn shipment(id: &str) -> wire::Shipment {
    wire::Shipment {
        shipment_id: id.to_owned(),
        lines: vec![wire::LineQuantity { line_id: 1, quantity: 2 }],
        carrier: "Post".to_owned(),
        tracking_number: "99.1".to_owned(),
        state: ShipmentState::Dispatched.into(),
        dispatched_time: Some(seconds(2_500)),
        ended_time: None,
    }
}

pub fn sent_back(id: &str) -> wire::OrderReturn {
    wire::OrderReturn {
        return_id: id.to_owned(),
        lines: vec![wire::LineQuantity { line_id: 1, quantity: 1 }],
        reason: "too bitter".to_owned(),
        state: ReturnState::Requested.into(),
        requested_time: Some(seconds(3_500)),
        ..wire::OrderReturn::default()
    }
}

pub fn line(line_id: i32, sku: &str) -> wire::LineProgress {
    wire::LineProgress { line_id, sku: sku.to_owned(), ..wire::LineProgress::default() }
}
