//! What a payment makes of what its provider tells, or does not tell.

use ordermesh_kernel::Timestamp;

use super::{
    AttemptState, Decline, Next, OperationKind, Outcome, Payment, PaymentEvent, Phase, Report, Terms, What,
};

impl Payment {
    /// Takes in what a try of the open operation has come to. A report of a closed operation, or of an earlier round,
    /// changes nothing.
    pub fn record(&mut self, report: &Report, terms: &Terms, now: Timestamp) -> Vec<PaymentEvent> {
        let expected = self.operation.as_ref().map(|operation| (operation.number, operation.round));
        if expected != Some((report.operation, report.round)) {
            return Vec::new();
        }
        self.settle(report.outcome.clone(), Some(report.first_sent), terms, now)
    }

    /// Has the open operation end, or go on, by what has become of it.
    pub(super) fn settle(
        &mut self,
        outcome: Outcome,
        first_sent: Option<Timestamp>,
        terms: &Terms,
        now: Timestamp,
    ) -> Vec<PaymentEvent> {
        self.update_time = now;
        if let Some(operation) = &mut self.operation
            && operation.first_sent.is_none()
        {
            operation.first_sent = first_sent;
        }
        let mut events = match outcome {
            Outcome::Prepared { reference } => {
                if let Some(attempt) = &mut self.attempt {
                    attempt.provider_reference.get_or_insert(reference);
                }
                // The operation goes on: it neither ends nor lets go of its claim.
                return Vec::new();
            }
            Outcome::Authorized { amount } => self.authorized(amount, now),
            Outcome::ActionRequired { url } => self.action_required(url, terms, now),
            Outcome::Declined(decline) if self.takes_or_returns() => {
                self.failed(decline.code, decline.detail, terms, now)
            }
            // An attempt that has failed may still succeed at the provider, until it is given up there.
            Outcome::Declined(_) if self.is_unsure_of_void(terms, now) => self.undone(now),
            Outcome::Declined(decline) => self.declined(decline, now),
            Outcome::Captured { amount } => self.captured(amount, now),
            Outcome::Voided => self.voided(terms, now),
            Outcome::Refunded => self.refunded(now),
            Outcome::NotStarted => self.not_started(terms, now),
            Outcome::Pending => self.pending(terms, now),
            Outcome::Unknown { detail } => self.unknown(detail, terms, now),
            Outcome::NotNow { detail, key_is_spent } => self.not_now(detail, key_is_spent, terms, now),
            Outcome::Failed { code, detail } => self.failed(code, detail, terms, now),
        };
        events.extend(self.steer(terms, now));
        events
    }

    fn kind(&self) -> Option<OperationKind> {
        self.operation.as_ref().map(|operation| operation.kind)
    }

    /// Whether the open operation sets money aside or asks about it. Where any other one was asked about, an answer that
    /// the money is, or is not yet, set aside says that the operation was not done.
    fn is_about_authorization(&self) -> bool {
        self.kind().is_some_and(OperationKind::is_about_authorization)
    }

    fn takes_or_returns(&self) -> bool {
        matches!(self.kind(), Some(OperationKind::Capture | OperationKind::Refund))
    }

    /// Whether the open operation gives up an attempt, and it was asked whether it has.
    fn is_unsure_of_void(&self, terms: &Terms, now: Timestamp) -> bool {
        let open = self.operation.as_ref().filter(|operation| operation.kind == OperationKind::Void);
        open.is_some_and(|operation| operation.uncertain || terms.is_forgotten(operation.first_sent, now))
    }

    fn authorized(&mut self, amount: i64, now: Timestamp) -> Vec<PaymentEvent> {
        if !self.is_about_authorization() {
            return self.undone(now);
        }
        self.close();
        if let Some(attempt) = &mut self.attempt {
            attempt.state = AttemptState::Authorized;
            attempt.authorized = amount;
            attempt.action_url = None;
        }
        vec![self.publish(What::Authorized, now)]
    }

    fn action_required(&mut self, url: String, terms: &Terms, now: Timestamp) -> Vec<PaymentEvent> {
        if !self.is_about_authorization() {
            return self.undone(now);
        }
        let known = self.attempt.as_ref().map(|attempt| attempt.state);
        if known == Some(AttemptState::ActionRequired)
            && let Some(operation) = &mut self.operation
            && operation.kind == OperationKind::Inquire
        {
            operation.claim = None;
            operation.action = None;
            operation.failures = 0;
            operation.next_try = Some(super::terms::after(now, terms.action_wait));
            return Vec::new();
        }
        self.close();
        if let Some(attempt) = &mut self.attempt {
            attempt.state = AttemptState::ActionRequired;
            attempt.action_url = Some(url.clone());
        }
        vec![self.publish(What::ActionRequired { url }, now)]
    }

