//! What people, and the provider's own messages, may say of a payment.

use ordermesh_kernel::Timestamp;

use super::{
    ActionResult, AttemptState, Decline, Deed, Next, Operation, OperationKind, Outcome, Payment,
    PaymentEvent, Refusal, Terms,
};

/// What has really happened to an operation.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Resolution {
    /// It was done in full.
    Done,
    /// It was not done and will not be.
    NotDone,
}

impl Payment {
    /// Has an open operation tried now.
    pub fn retry(&mut self, number: i32, actor: &str, now: Timestamp) -> Result<(), Refusal> {
        let operation = self.open_operation(number)?;
        operation.due(now);
        operation.deed = Some(deed(actor, "retry".to_owned(), now));
        self.update_time = now;
        Ok(())
    }

    /// Takes a person's word for what has happened to an operation that failed or whose outcome is unknown.
    pub fn resolve(
        &mut self,
        number: i32,
        resolution: Resolution,
        (actor, note): (&str, &str),
        terms: &Terms,
        now: Timestamp,
    ) -> Result<Vec<PaymentEvent>, Refusal> {
        let unknown = self.attempt.as_ref().is_some_and(|own| own.state == AttemptState::Unknown);
        let authorized = self.attempt.as_ref().map_or(0, |attempt| attempt.amount);
        let is_known_there = self.attempt.as_ref().is_some_and(|own| own.provider_reference.is_some());
        let operation = self.open_operation(number)?;
        if let Some(claim) = operation.claim.filter(|claim| claim.until > now) {
            return Err(Refusal::OperationRunning { operation: number, until: claim.until });
        }
        if operation.failures == 0 && !unknown {
            return Err(Refusal::OperationNotFailed { operation: number });
        }
        if resolution == Resolution::Done && operation.kind.is_about_authorization() && !is_known_there {
            // What is captured in the end is found by the provider's id.
            return Err(Refusal::AttemptNotStarted { operation: number });
        }
        let word = match resolution {
            Resolution::Done => "done",
            Resolution::NotDone => "not done",
        };
        operation.deed = Some(deed(actor, format!("resolve as {word}: {note}"), now));
        let outcome = match (resolution, operation.kind) {
            (Resolution::Done, OperationKind::Authorize | OperationKind::Inquire) => {
                Outcome::Authorized { amount: authorized }
            }
            (Resolution::Done, OperationKind::Capture) => Outcome::Captured { amount: operation.amount },
            (Resolution::Done, OperationKind::Void) => Outcome::Voided,
            (Resolution::Done, OperationKind::Refund) => Outcome::Refunded,
            (Resolution::NotDone, OperationKind::Authorize | OperationKind::Inquire) if is_known_there => {
                // A person can be wrong, and the customer late: what is given up there can be authorized no more.
                self.update_time = now;
                self.close();
                self.open(Next { kind: OperationKind::Void, amount: authorized }, 0, now, now);
                return Ok(Vec::new());
            }
            (Resolution::NotDone, OperationKind::Authorize | OperationKind::Inquire) => {
                Outcome::Declined(Decline {
                    code: "resolved_not_done".to_owned(),
                    detail: "a person has found that nothing was set aside".to_owned(),
                    retryable: true,
                })
            }
            (Resolution::NotDone, _) => {
                self.update_time = now;
                let mut events = self.undone(now);
                // What is wanted may have changed while it could not be.
                events.extend(self.steer(terms, now));
                return Ok(events);
            }
        };
        Ok(self.settle(outcome, None, terms, now))
    }

    /// What the customer has made of a required action goes to the provider with the next inquiry, which is due now.
    pub fn complete_action(&mut self, result: ActionResult, now: Timestamp) -> Result<(), Refusal> {
        let status = self.status();
        let waits = self.attempt.as_ref().is_some_and(|own| own.state == AttemptState::ActionRequired);
        let inquiry = self.operation.as_mut().filter(|open| waits && open.kind == OperationKind::Inquire);
        let inquiry = inquiry.ok_or(Refusal::ActionNotRequired { status })?;
        inquiry.action = Some(result);
        inquiry.ask_again(now);
        self.update_time = now;
        Ok(())
    }

    /// The provider has said that something has happened. Only a hint: the provider is asked, if there is a question.
    pub fn hint(&mut self, now: Timestamp) -> bool {
        let Some(operation) = &mut self.operation else { return false };
        match operation.kind {
            OperationKind::Inquire => operation.ask_again(now),
            OperationKind::Capture | OperationKind::Void | OperationKind::Refund if operation.uncertain => {
                operation.due(now);
            }
            _ => return false,
        }
        true
    }

    fn open_operation(&mut self, number: i32) -> Result<&mut Operation, Refusal> {
        let payment = self.id;
        let open = self.operation.as_mut().filter(|open| open.number == number);
        open.ok_or(Refusal::OperationNotOpen { payment, operation: number })
    }
}

fn deed(actor: &str, action: String, time: Timestamp) -> Deed {
    Deed { actor: actor.to_owned(), action, time }
}
