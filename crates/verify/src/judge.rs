//! The invariants of the platform, judged on plain data.

mod across;
mod orders;
mod payments;
mod stock;
mod views;

use std::collections::{BTreeMap, BTreeSet};
use std::fmt;

use crate::snapshot::{OrderHistory, Snapshot};

/// Something that must not be.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub struct Offence {
    /// The invariant that is broken, such as `stock: on hand = available + reserved`.
    pub invariant: &'static str,
    /// What breaks it: an order's id, an article at a location, a payment.
    pub subject: String,
    /// What was found.
    pub detail: String,
}

impl fmt::Display for Offence {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(formatter, "{}: {}: {}", self.invariant, self.subject, self.detail)
    }
}

/// What was judged, and what was found.
#[derive(Debug, Clone, Default)]
pub struct Verdict {
    /// What must not be, sorted.
    pub offences: Vec<Offence>,
    /// How many orders were judged.
    pub orders: usize,
    /// How many of them are in a state that is not final, each with what it waits for.
    pub open_orders: usize,
    /// How many articles at locations.
    pub stock_items: usize,
    /// How many reservations.
    pub reservations: usize,
    /// How many payments.
    pub payments: usize,
    /// How many events were read.
    pub events: usize,
    /// How many orders could not be judged, since their first events were truncated.
    pub truncated: usize,
    /// Of how many articles at locations the sum of what came and left could not be judged, for the same reason.
    pub truncated_stock: usize,
    /// What the orders that are not final wait for, by name such as `stock_release`, and how many of them do.
    pub waiting: BTreeMap<String, usize>,
    /// The same of those whose state is final: money that is on its way back to a customer, if anything.
    pub waiting_when_final: BTreeMap<String, usize>,
    /// What could not be judged, since it changed while it was looked at.
    pub unjudged: BTreeSet<Question>,
}

/// An invariant, and what it is asked of.
pub type Question = (&'static str, String);

impl Offence {
    /// What was asked.
    pub fn question(&self) -> Question {
        (self.invariant, self.subject.clone())
    }
}

impl Verdict {
    /// How many subjects could not be judged in some respect.
    pub fn unjudged_subjects(&self) -> usize {
        self.unjudged.iter().map(|(_, subject)| subject).collect::<BTreeSet<_>>().len()
    }
}

/// Judges a system by what it says about itself.
pub fn judge(snapshot: &Snapshot) -> Verdict {
    let mut court = Court::default();
    for fault in &snapshot.feed_faults {
        court.find(
            "feed: every event can be read, all and those of a key are numbered without a gap",
            &fault.key,
            || format!("{}: {}", fault.feed, fault.detail),
        );
    }
    orders::judge(snapshot, &mut court);
    views::judge(snapshot, &mut court);
    stock::judge(snapshot, &mut court);
    payments::judge(snapshot, &mut court);
    across::judge(snapshot, &mut court);
    Verdict {
        offences: court.offences.into_iter().collect(),
        orders: snapshot.orders.len(),
        open_orders: snapshot.orders.values().filter(|order| orders::is_open(order)).count(),
        stock_items: snapshot.stock.len(),
        reservations: snapshot.reservations.len(),
        payments: snapshot.payments.len(),
        events: snapshot.events,
        truncated: snapshot.truncated.len(),
        truncated_stock: snapshot.truncated_stock.len(),
        waiting: waiting(snapshot.orders.values().filter(|order| orders::is_open(order))),
        waiting_when_final: waiting(snapshot.orders.values().filter(|order| !orders::is_open(order))),
        unjudged: court.unjudged,
    }
}

/// How many orders wait for each thing that one of them waits for.
fn waiting<'a>(orders: impl Iterator<Item = &'a OrderHistory>) -> BTreeMap<String, usize> {
    let mut counts = BTreeMap::new();
    for waiting in orders.flat_map(|order| &order.status.waiting_for) {
        let name = waiting.what().as_str_name().trim_start_matches("WAITING_FOR_WHAT_").to_ascii_lowercase();
        *counts.entry(name).or_default() += 1;
    }
    counts
}

/// Takes offences down, each once.
#[derive(Default)]
struct Court {
    offences: BTreeSet<Offence>,
    unjudged: BTreeSet<Question>,
}

impl Court {
    /// Nothing can be said this time; that is no acquittal.
    fn abstain(&mut self, invariant: &'static str, subject: &str) {
        self.unjudged.insert((invariant, subject.to_owned()));
    }

    /// An offence.
    fn find(&mut self, invariant: &'static str, subject: &str, detail: impl FnOnce() -> String) {
        self.offences.insert(Offence { invariant, subject: subject.to_owned(), detail: detail() });
    }

    /// An offence unless `holds`.
    fn expect(
        &mut self,
        holds: bool,
        invariant: &'static str,
        subject: &str,
        detail: impl FnOnce() -> String,
    ) {
        if !holds {
            self.find(invariant, subject, detail);
        }
    }
}