    pub(super) fn declined(&mut self, decline: Decline, now: Timestamp) -> Vec<PaymentEvent> {
        // An order that has ended hears of it by the steering; one that goes on may try another card.
        let is_over = self.kind() == Some(OperationKind::Void) && self.phase == Phase::Ended;
        self.close();
        if let Some(attempt) = &mut self.attempt {
            attempt.state = if is_over { AttemptState::Voided } else { AttemptState::Declined };
            attempt.authorized = 0;
            attempt.action_url = None;
            attempt.decline = Some(decline.clone());
        }
        match is_over {
            true => Vec::new(),
            false => vec![self.publish(What::Declined(decline), now)],
        }
    }

    fn captured(&mut self, amount: i64, now: Timestamp) -> Vec<PaymentEvent> {
        if self.kind() == Some(OperationKind::Refund) {
            return self.undone(now);
        }
        self.close();
        let mut events = Vec::new();
        if let Some(attempt) = &mut self.attempt {
            // Somebody has taken it at the provider, past us.
            let unheard = attempt.state != AttemptState::Authorized;
            attempt.authorized = attempt.authorized.max(amount);
            attempt.action_url = None;
            attempt.state = AttemptState::Authorized;
            if unheard {
                events.push(self.publish(What::Authorized, now));
            }
        }
        if let Some(attempt) = &mut self.attempt {
            attempt.state = AttemptState::Captured;
        }
        self.captured += amount;
        let amount = self.money(amount);
        events.push(self.publish(What::Captured { amount }, now));
        events
    }

    fn voided(&mut self, terms: &Terms, now: Timestamp) -> Vec<PaymentEvent> {
        if self.takes_or_returns() {
            let detail = "the provider has nothing set aside any more".to_owned();
            return self.failed("authorization_gone".to_owned(), detail, terms, now);
        }
        self.close();
        let was = self.attempt.as_ref().map(|attempt| attempt.state);
        if self.phase != Phase::Ended && was != Some(AttemptState::Authorized) {
            return self.declined(nothing_came(), now);
        }
        if let Some(attempt) = &mut self.attempt {
            attempt.state = AttemptState::Voided;
            attempt.action_url = None;
        }
        if was != Some(AttemptState::Authorized) {
            return Vec::new();
        }
        self.answered = self.phase == Phase::Ended;
        vec![self.publish(What::Voided { nothing_to_void: false }, now)]
    }

    fn refunded(&mut self, now: Timestamp) -> Vec<PaymentEvent> {
        let amount = self.operation.as_ref().map_or(0, |operation| operation.amount);
        self.close();
        self.refunded += amount;
        self.answered |= self.phase == Phase::Ended && self.kept() == 0;
        let amount = self.money(amount);
        vec![self.publish(What::Refunded { amount }, now)]
    }

    /// The provider has it, and nothing was done.
    fn not_started(&mut self, terms: &Terms, now: Timestamp) -> Vec<PaymentEvent> {
        if self.kind() != Some(OperationKind::Inquire) {
            return match self.operation.as_ref().is_some_and(|own| terms.is_forgotten(own.first_sent, now)) {
                // What might still be on its way after so long would meet the provider's own check of what is left.
                true => self.undone(now),
                false => self.send_again(now),
            };
        }
        let failures = self.operation.as_ref().map_or(0, |operation| operation.failures);
        self.close();
        let Some(attempt) = &self.attempt else { return Vec::new() };
        let forgotten = terms.is_forgotten(attempt.first_sent, now);
        // Past the key's life the same authorization might be made twice; given up, it can never be made at all.
        let kind = match self.wants_nothing() || forgotten {
            true => OperationKind::Void,
            false => OperationKind::Authorize,
        };
        let amount = attempt.amount;
        self.open(Next { kind, amount }, failures, now, now);
        Vec::new()
    }

