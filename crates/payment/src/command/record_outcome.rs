//! RecordOutcome: what a try of an operation at the provider has come to.

use ordermesh_feed::commit::Command;
use ordermesh_kernel::{OrderId, Timestamp};

use crate::domain::{Outcome, Refusal, Report, Terms};
use crate::store::PaymentsUnit;

/// Takes in a worker's report.
#[derive(Debug)]
pub struct RecordOutcome {
    /// The payment.
    pub payment_id: OrderId,
    /// The report.
    pub report: Report,
    /// How patient payment is with its provider.
    pub terms: Terms,
}

/// What has become of a report.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Recorded {
    /// It counts. Otherwise the operation is closed or in a later round, and nothing more may be done for it; or the
    /// attempt has another reference already.
    pub counts: bool,
}

impl Command<PaymentsUnit> for RecordOutcome {
    type Answer = Recorded;
    type Refusal = Refusal;

    fn wants(&self) -> Vec<OrderId> {
        vec![self.payment_id]
    }

    fn decide(&self, unit: &mut PaymentsUnit, now: Timestamp) -> Result<Recorded, Refusal> {
        let mut payment = super::find(unit, self.payment_id)?;
        let open = payment.operation.as_ref().map(|operation| (operation.number, operation.round));
        if open != Some((self.report.operation, self.report.round)) {
            return Ok(Recorded { counts: false });
        }
        let events = payment.record(&self.report, &self.terms, now);
        let counts = match &self.report.outcome {
            Outcome::Prepared { reference } => {
                let known = payment.attempt.as_ref().and_then(|attempt| attempt.provider_reference.as_ref());
                known == Some(reference)
            }
            _ => true,
        };
        unit.put(payment, &events);
        Ok(Recorded { counts })
    }
}
