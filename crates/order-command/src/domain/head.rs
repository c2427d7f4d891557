//! The head of an order: the small part that every event changes, and all that most decisions on an existing
//! order need.

use ordermesh_kernel::{Currency, Money, OrderId, Timestamp};

use super::{
    Fact, FulfilmentStatus, Hold, HoldReason, LineQuantity, OrderEvent, OrderState, PaymentAmounts,
    PaymentStatus, Since, Stamp, Status, StockStatus, waiting,
};

/// What has become of an order's pieces, all lines together.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Pieces {
    /// Ordered.
    pub ordered: i64,
    /// Cancelled.
    pub cancelled: i64,
    /// Dispatched; delivered and lost ones included.
    pub shipped: i64,
    /// Delivered.
    pub delivered: i64,
    /// Lost on the way.
    pub lost: i64,
}

impl Pieces {
    /// Neither cancelled nor dispatched.
    pub const fn to_dispatch(&self) -> i64 {
        self.ordered - self.cancelled - self.shipped
    }

    /// Dispatched, and neither delivered nor lost.
    pub const fn under_way(&self) -> i64 {
        self.shipped - self.delivered - self.lost
    }

    const fn fulfilment(&self) -> FulfilmentStatus {
        match (self.shipped, self.to_dispatch()) {
            (0, _) => FulfilmentStatus::None,
            (_, 0) => FulfilmentStatus::Full,
            _ => FulfilmentStatus::Partial,
        }
    }
}

/// The small part of an order that every event changes.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct OrderHead {
    /// Identity of the order.
    pub id: OrderId,
    /// Where the order stands.
    pub state: OrderState,
    /// Number of the order's newest event.
    pub revision: i64,
    /// What the customer owes by now.
    pub amount_due: Money,
    /// Why the order was cancelled, in the caller's words; none unless it was.
    pub cancel_reason: Option<String>,
    /// When the order last changed.
    pub update_time: Timestamp,
    /// What is known of the stock.
    pub stock: StockStatus,
    /// What is known of the payment.
    pub payment: PaymentStatus,
    /// What payment has told of the money.
    pub amounts: PaymentAmounts,
    /// Number of the payment's newest attempt.
    pub attempt: i32,
    /// When the payment must be there; none when nothing was owed.
    pub payment_deadline: Option<Timestamp>,
    /// What has become of the pieces.
    pub pieces: Pieces,
    /// When each facet last changed.
    pub since: Since,
    /// The holds that are in force.
    pub holds: Vec<Hold>,
    /// How many notes there are.
    pub notes: i32,
}

impl OrderHead {
    /// The head of an order that was just placed, as its first event tells it.
    pub fn created(stamp: &Stamp, pieces: i64, payment_deadline: Option<Timestamp>) -> Self {
        let payment = match stamp.amount_due.is_zero() {
            true => PaymentStatus::NotRequired,
            false => PaymentStatus::Pending,
        };
        Self {
            id: stamp.order_id,
            state: OrderState::Placed,
            revision: stamp.order_revision,
            amount_due: stamp.amount_due,
            cancel_reason: None,
            update_time: stamp.occurred_time,
            stock: StockStatus::Pending,
            payment,
            amounts: PaymentAmounts::none(stamp.amount_due),
            attempt: i32::from(payment == PaymentStatus::Pending),
            payment_deadline,
            pieces: Pieces { ordered: pieces, ..Pieces::default() },
            since: Since::placed(stamp.occurred_time),
            holds: vec![],
            notes: 0,
        }
    }

    /// The currency of all amounts of the order.
    pub const fn currency(&self) -> Currency {
        self.amount_due.currency()
    }

    /// Whether less was captured than is owed.
    pub const fn owes(&self) -> bool {
        self.amounts.kept() < self.amount_due.minor_units()
    }

    /// Whether more was captured than is owed.
    pub const fn is_owed(&self) -> bool {
        self.amounts.kept() > self.amount_due.minor_units()
    }

    /// The hold of a reason that a policy placed.
    pub fn hold_for(&self, reason: HoldReason) -> Option<&Hold> {
        self.holds.iter().find(|hold| hold.reason == reason)
    }

    /// Whether something was owed when the order was placed.
    pub fn needs_payment(&self) -> bool {
        self.payment != PaymentStatus::NotRequired
    }

