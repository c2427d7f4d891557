//! RecordPayment: what payment tells about an order; by the process only.

use super::{Target, change_command};
use crate::domain::PaymentFact;

/// Takes note of what payment tells.
#[derive(Debug)]
pub struct RecordPayment {
    /// The order.
    pub target: Target,
    /// What it tells.
    pub fact: PaymentFact,
    /// Attempts that may be declined before the order is rejected.
    pub max_attempts: i32,
}

change_command!(RecordPayment, Order, |this, change| change
    .record_payment(this.fact.clone(), this.max_attempts)
    .map(|()| None));
