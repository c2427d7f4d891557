//! What an order waits for: never nothing while its state is not final.

use ordermesh_kernel::{Timestamp, word_enum};

use super::{OrderHead, OrderState, PaymentStatus, StockStatus};

word_enum! {
    /// What an order waits for.
    pub enum WaitingFor {
        /// Inventory's answer to the reservation.
        Stock = "stock",
        /// Payment's answer to the authorization.
        Payment = "payment",
        /// The customer's part of the payment.
        PaymentAction = "payment_action",
        /// RetryPayment, after an attempt that was declined.
        PaymentRetry = "payment_retry",
        /// Somebody who releases a hold.
        Hold = "hold",
        /// The capture of what is owed.
        Capture = "capture",
        /// The dispatch of pieces.
        Dispatch = "dispatch",
        /// The delivery of shipments.
        Delivery = "delivery",
        /// Inventory's release of the stock.
        StockRelease = "stock_release",
        /// Payment's void or refund of what is no longer owed.
        Refund = "refund",
    }
}

/// One thing that an order waits for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Waiting {
    /// What it is.
    pub what: WaitingFor,
    /// Since when.
    pub since: Timestamp,
    /// When the order stops waiting by itself.
    pub deadline: Option<Timestamp>,
}

/// When each facet of an order last changed.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Since {
    /// The state.
    pub state: Timestamp,
    /// The stock.
    pub stock: Timestamp,
    /// The payment.
    pub payment: Timestamp,
    /// What was cancelled, dispatched, delivered or lost.
    pub goods: Timestamp,
    /// What is owed.
    pub due: Timestamp,
}

impl Since {
    /// Everything is as old as the order.
    pub const fn placed(now: Timestamp) -> Self {
        Self { state: now, stock: now, payment: now, goods: now, due: now }
    }
}

/// What an order waits for, as it is now.
pub(super) fn waiting_for(head: &OrderHead) -> Vec<Waiting> {
    let since = &head.since;
    let mut list = List::default();
    match head.state {
        OrderState::Placed => {
            if head.stock == StockStatus::Pending {
                list.add(WaitingFor::Stock, since.stock);
            }
            let payment = match head.payment {
                PaymentStatus::ActionRequired => Some(WaitingFor::PaymentAction),
                _ if head.payment_is_ready() => None,
                status if status.allows_retry() => Some(WaitingFor::PaymentRetry),
                _ => Some(WaitingFor::Payment),
            };
            if let Some(what) = payment {
                list.0.push(Waiting { what, since: since.payment, deadline: head.due_time() });
            }
        }
        OrderState::Confirmed => {
            list.add_if(head.owes(), WaitingFor::Capture, since.state.max(since.payment));
            list.add_if(head.is_owed(), WaitingFor::Refund, since.due);
            list.add_if(head.pieces.to_dispatch() > 0, WaitingFor::Dispatch, since.state.max(since.goods));
            list.add_if(head.pieces.under_way() > 0, WaitingFor::Delivery, since.goods);
        }
        OrderState::Cancelling | OrderState::Rejected | OrderState::Expired => {
            list.add_if(!head.stock.is_at_rest(), WaitingFor::StockRelease, since.state);
            list.add_if(!head.payment.is_at_rest(), WaitingFor::Refund, since.state);
        }
        OrderState::Completed | OrderState::Cancelled => {
            list.add_if(head.is_owed(), WaitingFor::Refund, since.due);
        }
    }
    let oldest = head.holds.iter().map(|hold| hold.placed_time).min();
    // A hold keeps nothing back in a state that is final; a refund that fails there is waited for as such.
    if let Some(oldest) = oldest.filter(|_| !head.state.is_final()) {
        list.add(WaitingFor::Hold, oldest);
    }
    list.0
}

#[derive(Default)]
struct List(Vec<Waiting>);

impl List {
    fn add(&mut self, what: WaitingFor, since: Timestamp) {
        self.0.push(Waiting { what, since, deadline: None });
    }

    fn add_if(&mut self, really: bool, what: WaitingFor, since: Timestamp) {
        if really {
            self.add(what, since);
        }
    }
}
