//! The events of stopped keys, applied again one by one: by themselves a few times, and when an operator says so.

use bytes::Bytes;
use ordermesh_kernel::to_micros;
use std::time::Duration;
use tokio_util::sync::CancellationToken;

use super::parked::Due;
use super::{ConsumeError, Consumer, Delivery, Handler, HandlerError, checkpoint, inbox, parked};
use crate::parking::ParkedEvent;
use crate::store::WriteTransaction;

/// What operators do by other replicas is noticed after so much time.
const LOOK_EVERY: Duration = Duration::from_secs(1);

/// What became of an event that was due.
enum Tried {
    Applied,
    /// It had its effect before, or the key is not stopped any more.
    Nothing,
    Failed(String),
}

impl<H: Handler> Consumer<H> {
    /// Applies what is due until `active` is over, through every failure. Never in the way of the feed.
    pub(super) async fn tend_parking(&self, active: &CancellationToken) {
        let mut failures = 0;
        while !active.is_cancelled() {
            let wait = match self.try_first_due().await {
                Ok(wait) => {
                    failures = 0;
                    wait
                }
                Err(error) => {
                    failures += 1;
                    let retry_in = self.settings.backoff(failures, &self.seed);
                    tracing::warn!(
                        consumer = self.name(),
                        error = error.detail(),
                        ?retry_in,
                        "parked events wait"
                    );
                    retry_in
                }
            };
            let woken = async {
                tokio::select! {
                    () = self.wake.notified() => {}
                    () = tokio::time::sleep(wait) => {}
                }
            };
            let _ = active.run_until_cancelled(woken).await;
        }
    }

    /// Applies the event that is due first, and says how long nothing else is.
    async fn try_first_due(&self) -> Result<Duration, ConsumeError> {
        let due = parked::first_due(&self.db, self.name()).await?;
        let now = to_micros(self.clock.now());
        let Some(due) = due.as_ref().filter(|due| due.time <= now) else {
            // An operator may have discarded or rebuilt by another replica.
            if !self.blocked.is_empty() {
                self.look_at_parking().await?;
            }
            let left = due.map_or(LOOK_EVERY, |due| Duration::from_micros((due.time - now).unsigned_abs()));
            return Ok(left.min(LOOK_EVERY));
        };
        let tried = match self.try_next(due).await {
            Ok(tried) => tried,
            Err(ConsumeError::Handler(HandlerError::Event { reason, .. })) => Tried::Failed(reason),
            Err(error) if error.blames_data() => Tried::Failed(error.to_string()),
            Err(error @ ConsumeError::Handler(_)) => {
                let (consumer, key) = (self.name(), due.key.as_str());
                tracing::warn!(
                    consumer,
                    key,
                    error = error.detail(),
                    "a parked event waits for what it needs"
                );
                // Other keys need not wait for it.
                self.postpone(due).await?;
                return Ok(Duration::ZERO);
            }
            Err(error) => return Err(error),
        };
        if let Tried::Failed(reason) = tried {
            self.note_failure(due, &reason).await?;
        }
        self.look_at_parking().await?;
        Ok(Duration::ZERO)
    }

    /// Applies the first parked event of a key and takes it out of the parking.
    async fn try_next(&self, due: &Due) -> Result<Tried, ConsumeError> {
        let Some(next) = self.parking().first(&self.db, &due.key).await? else {
            self.forget_unless_parked(&due.key).await?;
            return Ok(Tried::Nothing);
        };
        let event = match <H::Event as prost::Message>::decode(Bytes::from(next.bytes.clone())) {
            Ok(event) => [event],
            Err(error) => return Ok(Tried::Failed(format!("it cannot be decoded: {error}"))),
        };
        let delivery = match due.tries < 0 {
            true => Delivery::Replay { suppress_effects: due.suppress_effects },
            false => Delivery::Live,
        };
        if self.handler.reacts() {
            self.handler.react(&event, delivery).await?;
        }
        let tx = self.db.begin().await?;
        let tried = self.try_in(&tx, due, &next, &event, delivery).await;
        let tried = tx.end(tried).await?;
        if matches!(tried, Tried::Applied) {
            self.handler.applied(&event);
        }
        Ok(tried)
    }

    async fn try_in(
        &self,
        tx: &WriteTransaction,
        due: &Due,
        next: &ParkedEvent,
        event: &[H::Event; 1],
        delivery: Delivery,
    ) -> Result<Tried, ConsumeError> {
        // Keeps batches waiting: they must not park behind a key that flows again in the same moment.
        checkpoint::load_locked(tx, self.name()).await?;
        let first = self.parking().first(tx, &due.key).await?;
        // By its identity: after a rebuild from another history another event may stand at the position.
        if first.is_none_or(|first| first.id != next.id) {
            // Discarded, or applied by another replica meanwhile.
            return Ok(Tried::Nothing);
        }
        let now = self.clock.now();
        let new = inbox::claim(tx, self.name(), next.id, now).await?;
        if new {
            self.handler.apply(tx, event, delivery).await?;
        }
        let unblocked = self.parking().remove(tx, &[next.position]).await?;
        match unblocked.is_empty() {
            true => parked::plan_next(tx, self.name(), due, now).await?,
            false => parked::forget_plan(tx, self.name(), &due.key).await?,
        }
        Ok(if new { Tried::Applied } else { Tried::Nothing })
    }

    /// Forgets the plan of a key of which nothing is parked. A batch may park it again in the same moment, so it is
    /// looked again when batches wait.
    async fn forget_unless_parked(&self, key: &str) -> Result<(), ConsumeError> {
        let tx = self.db.begin().await?;
        let forgotten = async {
            checkpoint::load_locked(&tx, self.name()).await?;
            match self.parking().first(&tx, key).await? {
                Some(_) => Ok(()),
                None => parked::forget_plan(&tx, self.name(), key).await,
            }
        };
        let forgotten = forgotten.await;
        Ok(tx.end(forgotten).await?)
    }

    /// Has an event tried again later that is not known to be at fault.
    async fn postpone(&self, due: &Due) -> Result<(), ConsumeError> {
        let tx = self.db.begin().await?;
        let postponed = async {
            checkpoint::load_locked(&tx, self.name()).await?;
            match parked::planned(&tx, self.name(), &due.key).await? {
                Some(planned) if planned == *due => {
                    parked::postpone(&tx, self.name(), due, self.clock.now(), &self.settings).await
                }
                // An operator has decided otherwise meanwhile.
                _ => Ok(()),
            }
        };
        let postponed = postponed.await;
        Ok(tx.end(postponed).await?)
    }

    async fn note_failure(&self, due: &Due, reason: &str) -> Result<(), ConsumeError> {
        let tx = self.db.begin().await?;
        let noted = self.note_failure_in(&tx, due, reason).await;
        let again = tx.end(noted).await?;
        if !again {
            let name = self.name();
            tracing::error!(
                consumer = name,
                key = due.key,
                reason,
                "a key is parked until an operator replays it"
            );
        }
        Ok(())
    }

    /// True when it is tried again later.
    async fn note_failure_in(
        &self,
        tx: &WriteTransaction,
        due: &Due,
        reason: &str,
    ) -> Result<bool, ConsumeError> {
        checkpoint::load_locked(tx, self.name()).await?;
        if parked::planned(tx, self.name(), &due.key).await?.as_ref() != Some(due) {
            // An operator has decided otherwise meanwhile.
            return Ok(true);
        }
        Ok(parked::failed(tx, self.name(), due, reason, self.clock.now(), &self.settings).await?)
    }
}
