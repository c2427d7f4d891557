//! Acknowledged, refused and unanswered commands beside the log and the write model.

use std::collections::{BTreeMap, BTreeSet};

use super::{Entry, Found, History, Promise};

/// One call of PlaceOrder.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Attempt {
    /// The request's own id, the same for every attempt.
    pub request_id: String,
    /// Which replica was asked.
    pub replica: String,
    /// When the call began, on a clock of the test that only goes forward.
    pub invoked: u64,
    /// What came of it.
    pub outcome: Outcome,
}

/// How a call ended.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Outcome {
    /// It was committed, or had been.
    Acknowledged {
        /// When the answer was there.
        at: u64,
        /// The order.
        order_id: String,
        /// The position in the answer's consistency token.
        position: i64,
    },
    /// It was not done, and will not be under this request_id.
    Refused,
    /// Nobody knows: no answer, or one that says to try again.
    Unknown,
}

/// All attempts of one request_id.
#[derive(Debug, Default)]
struct Request<'a> {
    invoked: Option<u64>,
    acknowledged: Vec<(u64, &'a str, i64)>,
    refused: bool,
}

pub(super) fn check(history: &History, found: &mut Found) {
    let requests = requests(history);
    let created = by(&history.log, |entry| Some((entry.request_id.as_deref()?, entry)));
    let stored = by(&history.orders, |order| Some((order.request_id.as_str(), order.order_id.as_str())));
    for (id, entries) in &created {
        found.expect(entries.len() == 1, Promise::OneOrderARequest, || {
            format!("{id} created {} orders in the log", entries.len())
        });
    }
    for (id, orders) in &stored {
        found.expect(orders.len() == 1, Promise::OneOrderARequest, || {
            format!("{id} has {} orders in the write model", orders.len())
        });
    }
    for (id, request) in &requests {
        let logged = created.get(id).map(Vec::as_slice).unwrap_or_default();
        let stored = stored.get(id).map(Vec::as_slice).unwrap_or_default();
        check_request(id, request, logged, stored, found);
    }
    check_agreement(history, found);
    check_real_time(&requests, found);
}

fn requests(history: &History) -> BTreeMap<&str, Request<'_>> {
    let mut requests = BTreeMap::<&str, Request<'_>>::new();
    for attempt in &history.attempts {
        let request = requests.entry(&attempt.request_id).or_default();
        let first = request.invoked.get_or_insert(attempt.invoked);
        *first = (*first).min(attempt.invoked);
        match &attempt.outcome {
            Outcome::Acknowledged { at, order_id, position } => {
                request.acknowledged.push((*at, order_id, *position));
            }
            Outcome::Refused => request.refused = true,
            Outcome::Unknown => {}
        }
    }
    requests
}

fn by<'a, T, V>(all: &'a [T], key: impl Fn(&'a T) -> Option<(&'a str, V)>) -> BTreeMap<&'a str, Vec<V>> {
    let mut map = BTreeMap::<_, Vec<V>>::new();
    for (key, value) in all.iter().filter_map(key) {
        map.entry(key).or_default().push(value);
    }
    map
}

fn check_request(id: &str, request: &Request<'_>, logged: &[&Entry], stored: &[&str], found: &mut Found) {
    let orders: BTreeSet<_> = request.acknowledged.iter().map(|(_, order, _)| *order).collect();
    found.expect(orders.len() <= 1, Promise::OneOrderARequest, || {
        format!("{id} was answered with {orders:?}")
    });
    for (_, order, position) in &request.acknowledged {
        match logged.iter().find(|entry| entry.key == *order) {
            None => {
                found.add(Promise::AcknowledgedIsLogged, format!("{id} as order {order} is not in the log"))
            }
            Some(entry) => found.expect(entry.position == *position, Promise::TokenIsThePosition, || {
                format!("{id} was told position {position} and stands at {}", entry.position)
            }),
        }
        found.expect(stored.contains(order), Promise::AcknowledgedIsStored, || {
            format!("{id} as order {order} is not in the write model")
        });
    }
    let changed =
        request.refused && request.acknowledged.is_empty() && !(logged.is_empty() && stored.is_empty());
    found.expect(!changed, Promise::RefusedChangesNothing, || format!("{id} was refused and is an order"));
}

fn check_agreement(history: &History, found: &mut Found) {
    let logged: BTreeSet<_> = history
        .log
        .iter()
        .filter(|entry| entry.request_id.is_some())
        .map(|entry| entry.key.as_str())
        .collect();
    let stored: BTreeSet<_> = history.orders.iter().map(|order| order.order_id.as_str()).collect();
    for order in logged.symmetric_difference(&stored) {
        let (here, there) =
            if logged.contains(order) { ("log", "write model") } else { ("write model", "log") };
        found
            .add(Promise::LogAndStoreAgree, format!("order {order} is in the {here} and not in the {there}"));
    }
}

/// Walks along the time: a command that is sent must come after all that were acknowledged before.
fn check_real_time(requests: &BTreeMap<&str, Request<'_>>, found: &mut Found) {
    let mut sent = Vec::new();
    let mut answered = Vec::new();
    for (id, request) in requests {
        let Some((at, _, position)) = request.acknowledged.iter().min() else { continue };
        sent.push((request.invoked.unwrap_or_default(), *position, *id));
        answered.push((*at, *position, *id));
    }
    sent.sort_unstable();
    answered.sort_unstable();
    let mut answered = answered.into_iter().peekable();
    let mut highest = (0, "");
    for (invoked, position, id) in sent {
        while let Some((_, position, id)) = answered.next_if(|(at, ..)| *at < invoked) {
            highest = highest.max((position, id));
        }
        found.expect(highest.0 < position, Promise::RealTimeOrder, || {
            format!("{id} at {position} was sent after {} at {} was acknowledged", highest.1, highest.0)
        });
    }
}
