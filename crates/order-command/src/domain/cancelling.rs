//! Cancelling an order, as a whole or by pieces.

use super::{
    Change, Fact, HoldReason, LineProgress, LineQuantity, LinesCancelReason, OrderState, Refusal,
    owed::amount_due,
};

impl Change {
    /// Cancels the order as a whole. Nothing is owed from here on; it is cancelled when stock and money are at rest.
    pub fn cancel(&mut self, reason: String) -> Result<(), Refusal> {
        self.expect_state(OrderState::is_open)?;
        if self.head.pieces.shipped > 0 {
            return Err(Refusal::PartlyShipped { cancellable: self.cancellable() });
        }
        self.happened_owing_nothing(Fact::CancellationRequested { reason });
        self.settle();
        Ok(())
    }

    /// Cancels pieces that were not dispatched; the whole order when nothing else is left of it.
    pub fn cancel_lines(&mut self, lines: Vec<LineQuantity>, note: String) -> Result<(), Refusal> {
        self.expect_state(OrderState::is_open)?;
        for wanted in &lines {
            self.expect_pieces(wanted, |line| line.to_dispatch())?;
        }
        self.take_off(lines, LinesCancelReason::Requested, note)?;
        self.settle();
        Ok(())
    }

    /// Cancels pieces that are there to be cancelled.
    pub(super) fn take_off(
        &mut self,
        lines: Vec<LineQuantity>,
        reason: LinesCancelReason,
        note: String,
    ) -> Result<(), Refusal> {
        let pieces: i64 = lines.iter().map(|line| i64::from(line.quantity)).sum();
        if self.head.pieces.shipped == 0 && pieces == self.head.pieces.to_dispatch() {
            let reason = if note.is_empty() { reason.as_str().replace('_', " ") } else { note };
            self.happened_owing_nothing(Fact::CancellationRequested { reason });
            return Ok(());
        }
        let progress = self.progress_after(&lines, |progress, quantity| progress.cancelled += quantity);
        let fact = Fact::LinesCancelled { lines, progress, reason, note };
        self.happened_reckoned(fact)
    }

    /// What CancelOrderLines may still cancel.
    fn cancellable(&self) -> Vec<LineQuantity> {
        let left = self
            .parts
            .lines
            .iter()
            .map(|line| LineQuantity { line_id: line.line.line_id, quantity: line.to_dispatch() });
        left.filter(|line| line.quantity > 0).collect()
    }

    /// Refuses a line that the order does not have, and more pieces than the line has left for this.
    pub(super) fn expect_pieces(
        &self,
        wanted: &LineQuantity,
        left: impl FnOnce(&super::LineInProgress) -> i32,
    ) -> Result<(), Refusal> {
        let line_id = wanted.line_id;
        let left = left(self.parts.line(line_id).ok_or(Refusal::LineNotFound { line_id })?);
        match wanted.quantity <= left {
            true => Ok(()),
            false => Err(Refusal::QuantityExceeded { line_id, wanted: wanted.quantity, left }),
        }
    }

    /// What has become of lines once `change` has happened to so many pieces of each.
    pub(super) fn progress_after(
        &self,
        lines: &[LineQuantity],
        change: impl Fn(&mut super::Progress, i32),
    ) -> Vec<LineProgress> {
        let of = |wanted: &LineQuantity| {
            let line = self.parts.line(wanted.line_id)?;
            let mut progress = line.progress;
            change(&mut progress, wanted.quantity);
            let (line_id, sku) = (wanted.line_id, line.line.sku.clone());
            Some(LineProgress { line_id, sku, ordered: line.line.quantity.get(), progress })
        };
        lines.iter().filter_map(of).collect()
    }

    /// A fact after which it is reckoned anew what is owed.
    pub(super) fn happened_reckoned(&mut self, fact: Fact) -> Result<(), Refusal> {
        let mut parts = self.parts.clone();
        parts.apply(&fact);
        let due = amount_due(&parts, self.head.currency())?;
        self.happened_owing(fact, due);
        self.forgive_what_was_not_captured();
        Ok(())
    }

    /// What could not be captured is no longer owed: payment has nothing left to do, and will tell nothing more.
    fn forgive_what_was_not_captured(&mut self) {
        if self.head.amounts.kept() > 0 && !self.head.owes() && !self.head.is_owed() {
            self.release_hold_for(HoldReason::CaptureFailed);
        }
    }
}
