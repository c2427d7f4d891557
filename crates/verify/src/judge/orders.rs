//! What must hold of every order by itself.

use ordermesh_proto::order::v1::{HoldReason, LineProgress, OrderState, PaymentStatus, WaitingForWhat};

use super::Court;
use crate::snapshot::{Confirmation, OrderHistory, Snapshot};

/// How long an order may stand past a deadline: ten minutes while order cannot hear payment, and a minute more, since
/// clocks differ and what is due is looked for now and then.
const GRACE_SECONDS: i64 = 660;

/// Whether the order's state is not final.
pub(super) fn is_open(order: &OrderHistory) -> bool {
    matches!(order.state(), OrderState::Placed | OrderState::Confirmed | OrderState::Cancelling)
}

/// Whether the order will never be delivered.
pub(super) fn is_closed(order: &OrderHistory) -> bool {
    matches!(order.state(), OrderState::Rejected | OrderState::Expired | OrderState::Cancelled)
}

impl OrderHistory {
    /// Where the order stands.
    pub fn state(&self) -> OrderState {
        self.states.last().copied().unwrap_or_default()
    }

    /// Whether it says that it waits for this.
    pub(super) fn waits_for(&self, what: WaitingForWhat) -> bool {
        self.status.waiting_for.iter().any(|waiting| waiting.what() == what)
    }

    /// Whether it is held for this.
    pub(super) fn is_held_for(&self, reason: HoldReason) -> bool {
        self.shown.holds.iter().any(|hold| hold.reason() == reason)
    }
}

pub(super) fn judge(snapshot: &Snapshot, court: &mut Court) {
    for (id, order) in &snapshot.orders {
        judge_order(id, order, court);
        if !order.without_status {
            judge_status(id, order, snapshot.time, court);
        }
        order.lines.values().for_each(|line| judge_line(id, line, court));
    }
}

fn judge_order(id: &str, order: &OrderHistory, court: &mut Court) {
    if let Some((before, after)) = order.wrong_revision {
        court.find("order: its events are numbered 1, 2, 3, …", id, || format!("{after} follows {before}"));
    }
    for (from, to) in order.states.iter().zip(order.states.iter().skip(1)) {
        court.expect(is_legal(*from, *to), "order: only legal transitions", id, || {
            format!("{} to {}", from.as_str_name(), to.as_str_name())
        });
    }
    court.expect(
        order.states.first() == Some(&OrderState::Placed),
        "order: it begins with its placing",
        id,
        || format!("it began as {:?}", order.states.first()),
    );
    if let Some((before, after)) = order.amount_grew {
        court.find("order: what is owed never grows", id, || format!("{before}, then {after}"));
    }
    if is_closed(order) || order.state() == OrderState::Cancelling {
        court.expect(order.amount_due == 0, "order: a closed order owes nothing", id, || {
            format!("{} in state {}", order.amount_due, order.state().as_str_name())
        });
    }
}

fn judge_status(id: &str, order: &OrderHistory, time: i64, court: &mut Court) {
    let waits = !order.status.waiting_for.is_empty();
    court.expect(!is_open(order) || waits, "order: no state that is not final without a reason", id, || {
        format!("{} waits for nothing", order.state().as_str_name())
    });
    for waiting in &order.status.waiting_for {
        let acted = waiting.deadline.is_none_or(|deadline| time <= deadline.seconds + GRACE_SECONDS);
        court.expect(acted, "order: a deadline that has passed is acted upon", id, || {
            // The same at each look, so that it is known for the same.
            let deadline = waiting.deadline.map_or_else(String::new, |deadline| deadline.to_string());
            format!("{} should have come by {deadline}", waiting.what().as_str_name())
        });
    }
    let held = order.shown.holds.iter().any(|hold| hold.reason() != HoldReason::Unspecified);
    let waits = order.waits_for(WaitingForWhat::Hold);
    court.expect(waits == held || !is_open(order), "order: held is what has a hold", id, || {
        format!("{} holds, and {:?}", order.shown.holds.len(), order.status.waiting_for)
    });
    if let Some(confirmed) = order.confirmed {
        court.expect(!confirmed.held, "order: it is not confirmed while it is held", id, || {
            format!("{confirmed:?}")
        });
        court.expect(
            may_confirm(&confirmed),
            "order: at its confirmation stock was reserved and payment authorized",
            id,
            || format!("{confirmed:?}"),
        );
    }
}

/// What is captured already need not be set aside, and where nothing is owed any more no attempt needs to succeed.
fn may_confirm(confirmed: &Confirmation) -> bool {
    use PaymentStatus::{Authorized, Declined, NotRequired, Refunded, Voided};
    let (due, kept) = (confirmed.amount_due, confirmed.captured - confirmed.refunded);
    let set_aside = confirmed.payment == Authorized && confirmed.authorized >= due;
    let nothing = due == 0 && matches!(confirmed.payment, NotRequired | Declined | Voided | Refunded);
    confirmed.reserved && (set_aside || kept > 0 && kept >= due || nothing)
}

/// domain.md: Placed → Confirmed → Completed; Placed → Rejected or Expired; Placed or Confirmed → Cancelling →
/// Cancelled.
fn is_legal(from: OrderState, to: OrderState) -> bool {
    use OrderState::{Cancelled, Cancelling, Completed, Confirmed, Expired, Placed, Rejected};
    matches!(
        (from, to),
        (Placed, Confirmed | Rejected | Expired | Cancelling)
            | (Confirmed, Completed | Cancelling)
            | (Cancelling, Cancelled)
    )
}

fn judge_line(id: &str, line: &LineProgress, court: &mut Court) {
    let LineProgress { line_id, ordered, cancelled, shipped, delivered, lost, returned, .. } = line;
    let detail = || format!("line {line_id}: {line:?}");
    court.expect(cancelled + shipped <= *ordered, "order: cancelled + shipped ≤ ordered", id, detail);
    court.expect(delivered + lost <= *shipped, "order: delivered + lost ≤ shipped", id, detail);
    court.expect(returned <= delivered, "order: returned ≤ delivered", id, detail);
    let never_negative = [cancelled, shipped, delivered, lost, returned].into_iter().all(|count| *count >= 0);
    court.expect(never_negative, "order: counts are never negative", id, detail);
}
