//! What must hold of every order by itself.

use ordermesh_proto::order::v1::{LineProgress, OrderState, PaymentStatus};

use super::Court;
use crate::snapshot::{Confirmation, OrderHistory, Snapshot};

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
}

pub(super) fn judge(snapshot: &Snapshot, court: &mut Court) {
    for (id, order) in &snapshot.orders {
        judge_order(id, order, court);
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
    if order.without_status {
        return;
    }
    let waits = !order.status.waiting_for.is_empty();
    court.expect(!is_open(order) || waits, "order: no state that is not final without a reason", id, || {
        format!("{} waits for nothing", order.state().as_str_name())
    });
    if let Some(confirmed) = order.confirmed {
        court.expect(
            may_confirm(&confirmed),
            "order: at its confirmation stock was reserved and payment authorized",
            id,
            || format!("{confirmed:?}"),
        );
    }
}

fn may_confirm(confirmed: &Confirmation) -> bool {
    let paid = match confirmed.payment {
        PaymentStatus::NotRequired => true,
        PaymentStatus::Authorized => confirmed.authorized >= confirmed.amount_due,
        _ => confirmed.amount_due == 0,
    };
    confirmed.reserved && paid
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
