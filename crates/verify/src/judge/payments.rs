//! What must hold of payments by themselves.

use std::cmp::Ordering;

use ordermesh_proto::common::v1::Money;
use ordermesh_proto::payment::v1::{Payment, PaymentAmounts, PaymentOperationState};

use super::Court;
use crate::snapshot::{PaymentHistory, Snapshot};

/// What was set aside, captured and given back, in minor units.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Sums {
    pub authorized: i64,
    pub captured: i64,
    pub refunded: i64,
}

const NEWEST: &str = "payment: its amounts are those of its newest event";
const NOT_NEGATIVE: &str = "payment: amounts are never negative";
const ONE_OPEN: &str = "payment: at most one operation is open";
/// What is judged by what payment answers.
const SHOWN: [&str; 3] = [NEWEST, NOT_NEGATIVE, ONE_OPEN];

pub(super) fn minor(money: Option<&Money>) -> i64 {
    money.map_or(0, |money| money.minor_units)
}

impl Sums {
    /// What was captured and not given back.
    pub(super) fn kept(self) -> i64 {
        self.captured - self.refunded
    }

    pub(super) fn of(amounts: Option<&PaymentAmounts>) -> Self {
        let amounts = amounts.cloned().unwrap_or_default();
        Self {
            authorized: minor(amounts.authorized.as_ref()),
            captured: minor(amounts.captured.as_ref()),
            refunded: minor(amounts.refunded.as_ref()),
        }
    }
}

pub(super) fn judge(snapshot: &Snapshot, court: &mut Court) {
    for (id, payment) in &snapshot.payments {
        judge_payment(id, payment, court);
        if let Some(history) = snapshot.payment_histories.get(id) {
            judge_newest(id, payment, history, court);
        }
    }
    for (id, history) in &snapshot.payment_histories {
        judge_history(id, history, court);
        let is_shown = snapshot.payments.contains_key(id);
        if !is_shown {
            // A page may miss what changes while the list is read.
            SHOWN.into_iter().for_each(|invariant| court.abstain(invariant, id));
        }
        court
            .expect(is_shown, "payment: what was told is kept", id, || "payment does not know it".to_owned());
    }
}

fn judge_newest(id: &str, payment: &Payment, history: &PaymentHistory, court: &mut Court) {
    let (told, now) = (Sums::of(Some(&history.amounts)), Sums::of(payment.amounts.as_ref()));
    match history.revision.cmp(&payment.revision) {
        // It was told of once more after it was asked.
        Ordering::Greater => court.abstain(NEWEST, id),
        Ordering::Equal => court.expect(told == now, NEWEST, id, || format!("{now:?} instead of {told:?}")),
        Ordering::Less => court
            .find(NEWEST, id, || format!("{} events were told of {}", history.revision, payment.revision)),
    }
}

fn judge_payment(id: &str, payment: &Payment, court: &mut Court) {
    let sums = Sums::of(payment.amounts.as_ref());
    let never_negative = sums.authorized >= 0 && sums.captured >= 0 && sums.refunded >= 0;
    court.expect(never_negative, NOT_NEGATIVE, id, || format!("{sums:?}"));
    let open = payment.operations.iter().filter(|one| one.state() == PaymentOperationState::Open).count();
    court.expect(open <= 1, ONE_OPEN, id, || format!("{open} are"));
}

fn judge_history(id: &str, history: &PaymentHistory, court: &mut Court) {
    let sums = Sums::of(Some(&history.amounts));
    court
        .expect(sums.refunded <= sums.captured, "payment: refunded ≤ captured", id, || format!("{sums:?}"));
    let within = !history.has_beginning || sums.captured <= history.most_authorized;
    court.expect(within, "payment: captured ≤ authorized", id, || {
        format!("{} of {}", sums.captured, history.most_authorized)
    });
    court.expect(!history.charged_twice, "payment: at most one effective charge an order", id, || {
        "set aside again while there was money".to_owned()
    });
}