    /// Whether the payment does not stand in the way of a confirmation. Where all that is left costs nothing, no
    /// attempt needs to succeed; and what is captured already need not be set aside.
    pub const fn payment_is_ready(&self) -> bool {
        let paid = self.amounts.kept() > 0 && !self.owes();
        let enough = self.amounts.authorized.minor_units() >= self.amount_due.minor_units();
        let set_aside = matches!(self.payment, PaymentStatus::Authorized) && enough;
        let owes_nothing = self.amount_due.is_zero() && self.payment.is_at_rest();
        set_aside || paid || owes_nothing
    }

    /// When the order expires by itself; none when it does not, as long as it stands like this.
    pub fn due_time(&self) -> Option<Timestamp> {
        // Where nothing is owed it only waits until payment has given up what was asked of it before.
        let owes = !self.amount_due.is_zero() && !self.payment_is_ready();
        let waits = self.state == OrderState::Placed && owes;
        self.payment_deadline.filter(|_| waits)
    }

    /// Where the order stands, in all its facets.
    pub fn status(&self) -> Status {
        Status {
            state: self.state,
            stock: self.stock,
            payment: self.payment,
            fulfilment: self.pieces.fulfilment(),
            waiting_for: waiting::waiting_for(self),
            amounts: self.amounts,
        }
    }

    /// Takes in what an event says.
    pub fn apply(&mut self, event: &OrderEvent) {
        self.take_in(&event.stamp, &event.fact);
    }

    /// Takes in a fact: the only place where an order changes its state. A creation starts over.
    pub(super) fn take_in(&mut self, stamp: &Stamp, fact: &Fact) {
        let before = (self.state, self.stock, self.payment, self.pieces, self.amount_due);
        match fact {
            Fact::Created { terms, payment_deadline } => {
                *self = Self::created(stamp, terms.pieces(), *payment_deadline);
            }
            Fact::Confirmed => {
                self.state = OrderState::Confirmed;
                if self.stock == StockStatus::Reserved {
                    self.stock = StockStatus::Committed;
                }
            }
            Fact::Rejected { .. } => self.state = OrderState::Rejected,
            Fact::Expired { .. } => self.state = OrderState::Expired,
            Fact::CancellationRequested { reason } => {
                self.state = OrderState::Cancelling;
                self.cancel_reason = Some(reason.clone());
            }
            Fact::Cancelled { .. } => self.state = OrderState::Cancelled,
            Fact::LinesCancelled { lines, .. } => self.pieces.cancelled += sum(lines),
            Fact::HoldPlaced(hold) => self.holds.push(hold.clone()),
            Fact::HoldReleased { hold, .. } => self.holds.retain(|one| one.id != hold.id),
            Fact::PaymentRetryRequested { attempt, .. } => {
                self.payment = PaymentStatus::Pending;
                self.attempt = *attempt;
            }
            Fact::ShipmentDispatched { shipment, .. } => self.pieces.shipped += sum(&shipment.lines),
            Fact::ShipmentDelivered { shipment, .. } => self.pieces.delivered += sum(&shipment.lines),
            Fact::ShipmentLost { shipment, .. } => self.pieces.lost += sum(&shipment.lines),
            Fact::Completed => self.state = OrderState::Completed,
            Fact::StockRecorded { stock, .. } => self.stock = *stock,
            Fact::PaymentRecorded { payment, amounts, attempt, .. } => {
                (self.payment, self.amounts, self.attempt) = (*payment, *amounts, *attempt);
            }
            Fact::NoteAdded { .. } => self.notes += 1,
            Fact::ReturnRequested(_)
            | Fact::ReturnApproved(_)
            | Fact::ReturnRejected(_)
            | Fact::ReturnReceived { .. } => {}
        }
        self.revision = stamp.order_revision;
        self.amount_due = stamp.amount_due;
        self.update_time = stamp.occurred_time;
        let after = (self.state, self.stock, self.payment, self.pieces, self.amount_due);
        let now = |changed: bool, since: &mut Timestamp| {
            if changed {
                *since = stamp.occurred_time;
            }
        };
        now(before.0 != after.0, &mut self.since.state);
        now(before.1 != after.1, &mut self.since.stock);
        now(before.2 != after.2, &mut self.since.payment);
        now(before.3 != after.3, &mut self.since.goods);
        now(before.4 != after.4, &mut self.since.due);
    }
}

fn sum(lines: &[LineQuantity]) -> i64 {
    lines.iter().map(|line| i64::from(line.quantity)).sum()
}
