//! The process that takes an order from its placing to its rest: what inventory, payment and the clock tell, in
//! whichever order, and what order makes of it.
//!
//! Nothing here refuses in the normal course: what comes late, twice or for nothing changes nothing. What follows when
//! the last of several facts is there says `Change::settle`.

use ordermesh_kernel::{Money, PaymentMethodToken};

use super::{
    Change, Fact, Field, HoldReason, LineQuantity, LinesCancelReason, OrderState, PaymentAmounts,
    PaymentStatus, Refusal, RejectionReason, StockStatus,
};

/// What inventory tells about an order.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum StockFact {
    /// Every piece is reserved.
    Reserved,
    /// There was not enough.
    Rejected {
        /// What is missing, for people.
        detail: String,
    },
    /// Pieces are available again.
    Released {
        /// Nothing is reserved any more, and nothing will be.
        whole: bool,
    },
    /// Reserved pieces are lost.
    Shortfall {
        /// How many are still reserved of each line that has lost some.
        left: Vec<LineQuantity>,
    },
}

/// What payment tells about an order.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct PaymentFact {
    /// What happened.
    pub what: PaymentNews,
    /// The money after it.
    pub amounts: PaymentAmounts,
    /// Number of the attempt.
    pub attempt: i32,
    /// The provider's code of a decline or failure; empty when it is none.
    pub code: String,
    /// More about it, for people.
    pub detail: String,
}

/// What happened to a payment.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum PaymentNews {
    /// The money is set aside.
    Authorized,
    /// The customer must do something.
    ActionRequired {
        /// Where to do it.
        url: String,
    },
    /// An attempt was declined.
    Declined {
        /// Whether another one may be made.
        retryable: bool,
    },
    /// The provider's answer is not known.
    OutcomeUnknown,
    /// Money was captured.
    Captured,
    /// A capture failed.
    CaptureFailed,
    /// The authorization was given up, or there was none.
    Voided,
    /// Money was given back.
    Refunded,
    /// A refund failed.
    RefundFailed,
}

impl Change {
    /// Takes note of what inventory tells.
    pub fn record_stock(&mut self, fact: StockFact) -> Result<(), Refusal> {
        match fact {
            StockFact::Reserved => self.learn_stock(StockStatus::Reserved, String::new()),
            StockFact::Rejected { detail } => {
                self.learn_stock(StockStatus::Rejected, detail.clone());
                self.reject(RejectionReason::OutOfStock, detail);
            }
            StockFact::Released { whole: false } => {}
            StockFact::Released { whole: true } => {
                // A rejection says more than that there was nothing to release.
                if self.head.stock != StockStatus::Rejected {
                    self.learn_stock(StockStatus::Released, String::new());
                }
                self.reject(RejectionReason::OutOfStock, "the reservation was released".to_owned());
            }
            StockFact::Shortfall { left } => self.lose_stock(&left)?,
        }
        self.settle();
        Ok(())
    }

    fn learn_stock(&mut self, stock: StockStatus, detail: String) {
        // What was committed stays so, and what was released does not come back.
        let late = stock == StockStatus::Reserved && self.head.stock != StockStatus::Pending;
        if self.head.stock != stock && !late {
            self.happened(Fact::StockRecorded { stock, detail });
        }
    }

    /// Rejects an order that is only placed.
    fn reject(&mut self, reason: RejectionReason, detail: String) {
        if self.head.state == OrderState::Placed {
            let nothing = Money::zero(self.head.currency());
            self.follows(Fact::Rejected { reason, detail }, nothing);
        }
    }

    fn lose_stock(&mut self, left: &[LineQuantity]) -> Result<(), Refusal> {
        if !self.head.state.is_open() {
            return Ok(());
        }
        // What is missing is judged by what is to leave by now: what was cancelled meanwhile needs no piece, and what was
        // dispatched has its own. Inventory keeps to the same rule when it hears of both.
        let missing = |line: &LineQuantity| {
            let to_dispatch = self.parts.line(line.line_id).map_or(0, |one| one.to_dispatch());
            LineQuantity { line_id: line.line_id, quantity: to_dispatch - line.quantity }
        };
        let lines: Vec<_> = left.iter().map(missing).filter(|line| line.quantity > 0).collect();
        if lines.is_empty() {
            return Ok(());
        }
        self.learn_stock(StockStatus::Shortfall, "reserved pieces are lost".to_owned());
        self.take_off(lines, LinesCancelReason::StockLost, String::new())
    }

    /// Takes note of what payment tells. So many attempts may be declined. Refused is only what cannot be about this
    /// order: money in another currency.
    pub fn record_payment(&mut self, fact: PaymentFact, max_attempts: i32) -> Result<(), Refusal> {
        let head = &self.head;
        self.expect_currency(&fact.amounts)?;
        if !head.needs_payment() {
            return Ok(());
        }
        let payment = self.status_after(&fact);
        // A failure that is told again and again, until it is over, is told once here.
        let new_hold = self.hold_reason(&fact).is_some_and(|reason| head.hold_for(reason).is_none());
        let known = (head.payment, head.amounts, head.attempt);
        if new_hold || known != (payment, fact.amounts, fact.attempt) {
            let action_url = match &fact.what {
                PaymentNews::ActionRequired { url } => url.clone(),
                _ => String::new(),
            };
            self.happened(Fact::PaymentRecorded {
                payment,
                amounts: fact.amounts,
                attempt: fact.attempt,
                code: fact.code.clone(),
                detail: fact.detail.clone(),
                action_url,
            });
        }
        self.hold_or_release(&fact);
        // Where nothing is owed any more, the decline of what was owed stands against nothing.
        if let PaymentNews::Declined { retryable } = fact.what
            && (!retryable || fact.attempt >= max_attempts)
            && !self.head.payment_is_ready()
        {
            let detail = if fact.detail.is_empty() { fact.code } else { fact.detail };
            self.reject(RejectionReason::PaymentDeclined, detail);
        }
        self.settle();
        Ok(())
    }

