//! ObserveOrder: what an event of the order's feed means to its payment.

use ordermesh_feed::commit::Command;
use ordermesh_kernel::{OrderId, Timestamp};

use super::Observed;
use crate::domain::{OrderFact, Payment, Refusal, Terms};
use crate::store::PaymentsUnit;

/// Takes in what an order tells.
#[derive(Debug)]
pub struct ObserveOrder {
    /// What it tells.
    pub fact: OrderFact,
    /// How patient payment is with its provider.
    pub terms: Terms,
}

impl Command<PaymentsUnit> for ObserveOrder {
    type Answer = Observed;
    type Refusal = Refusal;

    fn wants(&self) -> Vec<OrderId> {
        vec![self.fact.order_id]
    }

    fn decide(&self, unit: &mut PaymentsUnit, now: Timestamp) -> Result<Observed, Refusal> {
        let known = unit.payment(self.fact.order_id).cloned();
        let Some(mut payment) = known.or_else(|| Payment::begin(&self.fact, now)) else {
            return Ok(Observed);
        };
        let events = payment.observe(&self.fact, &self.terms, now)?;
        unit.put(payment, &events);
        Ok(Observed)
    }
}
