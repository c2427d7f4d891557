//! ResolvePaymentOperation: a person says what has really happened to an operation.

use ordermesh_feed::commit::Command;
use ordermesh_kernel::{OrderId, Timestamp};

use super::PaymentChanged;
use crate::domain::{Refusal, Resolution, Terms};
use crate::store::PaymentsUnit;

/// Takes a person's word for the outcome of an operation.
#[derive(Debug)]
pub struct ResolvePaymentOperation {
    /// The payment.
    pub payment_id: OrderId,
    /// Number of the operation.
    pub operation: i32,
    /// What has happened.
    pub resolution: Resolution,
    /// Who says so, such as "workload:shop".
    pub actor: String,
    /// How it was found out.
    pub note: String,
    /// How patient payment is with its provider.
    pub terms: Terms,
}

impl Command<PaymentsUnit> for ResolvePaymentOperation {
    type Answer = PaymentChanged;
    type Refusal = Refusal;

    fn wants(&self) -> Vec<OrderId> {
        vec![self.payment_id]
    }

    fn decide(&self, unit: &mut PaymentsUnit, now: Timestamp) -> Result<PaymentChanged, Refusal> {
        let mut payment = super::find(unit, self.payment_id)?;
        let word = (self.actor.as_str(), self.note.as_str());
        let events = payment.resolve(self.operation, self.resolution, word, &self.terms, now)?;
        let answer = PaymentChanged::of(&payment);
        unit.put(payment, &events);
        Ok(answer)
    }
}
