//! RetryPaymentOperation: an operation that failed or waits is tried now.

use ordermesh_feed::commit::Command;
use ordermesh_kernel::{OrderId, Timestamp};

use super::PaymentChanged;
use crate::domain::Refusal;
use crate::store::PaymentsUnit;

/// Has an operation tried now.
#[derive(Debug)]
pub struct RetryPaymentOperation {
    /// The payment.
    pub payment_id: OrderId,
    /// Number of the operation.
    pub operation: i32,
    /// Who asks, such as "workload:shop".
    pub actor: String,
}

impl Command<PaymentsUnit> for RetryPaymentOperation {
    type Answer = PaymentChanged;
    type Refusal = Refusal;

    fn wants(&self) -> Vec<OrderId> {
        vec![self.payment_id]
    }

    fn decide(&self, unit: &mut PaymentsUnit, now: Timestamp) -> Result<PaymentChanged, Refusal> {
        let mut payment = super::find(unit, self.payment_id)?;
        payment.retry(self.operation, &self.actor, now)?;
        let answer = PaymentChanged::of(&payment);
        unit.put(payment, &[]);
        Ok(answer)
    }
}
