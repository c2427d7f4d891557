//! What a payment makes of what its order tells.

use ordermesh_kernel::{PaymentMethodToken, Timestamp};

use super::{
    Attempt, AttemptState, Decline, OperationKind, OrderFact, OrderFactKind, Over, Payment, PaymentEvent,
    Phase, Refusal, Terms, What,
};

impl Payment {
    /// The payment that a fact begins; none when the fact asks nothing of one. An order that ends before its creation
    /// is heard of leaves a payment too: it refuses the late creation.
    pub fn begin(fact: &OrderFact, now: Timestamp) -> Option<Self> {
        let begins = match fact.kind {
            OrderFactKind::Created { .. } => fact.amount_due.minor_units() > 0,
            OrderFactKind::Ended => true,
            _ => false,
        };
        begins.then(|| Self {
            id: fact.order_id,
            revision: 0,
            currency: fact.amount_due.currency(),
            order_revision: 0,
            amount_due: 0,
            phase: Phase::Placed,
            attempt: None,
            captured: 0,
            refunded: 0,
            operation: None,
            operations: 0,
            answered: false,
            correlation_id: String::new(),
            create_time: now,
            update_time: now,
            over: Over::default(),
        })
    }

    /// Takes in what the order tells. What is not newer than what is known changes nothing.
    pub fn observe(
        &mut self,
        fact: &OrderFact,
        terms: &Terms,
        now: Timestamp,
    ) -> Result<Vec<PaymentEvent>, Refusal> {
        if fact.order_revision <= self.order_revision {
            return Ok(Vec::new());
        }
        let found = fact.amount_due.currency();
        if found != self.currency {
            return Err(Refusal::MixedCurrencies { expected: self.currency, found });
        }
        self.order_revision = fact.order_revision;
        self.amount_due = fact.amount_due.minor_units();
        self.correlation_id.clone_from(&fact.correlation_id);
        self.update_time = now;
        let mut events = Vec::new();
        match &fact.kind {
            OrderFactKind::Created { token } if self.phase == Phase::Placed && self.attempt.is_none() => {
                match token {
                    Some(token) => self.start(1, token.clone(), terms, now),
                    None => events.push(self.publish(What::Declined(no_method()), now)),
                }
            }
            OrderFactKind::RetryRequested { token, attempt } if self.takes_attempt(*attempt) => {
                self.start(*attempt, token.clone(), terms, now);
            }
            OrderFactKind::Confirmed if self.phase == Phase::Placed => self.phase = Phase::Confirmed,
            OrderFactKind::Ended => self.phase = Phase::Ended,
            _ => {}
        }
        events.extend(self.steer(terms, now));
        Ok(events)
    }

    /// A new attempt is taken when the last one is declined and nothing is open, so that there is never a second charge,
    /// and only while something is owed.
    fn takes_attempt(&self, number: i32) -> bool {
        let declined = self
            .attempt
            .as_ref()
            .is_none_or(|last| last.state == AttemptState::Declined && last.number < number);
        let may = declined && number > 0 && self.operation.is_none();
        may && self.phase == Phase::Placed && !self.wants_nothing()
    }

    fn start(&mut self, number: i32, token: PaymentMethodToken, terms: &Terms, now: Timestamp) {
        self.over.attempts.extend(self.attempt.take());
        self.attempt = Some(Attempt {
            number,
            token,
            amount: self.amount_due,
            authorized: 0,
            state: AttemptState::Initiated,
            key: format!("{}-{}-{number}", self.id, OperationKind::Authorize.as_str()),
            provider_reference: None,
            first_sent: None,
            action_url: None,
            decline: None,
        });
        // The operation is opened at once: an attempt that nobody works on would wait for the next event.
        self.open_next(terms, now);
    }
}

fn no_method() -> Decline {
    Decline {
        code: "payment_method_missing".to_owned(),
        detail: "the order was placed without a means of payment".to_owned(),
        retryable: true,
    }
}
