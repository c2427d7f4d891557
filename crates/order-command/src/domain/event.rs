//! The facts that order publishes.

use std::sync::Arc;

use ordermesh_kernel::{Money, NoteId, OrderId, PaymentMethodToken, Timestamp, text_value, word_enum};

use super::{
    Actor, Hold, LineProgress, LineQuantity, OrderTerms, PaymentAmounts, PaymentStatus, Return, Shipment,
    Status, StockStatus,
};

word_enum! {
    /// Why an order was rejected.
    pub enum RejectionReason {
        /// There was not enough stock.
        OutOfStock = "out_of_stock",
        /// The payment was declined for good, or as often as allowed.
        PaymentDeclined = "payment_declined",
    }

    /// Why pieces of an order were cancelled.
    pub enum LinesCancelReason {
        /// Somebody asked for it.
        Requested = "requested",
        /// Reserved pieces were lost.
        StockLost = "stock_lost",
    }
}

text_value! {
    /// What somebody of the staff wrote on an order; it may be personal.
    pub struct NoteText: masked,
        "must be 1 to 2000 characters", |text| (1..=2000).contains(&text.chars().count()) && !text.contains('\0');
}

/// Something that happened to an order.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct OrderEvent {
    /// What every event says.
    pub stamp: Stamp,
    /// What happened.
    pub fact: Fact,
    /// Where the order stands after it.
    pub status: Status,
}

/// What every event of an order says.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Stamp {
    /// The order.
    pub order_id: OrderId,
    /// Who caused it.
    pub actor: Actor,
    /// What the customer owes after it. Payment steers towards the newest one and never adds up lines.
    pub amount_due: Money,
    /// The order's revision after it: the number of the event among those of its order, from 1 on.
    pub order_revision: i64,
    /// When it happened.
    pub occurred_time: Timestamp,
}

/// What happened to an order.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Fact {
    /// An order was placed.
    Created {
        /// What was agreed.
        terms: Arc<OrderTerms>,
        /// When the payment must be there; none when nothing is owed.
        payment_deadline: Option<Timestamp>,
    },
    /// The order will be fulfilled.
    Confirmed,
    /// The order was not accepted.
    Rejected {
        /// Why.
        reason: RejectionReason,
        /// More about it, for people.
        detail: String,
    },
    /// The payment was not there in time.
    Expired {
        /// When it should have been there.
        payment_deadline: Timestamp,
    },
    /// Somebody asked to cancel the order, or nothing of it is left.
    CancellationRequested {
        /// Why, in the caller's words.
        reason: String,
    },
    /// The order is cancelled; nothing is reserved and nothing is owed.
    Cancelled {
        /// Why, in the words of who asked.
        reason: String,
    },
    /// Pieces of some lines were cancelled.
    LinesCancelled {
        /// The pieces that were cancelled now.
        lines: Vec<LineQuantity>,
        /// What has become of these lines by now.
        progress: Vec<LineProgress>,
        /// Why.
        reason: LinesCancelReason,
        /// Why, in the words of who asked.
        note: String,
    },
    /// The order is held.
    HoldPlaced(Hold),
    /// A hold is gone.
    HoldReleased {
        /// As it was.
        hold: Hold,
        /// Why it was released.
        note: String,
    },
    /// Another means of payment is to be tried.
    PaymentRetryRequested {
        /// The provider's token for it.
        token: PaymentMethodToken,
        /// Number of the attempt.
        attempt: i32,
    },
    /// Goods have left.
    ShipmentDispatched {
        /// What left.
        shipment: Shipment,
        /// What has become of its lines by now.
        progress: Vec<LineProgress>,
    },
    /// A shipment has arrived.
    ShipmentDelivered {
        /// What arrived.
        shipment: Shipment,
        /// What has become of its lines by now.
        progress: Vec<LineProgress>,
    },
    /// A shipment will not arrive.
    ShipmentLost {
        /// What is lost.
        shipment: Shipment,
        /// What has become of its lines by now.
        progress: Vec<LineProgress>,
        /// What happened, in the words of who told it.
        reason: String,
    },
    /// Somebody wants to send goods back.
    ReturnRequested(Return),
    /// Goods may be sent back.
    ReturnApproved(Return),
    /// Goods may not be sent back.
    ReturnRejected(Return),
    /// Goods came back.
    ReturnReceived {
        /// What came back.
        goods: Return,
        /// What has become of its lines by now.
        progress: Vec<LineProgress>,
    },
    /// Every piece is delivered, lost or cancelled and the money is at rest.
    Completed,
    /// Order has learned something about its stock.
    StockRecorded {
        /// What.
        stock: StockStatus,
        /// More about it, for people.
        detail: String,
    },
    /// Order has learned something about its payment.
    PaymentRecorded {
        /// Where the payment stands.
        payment: PaymentStatus,
        /// The money.
        amounts: PaymentAmounts,
        /// Number of the payment's attempt.
        attempt: i32,
        /// The provider's code of a decline or failure.
        code: String,
        /// More about it, for people.
        detail: String,
        /// Where the customer goes to do what the payment needs.
        action_url: String,
    },
    /// Somebody of the staff has written a note.
    NoteAdded {
        /// Identity of the note.
        id: NoteId,
        /// What it says.
        text: NoteText,
    },
}

impl OrderEvent {
    /// The event's name in the feed.
    pub const fn name(&self) -> &'static str {
        match &self.fact {
            Fact::Created { .. } => "OrderCreated",
            Fact::Confirmed => "OrderConfirmed",
            Fact::Rejected { .. } => "OrderRejected",
            Fact::Expired { .. } => "OrderExpired",
            Fact::CancellationRequested { .. } => "OrderCancellationRequested",
            Fact::Cancelled { .. } => "OrderCancelled",
            Fact::LinesCancelled { .. } => "OrderLinesCancelled",
            Fact::HoldPlaced(_) => "OrderHoldPlaced",
            Fact::HoldReleased { .. } => "OrderHoldReleased",
            Fact::PaymentRetryRequested { .. } => "PaymentRetryRequested",
            Fact::ShipmentDispatched { .. } => "ShipmentDispatched",
            Fact::ShipmentDelivered { .. } => "ShipmentDelivered",
            Fact::ShipmentLost { .. } => "ShipmentLost",
            Fact::ReturnRequested(_) => "ReturnRequested",
            Fact::ReturnApproved(_) => "ReturnApproved",
            Fact::ReturnRejected(_) => "ReturnRejected",
            Fact::ReturnReceived { .. } => "ReturnReceived",
            Fact::Completed => "OrderCompleted",
            Fact::StockRecorded { .. } => "OrderStockRecorded",
            Fact::PaymentRecorded { .. } => "OrderPaymentRecorded",
            Fact::NoteAdded { .. } => "OrderNoteAdded",
        }
    }
}
