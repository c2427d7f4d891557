//! The one function that decides what is done next at the provider.

use ordermesh_kernel::Timestamp;

use super::record::nothing_came;
use super::terms::after;
use super::{Attempt, AttemptState, Operation, OperationKind, Payment, PaymentEvent, Phase, Terms, What};

/// What is to be done next.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Next {
    /// What.
    pub kind: OperationKind,
    /// How much, in minor units.
    pub amount: i64,
}

/// What a payment needs next to get to where its order wants it; none when it is there, when an operation is open, or
/// when it waits for its order.
pub fn next_operation(payment: &Payment) -> Option<Next> {
    if payment.operation.is_some() {
        return None;
    }
    let attempt = payment.attempt.as_ref()?;
    let gives_up = payment.wants_nothing();
    let next = |kind, amount| Some(Next { kind, amount });
    match attempt.state {
        AttemptState::Initiated | AttemptState::ActionRequired if gives_up => {
            next(OperationKind::Void, attempt.amount)
        }
        AttemptState::Initiated => next(OperationKind::Authorize, attempt.amount),
        AttemptState::ActionRequired | AttemptState::Unknown => next(OperationKind::Inquire, attempt.amount),
        AttemptState::Authorized if payment.phase == Phase::Placed => None,
        AttemptState::Authorized => match payment.target().min(attempt.authorized) {
            0 => next(OperationKind::Void, attempt.authorized),
            amount => next(OperationKind::Capture, amount),
        },
        AttemptState::Captured => match payment.kept() - payment.target() {
            excess if excess > 0 => next(OperationKind::Refund, excess),
            _ => None,
        },
        AttemptState::Declined | AttemptState::Voided => None,
    }
}

impl Payment {
    /// Opens what is needed next, gives up what is no longer wanted, and tells an order that has ended when all is over.
    pub(super) fn steer(&mut self, terms: &Terms, now: Timestamp) -> Vec<PaymentEvent> {
        let mut events = self.reconsider(now);
        self.open_next(terms, now);
        if self.phase != Phase::Ended || self.answered || !self.is_at_rest() || self.kept() > 0 {
            return events;
        }
        self.answered = true;
        events.push(self.publish(What::Voided { nothing_to_void: true }, now));
        events
    }

    /// The order needs no money: it has ended, or what is left of it costs nothing.
    pub(super) fn wants_nothing(&self) -> bool {
        self.target() == 0
    }

    /// Changes an open operation to what is wanted by now, where it can still be changed.
    fn reconsider(&mut self, now: Timestamp) -> Vec<PaymentEvent> {
        let (ended, gives_up) = (self.phase == Phase::Ended, self.wants_nothing());
        let (target, kept) = (self.target(), self.kept());
        let (Some(operation), Some(attempt)) = (&mut self.operation, &mut self.attempt) else {
            return Vec::new();
        };
        match operation.kind {
            OperationKind::Authorize if gives_up => {
                // Who carries it out sends it only once the reference is recorded, which then finds it closed. With a
                // reference it may be on its way: given up there, it cannot succeed any more.
                let unsent = attempt.provider_reference.is_none();
                if unsent && ended {
                    attempt.state = AttemptState::Voided;
                } else if unsent {
                    // The order goes on, and is told that this attempt stands for nothing.
                    return self.declined(nothing_came(), now);
                }
                self.close();
            }
            OperationKind::Inquire if gives_up && attempt.state == AttemptState::ActionRequired => {
                self.close()
            }
            OperationKind::Inquire if ended => operation.due(now),
            OperationKind::Capture if !operation.is_sent() => match target.min(attempt.authorized) {
                0 => self.close(),
                amount => operation.amount = amount,
            },
            OperationKind::Refund if !operation.is_sent() => match kept - target {
                excess if excess > 0 => operation.amount = excess,
                _ => self.close(),
            },
            _ => {}
        }
        Vec::new()
    }

    /// Opens the operation that is needed next, if one is.
    pub(super) fn open_next(&mut self, terms: &Terms, now: Timestamp) {
        let Some(next) = next_operation(self) else { return };
        let wait = match self.attempt.as_ref().map(|attempt| attempt.state) {
            // The customer needs a while.
            Some(AttemptState::ActionRequired) if next.kind == OperationKind::Inquire => terms.action_wait,
            _ => std::time::Duration::ZERO,
        };
        self.open(next, 0, after(now, wait), now);
    }

    /// Opens an operation, perhaps in the place of one that has failed that often.
    pub(super) fn open(&mut self, next: Next, failures: i32, due: Timestamp, now: Timestamp) {
        self.operations += 1;
        let (number, kind) = (self.operations, next.kind);
        let attempt = self.attempt.as_ref();
        let (key, first_sent) = match (kind, attempt) {
            // However often an authorization is sent: it has one key, and one time from which the key's life counts.
            (OperationKind::Authorize, Some(attempt)) => (attempt.key.clone(), attempt.first_sent),
            _ => (format!("{}-{}-{number}", self.id, kind.as_str()), None),
        };
        self.operation = Some(Operation {
            number,
            kind,
            attempt: attempt.map_or(0, |attempt: &Attempt| attempt.number),
            amount: next.amount,
            key,
            round: 0,
            tries: 0,
            failures,
            uncertain: false,
            told: false,
            first_sent,
            next_try: Some(due),
            claim: None,
            action: None,
            last_error: None,
            deed: None,
            create_time: now,
        });
    }
}