    fn expect_currency(&self, amounts: &PaymentAmounts) -> Result<(), Refusal> {
        let expected = self.head.currency();
        let found = [amounts.authorized, amounts.captured, amounts.refunded].map(Money::currency);
        match found.into_iter().find(|found| *found != expected) {
            Some(found) => Err(Refusal::MixedCurrencies { field: Field::Amounts, expected, found }),
            None => Ok(()),
        }
    }

    fn status_after(&self, fact: &PaymentFact) -> PaymentStatus {
        let (now, amounts) = (self.head.payment, &fact.amounts);
        match &fact.what {
            PaymentNews::Authorized => PaymentStatus::Authorized,
            PaymentNews::ActionRequired { .. } => PaymentStatus::ActionRequired,
            PaymentNews::Declined { .. } => PaymentStatus::Declined,
            PaymentNews::OutcomeUnknown => PaymentStatus::Unknown,
            PaymentNews::Captured if self.falls_short(amounts) => PaymentStatus::PartlyCaptured,
            PaymentNews::Captured => PaymentStatus::Captured,
            // A decline says more than that there was nothing to give up.
            PaymentNews::Voided if now == PaymentStatus::Declined => now,
            // Nothing was left to give up: what was captured was given back.
            PaymentNews::Voided if !amounts.captured.is_zero() => self.status_of(amounts),
            PaymentNews::Voided => PaymentStatus::Voided,
            PaymentNews::Refunded if amounts.kept() > 0 => PaymentStatus::PartlyRefunded,
            PaymentNews::Refunded => PaymentStatus::Refunded,
            // What was not known is known by now: it did not happen.
            PaymentNews::CaptureFailed | PaymentNews::RefundFailed if now == PaymentStatus::Unknown => {
                self.status_of(amounts)
            }
            PaymentNews::CaptureFailed | PaymentNews::RefundFailed => now,
        }
    }

    /// Where a payment stands whose last operation has failed, by its money.
    fn status_of(&self, amounts: &PaymentAmounts) -> PaymentStatus {
        match (amounts.captured.is_zero(), amounts.refunded.is_zero()) {
            (true, _) => PaymentStatus::Authorized,
            (_, false) if amounts.kept() > 0 => PaymentStatus::PartlyRefunded,
            (_, false) => PaymentStatus::Refunded,
            _ if self.falls_short(amounts) => PaymentStatus::PartlyCaptured,
            _ => PaymentStatus::Captured,
        }
    }

    /// Holds an order whose money needs somebody, and lets it go on when the money is right again.
    fn hold_or_release(&mut self, fact: &PaymentFact) {
        let over: &[HoldReason] = match fact.what {
            PaymentNews::OutcomeUnknown => &[],
            PaymentNews::Refunded => {
                &[HoldReason::PaymentUnknown, HoldReason::CaptureFailed, HoldReason::RefundFailed]
            }
            PaymentNews::Captured if self.is_short(&fact.amounts) => &[HoldReason::PaymentUnknown],
            PaymentNews::Captured | PaymentNews::Voided => {
                &[HoldReason::PaymentUnknown, HoldReason::CaptureFailed]
            }
            _ => &[HoldReason::PaymentUnknown],
        };
        for reason in over {
            self.release_hold_for(*reason);
        }
        if let Some(reason) = self.hold_reason(fact).filter(|reason| self.head.hold_for(*reason).is_none()) {
            self.place_hold(reason, fact.detail.clone());
        }
    }

    /// The hold that news place, if they do. A capture of less than is owed, as somebody can make it at the provider, is
    /// one that failed: no other follows, and nobody else would tell.
    fn hold_reason(&self, fact: &PaymentFact) -> Option<HoldReason> {
        match fact.what {
            PaymentNews::OutcomeUnknown => Some(HoldReason::PaymentUnknown),
            PaymentNews::CaptureFailed => Some(HoldReason::CaptureFailed),
            PaymentNews::Captured if self.is_short(&fact.amounts) => Some(HoldReason::CaptureFailed),
            PaymentNews::RefundFailed => Some(HoldReason::RefundFailed),
            _ => None,
        }
    }

    /// A confirmed order has paid less than it owes.
    fn is_short(&self, amounts: &PaymentAmounts) -> bool {
        self.head.state == OrderState::Confirmed && self.falls_short(amounts)
    }

    /// By this money less is paid than is owed.
    fn falls_short(&self, amounts: &PaymentAmounts) -> bool {
        amounts.kept() < self.head.amount_due.minor_units()
    }

    /// The payment deadline has passed, or has not: judged by `now` on the order as it is. Whether it has.
    pub fn expire(&mut self) -> bool {
        let passed = self.head.due_time().filter(|deadline| *deadline <= self.now);
        if let Some(payment_deadline) = passed {
            self.happened_owing_nothing(Fact::Expired { payment_deadline });
        }
        passed.is_some()
    }

    /// Another means of payment is to be tried.
    pub fn retry_payment(&mut self, token: PaymentMethodToken) -> Result<(), Refusal> {
        self.expect_state(|state| state == OrderState::Placed)?;
        if !self.head.payment.allows_retry() || self.head.payment_is_ready() {
            return Err(Refusal::NotRetryable { payment: self.head.payment });
        }
        let attempt = self.head.attempt + 1;
        self.happened(Fact::PaymentRetryRequested { token, attempt });
        Ok(())
    }
}
