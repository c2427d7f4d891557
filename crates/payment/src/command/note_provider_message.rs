//! NoteProviderMessage: the provider says that something has happened. It is a hint to ask, no fact.

use ordermesh_feed::commit::Command;
use ordermesh_kernel::{OrderId, Timestamp};

use super::Observed;
use crate::domain::Refusal;
use crate::store::PaymentsUnit;

/// Has the provider asked about a payment, if there is a question.
#[derive(Debug)]
pub struct NoteProviderMessage {
    /// The payment.
    pub payment_id: OrderId,
}

impl Command<PaymentsUnit> for NoteProviderMessage {
    type Answer = Observed;
    type Refusal = Refusal;

    fn wants(&self) -> Vec<OrderId> {
        vec![self.payment_id]
    }

    fn decide(&self, unit: &mut PaymentsUnit, now: Timestamp) -> Result<Observed, Refusal> {
        let mut payment = super::find(unit, self.payment_id)?;
        if payment.hint(now) {
            unit.put(payment, &[]);
        }
        Ok(Observed)
    }
}
