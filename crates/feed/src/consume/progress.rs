//! How far a consumer has come, and what it has set aside, as queries and operators look at it.

use std::collections::BTreeMap;
use std::sync::Arc;
use std::time::Duration;

use ordermesh_kernel::Timestamp;
use tokio::sync::watch;

use crate::token::LogPosition;

/// How far a consumer has come.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct Progress {
    /// The log and the newest event that it is done with; `None` until it has first reached the feed.
    pub place: Option<LogPosition>,
    /// The newest position of the log that it has heard of.
    pub head: i64,
    /// When the newest event that it is done with was recorded; `None` while it has seen none since its start.
    pub newest: Option<Timestamp>,
    /// When it last heard from the feed.
    pub contact: Option<Timestamp>,
    /// Why it does not go on, while it does not.
    pub error: Option<String>,
    /// The feed is not the history that its state was made from.
    pub diverged: bool,
    /// It does the work itself; of several replicas on one database the others stand by.
    pub active: bool,
}

impl Progress {
    /// Forgets how far it was in a history that does not count any more.
    pub(super) fn start_over(&mut self) {
        *self = Self { contact: self.contact, active: self.active, ..Self::default() };
    }

    /// How many positions it is behind what it has heard of.
    pub fn lag_events(&self) -> i64 {
        (self.head - self.place.map_or(0, |place| place.position)).max(0)
    }

    /// How old the newest event is that it is done with, while it is behind; zero when it is not, `None` when unknown.
    pub fn lag_time(&self, now: Timestamp) -> Option<Duration> {
        match self.lag_events() {
            0 => self.place.map(|_| Duration::ZERO),
            _ => self.newest.map(|newest| Duration::try_from(now.duration_since(newest)).unwrap_or_default()),
        }
    }
}

/// The keys of a consumer that are stopped, and why, in memory: asked by every query.
#[derive(Debug, Clone, Default)]
pub struct BlockedKeys(watch::Sender<Arc<BTreeMap<String, String>>>);

impl BlockedKeys {
    /// Why a key is stopped; `None` for a key that flows.
    pub fn reason(&self, key: &str) -> Option<String> {
        self.0.borrow().get(key).cloned()
    }

    /// Whether no key is stopped.
    pub fn is_empty(&self) -> bool {
        self.0.borrow().is_empty()
    }

    /// All as they are now.
    pub fn now(&self) -> Arc<BTreeMap<String, String>> {
        self.0.borrow().clone()
    }

    /// Waits until another reason than `told` is true of a key.
    pub async fn other_than(&self, key: &str, told: Option<&str>) {
        // The sender lives as long as this.
        let _ = self.0.subscribe().wait_for(|keys| keys.get(key).map(String::as_str) != told).await;
    }

    /// Tells that these are stopped now, and no others.
    pub fn set(&self, keys: BTreeMap<String, String>) {
        self.0.send_if_modified(|now| {
            let changed = **now != keys;
            if changed {
                *now = Arc::new(keys);
            }
            changed
        });
    }
}
