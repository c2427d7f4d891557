//! What a worker does with an operation that it has claimed. A pure decision, so that it can be tested with the rest.

use ordermesh_kernel::Timestamp;

use super::{Operation, OperationKind, Terms};

/// One call of the provider.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Step {
    /// Get the provider's id for what is to be authorized; no money moves. Its answer is recorded before the next step.
    Prepare,
    /// Do it, under its key.
    Send,
    /// Ask what has become of it.
    Ask,
    /// Send nothing any more: the provider may have forgotten the key, and might do it twice.
    GiveUp,
}

impl Operation {
    /// The call that is to be made at that time, where the provider's id of the attempt is known or not.
    pub fn step(&self, has_reference: bool, terms: &Terms, now: Timestamp) -> Step {
        let forgotten = terms.is_forgotten(self.first_sent, now);
        match self.kind {
            OperationKind::Authorize if !has_reference => Step::Prepare,
            OperationKind::Authorize if forgotten => Step::GiveUp,
            OperationKind::Authorize => Step::Send,
            OperationKind::Inquire => Step::Ask,
            _ if self.uncertain || forgotten => Step::Ask,
            _ => Step::Send,
        }
    }
}
