//! The worker: carries out what is due at the provider, outside of any transaction.
//!
//! It claims operations for a lease, several at once and never two of one payment (a payment has one open operation),
//! and reports what each came to by a command. It looks when it is woken and at an interval, for what other replicas have
//! left and what waits for its time. Whoever dies in the middle leaves a claim that ends, and a key under which the provider
//! does nothing twice.

mod perform;

use std::sync::Arc;
use std::time::Duration;

use ordermesh_feed::commit::Committer;
use ordermesh_kernel::Clock;
use tokio::sync::{Notify, Semaphore};
use tokio_util::sync::CancellationToken;
use tokio_util::task::TaskTracker;

use crate::domain::Terms;
use crate::gateway::Gateway;
use crate::store::{Claims, PaymentsUnit};

/// How a worker works.
#[derive(Debug, Clone, Copy)]
pub struct WorkerSettings {
    /// How long a claim lasts; longer than all calls of an operation take together.
    pub lease: Duration,
    /// How long a call of the provider may take until its outcome is unknown.
    pub call_timeout: Duration,
    /// Operations that are carried out at once.
    pub concurrency: usize,
    /// How often it is looked for what is due.
    pub interval: Duration,
}

/// Has the worker look at once, since something is due.
#[derive(Debug, Clone, Default)]
pub struct Wake(Arc<Notify>);

impl Wake {
    /// Has it look now.
    pub fn wake(&self) {
        self.0.notify_one();
    }
}

/// Carries out operations.
pub struct Worker {
    /// What is due.
    pub claims: Claims,
    /// By which outcomes are recorded.
    pub committer: Committer<PaymentsUnit>,
    /// The provider.
    pub gateway: Arc<dyn Gateway>,
    /// How patient payment is with it.
    pub terms: Terms,
    /// How it works.
    pub settings: WorkerSettings,
    /// Tells the time.
    pub clock: Arc<dyn Clock>,
    /// Has it look.
    pub wake: Wake,
}

impl Worker {
    /// Starts it on `tasks`, until the shutdown; what is under way then is brought to its end.
    pub fn start(self, tasks: &TaskTracker, shutdown: CancellationToken) {
        tasks.spawn(Arc::new(self).until_shutdown(tasks.clone(), shutdown));
    }

    async fn until_shutdown(self: Arc<Self>, tasks: TaskTracker, shutdown: CancellationToken) {
        let room = Arc::new(Semaphore::new(self.settings.concurrency));
        while !shutdown.is_cancelled() {
            if self.claim(&room, &tasks).await > 0 {
                // Others may have become due meanwhile.
                continue;
            }
            let pause = tokio::time::sleep(self.settings.interval);
            tokio::select! {
                () = shutdown.cancelled() => {}
                () = pause => {}
                () = self.wake.0.notified() => {}
            }
        }
    }

    /// Claims as much as there is room for and has each carried out on a task of its own; says how many.
    async fn claim(self: &Arc<Self>, room: &Arc<Semaphore>, tasks: &TaskTracker) -> usize {
        let free = room.available_permits();
        if free == 0 {
            return 0;
        }
        let claimed = self.claims.claim(self.clock.now(), self.settings.lease, free as u64).await;
        let works = claimed.unwrap_or_else(|error| {
            tracing::warn!(%error, "it cannot be told what is due at the provider; trying again");
            Vec::new()
        });
        let count = works.len();
        for work in works {
            // Only this loop takes permits, so that there is one for each.
            let Ok(permit) = room.clone().try_acquire_owned() else { break };
            let worker = self.clone();
            tasks.spawn(async move {
                worker.perform(work).await;
                drop(permit);
                worker.wake.wake();
            });
        }
        count
    }
}
