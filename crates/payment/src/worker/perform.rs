//! One operation, carried out: the calls of the provider, and the report of what they came to.

use std::time::Duration;

use ordermesh_feed::commit::{CommandIdentity, CommitError, fingerprint};
use ordermesh_feed::event::Cause;
use ordermesh_kernel::{Money, Timestamp, from_micros, to_micros};
use uuid::Uuid;

use super::Worker;
use crate::command::record_outcome::RecordOutcome;
use crate::domain::{OperationKind, Outcome, Report, Step};
use crate::gateway::Charge;
use crate::store::Work;

/// Between two tries to record an outcome while the database is away.
const PAUSE: Duration = Duration::from_millis(200);

impl Worker {
    /// Carries an operation out and records what it came to. Where that cannot be recorded the claim ends, and the same is
    /// done again under the same key.
    pub(super) async fn perform(&self, mut work: Work) {
        let step =
            work.operation.step(work.attempt.provider_reference.is_some(), &self.terms, self.deadline());
        let mut outcome = self.call(&work, step).await;
        if let Outcome::Prepared { reference } = &outcome {
            let reference = reference.clone();
            if !self.record(&work, outcome, "prepared").await {
                return;
            }
            // Its reference is on record: only now may money move.
            work.attempt.provider_reference = Some(reference);
            outcome = self.call(&work, Step::Send).await;
        }
        self.record(&work, outcome, "outcome").await;
    }

    /// By when all that is sent now has arrived: a key that ends before is not used any more.
    fn deadline(&self) -> Timestamp {
        let lease = i64::try_from(self.settings.lease.as_micros()).unwrap_or(i64::MAX);
        from_micros(to_micros(self.clock.now()).saturating_add(lease)).unwrap_or(Timestamp::MAX)
    }

    async fn call(&self, work: &Work, step: Step) -> Outcome {
        let charge = charge(work);
        let gateway = &self.gateway;
        let answered = async {
            match (step, work.operation.kind) {
                (Step::GiveUp, _) => Outcome::Unknown {
                    detail: "the provider may have forgotten the key, so that nothing is sent again"
                        .to_owned(),
                },
                (Step::Prepare, _) => gateway.prepare(&charge).await,
                (Step::Ask, OperationKind::Refund) => gateway.find_refund(&charge).await,
                (Step::Ask, _) => gateway.inquire(&charge, work.operation.action).await,
                (Step::Send, OperationKind::Authorize) => gateway.authorize(&charge).await,
                (Step::Send, OperationKind::Inquire) => gateway.inquire(&charge, work.operation.action).await,
                (Step::Send, OperationKind::Capture) => gateway.capture(&charge).await,
                (Step::Send, OperationKind::Void) => gateway.void(&charge).await,
                (Step::Send, OperationKind::Refund) => gateway.refund(&charge).await,
            }
        };
        match tokio::time::timeout(self.settings.call_timeout, answered).await {
            Ok(outcome) => outcome,
            Err(_) => {
                let detail = format!("no answer within {:?}", self.settings.call_timeout);
                match step {
                    Step::Send => Outcome::Unknown { detail },
                    _ => Outcome::NotNow { detail, key_is_spent: false },
                }
            }
        }
    }

    /// Records an outcome; false when it does not count any more, or could not be recorded while the claim lasts.
    async fn record(&self, work: &Work, outcome: Outcome, stage: &str) -> bool {
        let operation = &work.operation;
        let Some((claim, first_sent)) = operation.claim.zip(operation.first_sent) else { return false };
        let report = Report { operation: operation.number, round: operation.round, first_sent, outcome };
        let name = format!("{}/{}/{stage}", work.payment_id, operation.number);
        let request_id = Uuid::new_v5(&claim.id, name.as_bytes()).to_string();
        while self.clock.now() < claim.until {
            let command =
                RecordOutcome { payment_id: work.payment_id, report: report.clone(), terms: self.terms };
            let identity = identity(work, request_id.clone());
            match self.committer.execute(identity, command).await {
                Ok(committed) => {
                    self.wake.wake();
                    return committed.answer.counts;
                }
                Err(CommitError::Unavailable | CommitError::Overloaded) => tokio::time::sleep(PAUSE).await,
                Err(CommitError::ShuttingDown) => return false,
                Err(error) => {
                    tracing::error!(%error, payment = %work.payment_id, operation = operation.number,
                        "an outcome cannot be recorded");
                    return false;
                }
            }
        }
        tracing::warn!(payment = %work.payment_id, operation = operation.number,
            "the claim ended before the outcome was recorded; the operation is carried out again");
        false
    }
}

fn charge(work: &Work) -> Charge {
    Charge {
        payment_id: work.payment_id,
        attempt: work.attempt.number,
        key: work.operation.key.clone(),
        reference: work.attempt.provider_reference.clone().unwrap_or_default(),
        token: work.attempt.token.clone(),
        amount: Money::new(work.operation.amount, work.currency),
    }
}

fn identity(work: &Work, request_id: String) -> CommandIdentity {
    CommandIdentity {
        method: "RecordOutcome",
        principal: format!("workload:{}", crate::NAME),
        fingerprint: fingerprint(request_id.as_bytes()),
        bytes: 256,
        cause: Cause {
            correlation_id: work.correlation_id.clone(),
            causation_id: work.operation.key.clone(),
            traceparent: String::new(),
        },
        request_id,
    }
}
