//! Wakes those who watch an order when it has changed.
//!
//! It holds an entry only for orders that somebody watches now. A wake-up carries nothing: who wakes reads the
//! order anew, and changes in quick succession become one.

use std::collections::HashMap;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use ordermesh_proto::order::v1::OrderEvent;
use tokio::sync::watch;
use uuid::Uuid;

/// The orders that are watched.
#[derive(Debug, Default)]
pub struct Changes {
    watched: Mutex<HashMap<Uuid, watch::Sender<()>>>,
}

impl Changes {
    /// Watches an order, which need not exist, from now on.
    pub fn watch(self: &Arc<Self>, order_id: Uuid) -> Watcher {
        let woken = self.lock().entry(order_id).or_default().subscribe();
        Watcher { changes: self.clone(), order_id, woken: Some(woken) }
    }

    /// Wakes the watchers of the orders that the events are about.
    pub fn tell(&self, events: &[OrderEvent]) {
        let watched = self.lock();
        if watched.is_empty() {
            return;
        }
        for event in events {
            let watchers = Uuid::try_parse(&event.key).ok().and_then(|id| watched.get(&id));
            watchers.into_iter().for_each(|watchers| watchers.send_modify(|()| {}));
        }
    }

    /// Wakes all watchers: others have applied events, and which is not known here.
    pub fn tell_all(&self) {
        self.lock().values().for_each(|watchers| watchers.send_modify(|()| {}));
    }

    /// A panic cannot leave the map half changed, so a poisoned lock is as good as any.
    fn lock(&self) -> MutexGuard<'_, HashMap<Uuid, watch::Sender<()>>> {
        self.watched.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// Waits for changes of one order.
#[derive(Debug)]
pub struct Watcher {
    changes: Arc<Changes>,
    order_id: Uuid,
    /// Empty only while it is dropped.
    woken: Option<watch::Receiver<()>>,
}

impl Watcher {
    /// Waits until the order has changed since the last call, or since the watching began.
    pub async fn changed(&mut self) {
        let Some(woken) = &mut self.woken else { return };
        // The sender stays in the map as long as this watcher lives.
        let _ = woken.changed().await;
    }
}

impl Drop for Watcher {
    fn drop(&mut self) {
        let mut watched = self.changes.lock();
        // Under the lock, so that of two watchers that leave at once the second sees that it is the last.
        self.woken = None;
        if watched.get(&self.order_id).is_some_and(|watchers| watchers.receiver_count() == 0) {
            watched.remove(&self.order_id);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use futures_util::FutureExt;

    fn event_of(order_id: Uuid) -> OrderEvent {
        OrderEvent { key: order_id.to_string(), ..OrderEvent::default() }
    }

    #[test]
    fn a_watcher_wakes_for_its_own_order_and_once_for_changes_in_quick_succession() {
        let changes = Arc::new(Changes::default());
        let mut watcher = changes.watch(Uuid::from_u128(1));
        changes.tell(&[event_of(Uuid::from_u128(2))]);
        assert_eq!(watcher.changed().now_or_never(), None);
        changes.tell(&[event_of(Uuid::from_u128(1)), event_of(Uuid::from_u128(1))]);
        assert_eq!(watcher.changed().now_or_never(), Some(()));
        assert_eq!(watcher.changed().now_or_never(), None);
    }

    #[test]
    fn an_order_that_nobody_watches_any_more_is_forgotten() {
        let changes = Arc::new(Changes::default());
        let (first, second) = (changes.watch(Uuid::from_u128(1)), changes.watch(Uuid::from_u128(1)));
        drop(first);
        assert_eq!(changes.lock().len(), 1);
        drop(second);
        assert!(changes.lock().is_empty());
    }
}
