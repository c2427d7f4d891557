//! CompletePaymentAction: what the customer has made of a required action, for the sandbox.

use ordermesh_feed::commit::Command;
use ordermesh_kernel::{OrderId, Timestamp};

use super::PaymentChanged;
use crate::domain::{ActionResult, Refusal};
use crate::store::PaymentsUnit;

/// Tells the sandbox what the customer has done.
#[derive(Debug)]
pub struct CompletePaymentAction {
    /// The payment.
    pub payment_id: OrderId,
    /// What the customer has made of it.
    pub result: ActionResult,
    /// Whether the provider is told by us; otherwise the customer acts there.
    pub told_by_us: bool,
}

impl Command<PaymentsUnit> for CompletePaymentAction {
    type Answer = PaymentChanged;
    type Refusal = Refusal;

    fn wants(&self) -> Vec<OrderId> {
        vec![self.payment_id]
    }

    fn decide(&self, unit: &mut PaymentsUnit, now: Timestamp) -> Result<PaymentChanged, Refusal> {
        let mut payment = super::find(unit, self.payment_id)?;
        if !self.told_by_us {
            return Err(Refusal::ActionElsewhere);
        }
        payment.complete_action(self.result, now)?;
        let answer = PaymentChanged::of(&payment);
        unit.put(payment, &[]);
        Ok(answer)
    }
}