    fn unknown(&mut self, detail: String, terms: &Terms, now: Timestamp) -> Vec<PaymentEvent> {
        match self.kind() {
            Some(OperationKind::Authorize) => self.lost(detail, terms, now),
            Some(OperationKind::Inquire) | None => self.not_now(detail, false, terms, now),
            Some(OperationKind::Capture | OperationKind::Void | OperationKind::Refund) => {
                if let Some(operation) = &mut self.operation {
                    operation.uncertain = true;
                }
                self.fails("outcome_unknown".to_owned(), detail, terms, now)
            }
        }
    }

    /// The provider is still at it: it is asked later, not sent again.
    fn pending(&mut self, terms: &Terms, now: Timestamp) -> Vec<PaymentEvent> {
        let detail = "the provider is still at it".to_owned();
        if self.kind() == Some(OperationKind::Authorize) {
            return self.lost(detail, terms, now);
        }
        if let Some(operation) = &mut self.operation {
            operation.uncertain = true;
        }
        self.not_now(detail, false, terms, now)
    }

    /// Nobody knows what has become of the authorization: the provider is asked, until it tells.
    fn lost(&mut self, detail: String, terms: &Terms, now: Timestamp) -> Vec<PaymentEvent> {
        let (first_sent, failures) =
            self.operation.as_ref().map_or((None, 0), |own| (own.first_sent, own.failures));
        self.close();
        let Some(attempt) = &mut self.attempt else { return Vec::new() };
        let news = std::mem::replace(&mut attempt.state, AttemptState::Unknown) != AttemptState::Unknown;
        attempt.first_sent = attempt.first_sent.or(first_sent);
        let (failures, amount) = (failures.saturating_add(1), attempt.amount);
        let next = Next { kind: OperationKind::Inquire, amount };
        self.open(next, failures, terms.after_failures(failures, now), now);
        match news {
            true => vec![self.publish(What::OutcomeUnknown { detail }, now)],
            false => Vec::new(),
        }
    }

    fn not_now(
        &mut self,
        detail: String,
        key_is_spent: bool,
        terms: &Terms,
        now: Timestamp,
    ) -> Vec<PaymentEvent> {
        if let Some(operation) = &mut self.operation {
            operation.failed(detail, terms.after_failures(operation.failures + 1, now));
            if key_is_spent {
                operation.renew_key();
                if let (OperationKind::Authorize, Some(attempt)) = (operation.kind, &mut self.attempt) {
                    attempt.key.clone_from(&operation.key);
                }
            }
        }
        Vec::new()
    }

    fn failed(&mut self, code: String, detail: String, terms: &Terms, now: Timestamp) -> Vec<PaymentEvent> {
        match self.kind() {
            Some(OperationKind::Authorize) => {
                return self.declined(Decline { code, detail, retryable: true }, now);
            }
            Some(OperationKind::Inquire) | None => return self.not_now(detail, false, terms, now),
            Some(OperationKind::Capture | OperationKind::Void | OperationKind::Refund) => {}
        }
        if let Some(operation) = &mut self.operation {
            operation.renew_key();
        }
        self.fails(code, detail, terms, now)
    }

    /// What must be done in the end did not work: it is tried for ever, and published the first time.
    fn fails(&mut self, code: String, detail: String, terms: &Terms, now: Timestamp) -> Vec<PaymentEvent> {
        let Some(operation) = &mut self.operation else { return Vec::new() };
        operation.failed(format!("{code}: {detail}"), terms.after_failures(operation.failures + 1, now));
        if std::mem::replace(&mut operation.told, true) {
            return Vec::new();
        }
        match operation.kind {
            OperationKind::Capture => vec![self.publish(What::CaptureFailed { code, detail }, now)],
            OperationKind::Refund => vec![self.publish(What::RefundFailed { code, detail }, now)],
            // Nothing that an order could do hangs on it.
            OperationKind::Authorize | OperationKind::Inquire | OperationKind::Void => Vec::new(),
        }
    }

    /// It was asked whether an operation was done, and it was not: it is sent under a new key.
    pub(super) fn undone(&mut self, now: Timestamp) -> Vec<PaymentEvent> {
        if let Some(operation) = &mut self.operation {
            operation.renew_key();
        }
        self.send_again(now)
    }

    fn send_again(&mut self, now: Timestamp) -> Vec<PaymentEvent> {
        if let Some(operation) = &mut self.operation {
            operation.uncertain = false;
            operation.claim = None;
            operation.due(now);
        }
        Vec::new()
    }
}

pub(super) fn nothing_came() -> Decline {
    Decline {
        code: "authorization_lapsed".to_owned(),
        detail: "nothing was set aside, and it was given up".to_owned(),
        retryable: true,
    }
}
