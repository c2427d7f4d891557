//! Due work: what is to be done at a time that stands in the database, such as a deadline that passes.
//!
//! A context writes a [`DueWork`]: what is due, and how to do it. Here is the rest: ask at an interval and when woken,
//! do several at once, go on while there is more, try again for ever. Every replica does this. That nothing is done
//! twice is not its business: commands are judged on locked rows, and carry a request_id made of the deadline.

use std::panic::AssertUnwindSafe;
use std::sync::Arc;
use std::time::Duration;

use async_trait::async_trait;
use futures_util::{FutureExt, StreamExt, stream};
use ordermesh_kernel::Timestamp;
use sea_orm::DbErr;
use tokio::sync::Notify;

use crate::runtime::Runtime;
use crate::store::within;

/// Work that becomes due.
#[async_trait]
pub trait DueWork: Send + Sync + 'static {
    /// One thing to do.
    type Item: Send;

    /// Name for the log.
    fn name(&self) -> &'static str;
    /// At most `limit` of what is due at `now` and not done yet, the longest due first.
    async fn due(&self, now: Timestamp, limit: usize) -> Result<Vec<Self::Item>, DbErr>;
    /// Does one of them, so that it is no longer due, or says why not: then it is tried again after the interval. What
    /// fails for ever should be moved to a later time, so that `limit` of its kind do not stand before all others.
    async fn run(&self, item: Self::Item) -> Result<(), String>;
}

/// How due work is done.
#[derive(Debug, Clone, Copy)]
pub struct DueSettings {
    /// How often it is looked for what is due; the first wait after a failure, doubled for each further one.
    pub interval: Duration,
    /// The longest wait after a failure.
    pub max_backoff: Duration,
    /// Items that are asked for at once.
    pub limit: usize,
    /// Items that are done at once.
    pub concurrency: usize,
}

impl Default for DueSettings {
    fn default() -> Self {
        Self {
            interval: Duration::from_millis(500),
            max_backoff: Duration::from_secs(30),
            limit: 256,
            concurrency: 64,
        }
    }
}

/// Has running work look at once, since something may be due earlier than it knows.
#[derive(Debug, Clone, Default)]
pub struct Wake(Arc<Notify>);

impl Wake {
    /// Has it look now, or when it is done with what it is at.
    pub fn wake(&self) {
        self.0.notify_one();
    }
}

/// How a look for what is due ended.
enum Looked {
    /// All that was due is done.
    Done,
    /// There may be more.
    More,
    /// The source or some of the work failed.
    Failed,
}

/// Does the work on the runtime's tasks until its shutdown; what is under way then is brought to an end.
pub fn start<W: DueWork>(work: W, settings: DueSettings, runtime: &Runtime) -> Wake {
    let wake = Wake::default();
    runtime.tasks.spawn(until_shutdown(work, settings, runtime.clone(), wake.clone()));
    wake
}

async fn until_shutdown<W: DueWork>(work: W, settings: DueSettings, runtime: Runtime, wake: Wake) {
    let mut failures = 0;
    while !runtime.shutdown.is_cancelled() {
        let looked = AssertUnwindSafe(look(&work, settings, &runtime)).catch_unwind().await;
        failures = match looked {
            Ok(Looked::Done | Looked::More) => 0,
            Ok(Looked::Failed) => failures + 1,
            Err(_) => {
                tracing::error!(work = work.name(), "looking for due work panicked; trying again");
                failures + 1
            }
        };
        if matches!(looked, Ok(Looked::More)) {
            // A source that is always full must not keep the thread for itself.
            tokio::task::yield_now().await;
            continue;
        }
        let pause = tokio::time::sleep(wait(settings, failures));
        tokio::select! {
            () = runtime.shutdown.cancelled() => {}
            () = pause => {}
            // Being woken does not make a database come back earlier.
            () = wake.0.notified(), if failures == 0 => {}
        }
    }
}

/// The interval, or the wait after so many failures in a row.
fn wait(settings: DueSettings, failures: u32) -> Duration {
    let doubled = settings.interval.saturating_mul(1 << failures.clamp(1, 16).saturating_sub(1));
    doubled.min(settings.max_backoff.max(settings.interval))
}

async fn look<W: DueWork>(work: &W, settings: DueSettings, runtime: &Runtime) -> Looked {
    let due = within(runtime.patience, work.due(runtime.clock.now(), settings.limit));
    let items = match runtime.shutdown.run_until_cancelled(due).await {
        None => return Looked::Done,
        Some(Ok(items)) => items,
        Some(Err(error)) => {
            tracing::warn!(work = work.name(), %error, "it cannot be told what is due; trying again");
            return Looked::Failed;
        }
    };
    let full = items.len() >= settings.limit;
    let begun = items.into_iter().take_while(|_| !runtime.shutdown.is_cancelled());
    let doing = stream::iter(begun.map(|item| run(work, item)));
    let failed = doing.buffer_unordered(settings.concurrency.max(1));
    let failed = failed.fold(false, |failed, done| async move { failed || !done }).await;
    match (failed, full) {
        (true, _) => Looked::Failed,
        (false, true) => Looked::More,
        (false, false) => Looked::Done,
    }
}

/// Whether the item was done.
async fn run<W: DueWork>(work: &W, item: W::Item) -> bool {
    match AssertUnwindSafe(work.run(item)).catch_unwind().await {
        Ok(Ok(())) => true,
        Ok(Err(reason)) => {
            tracing::warn!(work = work.name(), reason, "due work could not be done; trying again");
            false
        }
        Err(_) => {
            tracing::error!(work = work.name(), "due work panicked; trying again");
            false
        }
    }
}
