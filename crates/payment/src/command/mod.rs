//! The commands of payment, one file each: what to load, how to decide, what to answer. Reactions to orders, the
//! outcomes of operations and the provider's messages are commands like those of people.

pub mod complete_payment_action;
pub mod note_provider_message;
pub mod observe_order;
pub mod record_outcome;
pub mod resolve_payment_operation;
pub mod retry_payment_operation;

use ordermesh_kernel::OrderId;

use crate::domain::{Payment, PaymentStatus, Refusal};
use crate::store::PaymentsUnit;

/// A payment after a person's command.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct PaymentChanged {
    /// The payment.
    pub payment_id: OrderId,
    /// Number of its newest event.
    pub revision: i64,
    /// Where it stands.
    pub status: PaymentStatus,
}

/// A fact is taken in, or changes nothing.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Observed;

impl PaymentChanged {
    fn of(payment: &Payment) -> Self {
        Self { payment_id: payment.id, revision: payment.revision, status: payment.status() }
    }
}

fn find(unit: &PaymentsUnit, id: OrderId) -> Result<Payment, Refusal> {
    unit.payment(id).cloned().ok_or(Refusal::PaymentNotFound(id))
}
