//! The parts of an order: what has become of its lines' pieces, its shipments and its returns. A command loads them
//! only when it decides about pieces.

use ordermesh_kernel::{ReturnId, ShipmentId, Timestamp, text::is_printable, text_value, word_enum};

use super::{Fact, Line, Shipping};

/// Shipments, and returns, that an order has at most.
pub const MAX_PARTS: usize = 1000;

text_value! {
    /// Who carries a shipment.
    pub struct Carrier: shown,
        "must be 1 to 100 characters without control characters", |text| is_printable(text, 100);
    /// The carrier's number of a shipment.
    pub struct TrackingNumber: shown,
        "must be 1 to 100 characters without control characters", |text| is_printable(text, 100);
}

word_enum! {
    /// Where a shipment stands.
    pub enum ShipmentState {
        /// It has left.
        Dispatched = "dispatched",
        /// It has arrived. Final.
        Delivered = "delivered",
        /// It will not arrive. Final.
        Lost = "lost",
    }

    /// Where a return stands.
    pub enum ReturnState {
        /// Somebody asked for it.
        Requested = "requested",
        /// The goods may be sent back.
        Approved = "approved",
        /// The goods may not be sent back. Final.
        Rejected = "rejected",
        /// The goods are back. Final.
        Received = "received",
    }

    /// In which condition returned goods are.
    pub enum ReturnCondition {
        /// They go back to the stock.
        Resaleable = "resaleable",
        /// They do not.
        Damaged = "damaged",
    }
}

/// So many pieces of a line.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct LineQuantity {
    /// The line.
    pub line_id: i32,
    /// How many, 1 or more.
    pub quantity: i32,
}

/// What has become of a line's pieces.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Progress {
    /// Cancelled.
    pub cancelled: i32,
    /// Dispatched; delivered and lost ones included.
    pub shipped: i32,
    /// Delivered; returned ones included.
    pub delivered: i32,
    /// Lost on the way.
    pub lost: i32,
    /// Came back and were accepted.
    pub returned: i32,
}

/// A line as it was agreed, and what has become of its pieces.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct LineInProgress {
    /// As agreed.
    pub line: Line,
    /// What has become of it.
    pub progress: Progress,
}

impl LineInProgress {
    /// Pieces that are neither cancelled nor dispatched.
    pub const fn to_dispatch(&self) -> i32 {
        self.line.quantity.get() - self.progress.cancelled - self.progress.shipped
    }

    /// Pieces that the customer pays for.
    pub const fn owed(&self) -> i32 {
        let progress = &self.progress;
        self.line.quantity.get() - progress.cancelled - progress.lost - progress.returned
    }
}

/// Goods on their way.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Shipment {
    /// Identity.
    pub id: ShipmentId,
    /// What is in it.
    pub lines: Vec<LineQuantity>,
    /// Who carries it.
    pub carrier: Option<Carrier>,
    /// The carrier's number.
    pub tracking_number: Option<TrackingNumber>,
    /// Where it stands.
    pub state: ShipmentState,
    /// When it left.
    pub dispatched_time: Timestamp,
    /// When it was delivered or lost.
    pub ended_time: Option<Timestamp>,
}

/// What came back of a line.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct ReceivedLine {
    /// The line.
    pub line_id: i32,
    /// How many pieces are accepted.
    pub accepted: i32,
    /// Their condition.
    pub condition: ReturnCondition,
}

/// Goods on their way back.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Return {
    /// Identity.
    pub id: ReturnId,
    /// What is to come back.
    pub lines: Vec<LineQuantity>,
    /// Why, in the words of who asked.
    pub reason: String,
    /// Where it stands.
    pub state: ReturnState,
    /// What did come back.
    pub received: Vec<ReceivedLine>,
    /// Why it was rejected.
    pub rejection_reason: String,
    /// When it was asked for.
    pub requested_time: Timestamp,
}

impl Return {
    /// Whether its pieces are still to come.
    pub const fn is_open(&self) -> bool {
        matches!(self.state, ReturnState::Requested | ReturnState::Approved)
    }

    /// How many pieces of a line it has.
    pub fn quantity_of(&self, line_id: i32) -> i32 {
        self.lines.iter().filter(|line| line.line_id == line_id).map(|line| line.quantity).sum()
    }
}

/// What has become of one line's pieces, all of it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct LineProgress {
    /// The line.
    pub line_id: i32,
    /// The article.
    pub sku: super::Sku,
    /// How many were ordered.
    pub ordered: i32,
    /// What has become of them.
    pub progress: Progress,
}

/// The parts of an order.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Parts {
    /// Whether prices contain the tax.
    pub prices_include_tax: bool,
    /// What the shipping costs.
    pub shipping: Option<Shipping>,
    /// The lines, by number.
    pub lines: Vec<LineInProgress>,
    /// The shipments, oldest first.
    pub shipments: Vec<Shipment>,
    /// The returns, oldest first.
    pub returns: Vec<Return>,
}

impl Parts {
    /// The parts of an order of which nothing has become anything yet.
    pub fn agreed(
        prices_include_tax: bool,
        shipping: Option<Shipping>,
        lines: impl IntoIterator<Item = Line>,
    ) -> Self {
        let lines = lines.into_iter().map(|line| LineInProgress { line, progress: Progress::default() });
        Self { prices_include_tax, shipping, lines: lines.collect(), ..Self::default() }
    }

    /// The line of a number.
    pub fn line(&self, line_id: i32) -> Option<&LineInProgress> {
        self.lines.iter().find(|line| line.line.line_id == line_id)
    }

    /// Pieces of a line that could be asked back: delivered, not returned, and not in an open return.
    pub fn returnable(&self, line: &LineInProgress) -> i32 {
        let open = self.returns.iter().filter(|goods| goods.is_open());
        let asked: i32 = open.map(|goods| goods.quantity_of(line.line.line_id)).sum();
        line.progress.delivered - line.progress.returned - asked
    }

    /// Takes in what a fact says about pieces.
    pub(super) fn apply(&mut self, fact: &Fact) {
        match fact {
            Fact::LinesCancelled { progress, .. } => self.set(progress),
            Fact::ShipmentDispatched { shipment, progress }
            | Fact::ShipmentDelivered { shipment, progress }
            | Fact::ShipmentLost { shipment, progress, .. } => {
                self.set(progress);
                put(&mut self.shipments, shipment, |one| one.id);
            }
            Fact::ReturnRequested(goods) | Fact::ReturnApproved(goods) | Fact::ReturnRejected(goods) => {
                put(&mut self.returns, goods, |one| one.id);
            }
            Fact::ReturnReceived { goods, progress } => {
                self.set(progress);
                put(&mut self.returns, goods, |one| one.id);
            }
            _ => {}
        }
    }

    fn set(&mut self, progress: &[LineProgress]) {
        for now in progress {
            let line = self.lines.iter_mut().find(|line| line.line.line_id == now.line_id);
            if let Some(line) = line {
                line.progress = now.progress;
            }
        }
    }
}

/// Puts `part` in the place of the one with its id, or at the end.
fn put<T: Clone, I: PartialEq>(parts: &mut Vec<T>, part: &T, id: impl Fn(&T) -> I) {
    match parts.iter_mut().find(|one| id(one) == id(part)) {
        Some(one) => one.clone_from(part),
        None => parts.push(part.clone()),
    }
}
