//! The read model equals a fold of the feed.

use std::collections::BTreeMap;

use ordermesh_proto::order::v1::{LineProgress, Order, OrderNote};

use super::Court;
use crate::snapshot::{OrderHistory, Snapshot};

const INVARIANT: &str = "read model: it equals a fold of the feed";

pub(super) fn judge(snapshot: &Snapshot, court: &mut Court) {
    for (id, order) in &snapshot.orders {
        match snapshot.views.get(id) {
            Some(view) => judge_view(id, order, view, court),
            None => court.find(INVARIANT, id, || "the order is missing".to_owned()),
        }
    }
    let known = |id: &String| snapshot.orders.contains_key(id) || snapshot.truncated.contains(id);
    for id in snapshot.views.keys().filter(|id| !known(id)) {
        court.find(INVARIANT, id, || "the feed has no such order".to_owned());
    }
}

fn judge_view(id: &str, order: &OrderHistory, view: &Order, court: &mut Court) {
    court.expect(view.revision == order.revision, INVARIANT, id, || {
        format!("revision {} of {}", view.revision, order.revision)
    });
    if view.revision != order.revision {
        return;
    }
    court.expect(view.state() == order.state(), INVARIANT, id, || {
        format!("{} instead of {}", view.state().as_str_name(), order.state().as_str_name())
    });
    let due = view.amount_due.as_ref().map_or(0, |due| due.minor_units);
    court.expect(due == order.amount_due, INVARIANT, id, || {
        format!("{due} owed instead of {}", order.amount_due)
    });
    for field in differences(&order.shown, view) {
        court.find(INVARIANT, id, || format!("{field} is not what the events tell"));
    }
    if !order.without_status {
        court.expect(view.status.as_ref() == Some(&order.status), INVARIANT, id, || {
            format!("status {:?} instead of {:?}", view.status, order.status)
        });
        let lines: BTreeMap<i32, LineProgress> =
            view.progress.iter().map(|line| (line.line_id, line.clone())).collect();
        court.expect(lines == order.lines, INVARIANT, id, || {
            format!("lines {lines:?} instead of {:?}", order.lines)
        });
    }
}

/// The fields that are not as they should be, by name: what is in them is the customers' and not for reports.
fn differences(told: &Order, view: &Order) -> Vec<&'static str> {
    macro_rules! unlike {
        ($($field:ident)+) => {
            [$((stringify!($field), told.$field != view.$field)),+]
        };
    }
    let fields = unlike! {
        order_id order_reference buyer lines shipping discounts prices_include_tax totals billing_account_id
        placed_time update_time payment_deadline holds shipments returns cancel_reason rejection_reason
        rejection_detail payment_action_url payment_code payment_detail
    };
    let note = |note: &OrderNote| (note.note_id.clone(), note.actor.clone(), note.added_time);
    let notes = |order: &Order| order.notes.iter().map(note).collect::<Vec<_>>();
    let unlike = fields.into_iter().chain([("notes", notes(told) != notes(view))]);
    unlike.filter(|(_, unlike)| *unlike).map(|(field, _)| field).collect()
}
