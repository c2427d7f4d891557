//! The loops of a consumer: hold the lease, follow the feed, tell how far it is.

use std::sync::Arc;
use std::time::Duration;

use tokio::time::Instant;
use tokio_util::sync::CancellationToken;

use super::apply::reached_by;
use super::feed::{Feed, FeedBatch, is_empty};
use super::{ConsumeError, Consumer, Handler, checkpoint, lease};
use crate::token::LogPosition;

/// How often a replica that stands by looks how far the active one is.
const STAND_BY: Duration = Duration::from_millis(200);

impl<H: Handler> Consumer<H> {
    /// Follows the feed until `shutdown`, through every failure; while another replica holds the lease, only looks on.
    pub async fn run(self: Arc<Self>, shutdown: CancellationToken) {
        tokio::join!(self.take_turns(&shutdown), self.ask_for_ever(&shutdown));
    }

    async fn take_turns(&self, shutdown: &CancellationToken) {
        while !shutdown.is_cancelled() {
            match self.keeps_lease().await {
                Ok(true) => self.work(shutdown).await,
                Ok(false) => {
                    if let Err(error) = self.look_on().await {
                        self.tell_error(&error);
                    }
                }
                Err(error) => self.tell_error(&error),
            }
            let _ = shutdown.run_until_cancelled(tokio::time::sleep(STAND_BY)).await;
        }
    }

    async fn work(&self, shutdown: &CancellationToken) {
        let active = shutdown.child_token();
        // What it heard when it was active before says nothing of what the feed has told since.
        self.progress.send_modify(|progress| (progress.active, progress.contact) = (true, None));
        tracing::info!(consumer = self.name(), "the consumer is active");
        let ((), (), (), told) = tokio::join!(
            self.hold_lease(&active),
            self.follow_for_ever(&active),
            self.tend_parking(&active),
            self.report_for_ever(&active),
        );
        self.report_after(told).await;
        self.progress.send_modify(|progress| progress.active = false);
        if self.settings.lease.is_some()
            && let Err(error) = lease::release(&self.db, self.name(), self.holder).await
        {
            tracing::warn!(consumer = self.name(), %error, "the lease is not released and has to run out");
        }
    }

    async fn keeps_lease(&self) -> Result<bool, ConsumeError> {
        match self.settings.lease {
            None => Ok(true),
            Some(length) => {
                // One connection that does not answer must not cost the lease.
                let db = self.db.at_most(length / 2);
                Ok(lease::acquire(&db, self.name(), self.holder, self.clock.now(), length).await?)
            }
        }
    }

    /// Renews the lease; ends `active` when it is another's, or may be.
    async fn hold_lease(&self, active: &CancellationToken) {
        let Some(length) = self.settings.lease else { return };
        let mut renewed = Instant::now();
        loop {
            let (asked, end) = (Instant::now() + length / 3, renewed + length);
            let pause = tokio::time::sleep_until(asked.min(end));
            if active.run_until_cancelled(pause).await.is_none() {
                return;
            }
            match tokio::time::timeout_at(end, self.keeps_lease()).await {
                Ok(Ok(true)) => renewed = asked,
                Ok(Ok(false)) => {
                    tracing::warn!(consumer = self.name(), "another replica has taken the consumer over");
                    return active.cancel();
                }
                Ok(Err(error)) => {
                    tracing::warn!(consumer = self.name(), error = error.detail(), "no renewed lease");
                }
                Err(_) => {
                    tracing::warn!(consumer = self.name(), "the lease ended without a new one");
                    return active.cancel();
                }
            }
        }
    }

    async fn follow_for_ever(&self, active: &CancellationToken) {
        let mut failures = 0;
        while !active.is_cancelled() {
            let before = self.progress.borrow().place;
            let error = match self.follow(active).await {
                Ok(()) => {
                    failures = 0;
                    continue;
                }
                Err(error) => error,
            };
            if self.progress.borrow().place != before {
                failures = 0;
            }
            failures += 1;
            let retry_in = self.settings.backoff(failures, &self.seed);
            let name = self.name();
            match &error {
                ConsumeError::ParkingFull { .. } if failures == 1 => {
                    tracing::error!(consumer = name, error = error.detail(), "the consumer stops");
                }
                _ => tracing::warn!(consumer = name, error = error.detail(), ?retry_in, "the consumer waits"),
            }
            self.tell_error(&error);
            let _ = active.run_until_cancelled(tokio::time::sleep(retry_in)).await;
        }
    }

    pub(super) fn tell_error(&self, error: &ConsumeError) {
        let place = self.progress.borrow().place;
        if let Some(place) = place.filter(|_| error.is_divergence()) {
            self.is_foreign(place, error);
        }
        self.progress.send_modify(|progress| {
            progress.error = Some(error.to_string());
            progress.diverged = error.is_divergence();
        });
    }

    /// Follows the feed until it closes.
    async fn follow(&self, active: &CancellationToken) -> Result<(), ConsumeError> {
        let place = checkpoint::load(&self.db, self.name()).await?;
        // A server that takes connections and does not answer, as one that is only starting, must not hold up the end.
        let open = Feed::open(&self.open, place, self.handler.filter(), &self.settings);
        let Some(feed) = active.run_until_cancelled(open).await else { return Ok(()) };
        let mut feed = feed?;
        self.stand_at(place).await?;
        let mut passed = Passed { since: Instant::now(), place: None };
        let ended = self.follow_open(&mut feed, &mut passed, active).await;
        // Also after a failure: it is done with what the filter left out.
        self.store_passed(&mut passed).await?;
        ended
    }

    async fn follow_open(
        &self,
        feed: &mut Feed,
        passed: &mut Passed,
        active: &CancellationToken,
    ) -> Result<(), ConsumeError> {
        let silence = self.settings.silence;
        let mut silent_at = Instant::now() + silence;
        loop {
            let due = passed.since + self.settings.checkpoint_interval;
            let batch = tokio::select! {
                () = active.cancelled() => return Ok(()),
                () = tokio::time::sleep_until(due), if passed.place.is_some() => {
                    self.store_passed(passed).await?;
                    continue;
                }
                // A connection may be dead without anybody telling.
                batch = tokio::time::timeout_at(silent_at, feed.next_batch::<H::Event>()) => {
                    batch.map_err(|_| ConsumeError::Silent(silence))??
                }
            };
            let closed = batch.closed;
            self.take_batch(batch, passed).await?;
            if closed {
                return Ok(());
            }
            silent_at = Instant::now() + silence;
        }
    }

    async fn take_batch(&self, batch: FeedBatch<H::Event>, passed: &mut Passed) -> Result<(), ConsumeError> {
        let feed_id = batch.feed_id;
        let start = LogPosition { feed_id, position: 0, event_id: None };
        // Without a checkpoint it needs everything, and the feed is told so before the first event is handled.
        self.stored.send_if_modified(|stored| {
            let unknown = stored.is_none();
            stored.get_or_insert(start);
            unknown
        });
        let filtered = !is_empty(&self.handler.filter());
        let reached = reached_by(feed_id, &batch.events, batch.reached, filtered)?;
        match reached {
            Some(reached) if !batch.events.is_empty() => {
                self.take(feed_id, batch.events, reached).await?;
                passed.place = None;
            }
            Some(reached) => {
                let known = self.stored.borrow().is_some_and(|known| known.position >= reached.position);
                passed.place = (!known).then_some(reached).or(passed.place);
                self.moved_to(reached);
            }
            None => {}
        }
        self.progress.send_modify(|progress| {
            progress.head = progress.head.max(batch.head);
            progress.contact = Some(self.clock.now());
            (progress.error, progress.diverged) = (None, false);
            progress.place.get_or_insert(start);
        });
        let progress = self.progress.borrow();
        let (position, head) = (progress.place.map(|place| place.position), progress.head);
        let lag = progress.lag_events();
        tracing::debug!(consumer = self.name(), position, head, lag, "the consumer has gone on");
        Ok(())
    }

    /// Stores how far the feed has passed events that the filter leaves out.
    async fn store_passed(&self, passed: &mut Passed) -> Result<(), ConsumeError> {
        let Some(place) = passed.place.take() else { return Ok(()) };
        passed.since = Instant::now();
        self.take(place.feed_id, Vec::new(), place).await
    }

    /// Tells the place that the checkpoint says, whoever has stored it: another replica, a rebuild, or this one by a
    /// commit whose answer it has not got. What was told beyond it was of another history: a rebuild has put the
    /// checkpoint back. Who has learned the place before must find here which keys were stopped on the way.
    pub(super) async fn stand_at(&self, checkpoint: Option<LogPosition>) -> Result<(), ConsumeError> {
        self.look_at_parking().await?;
        let Some(checkpoint) = checkpoint else { return Ok(()) };
        let told = self.progress.borrow().place;
        self.progress.send_modify(|progress| {
            let beyond =
                |told: LogPosition| told.feed_id != checkpoint.feed_id || told.position > checkpoint.position;
            if progress.place.is_some_and(beyond) {
                progress.start_over();
                (progress.place, progress.head) = (Some(checkpoint), checkpoint.position);
            }
        });
        self.moved_to(checkpoint);
        self.stored(checkpoint);
        if told != Some(checkpoint) {
            self.handler.applied_elsewhere();
        }
        Ok(())
    }
}

/// Progress that is not stored yet.
struct Passed {
    /// When it was stored last.
    since: Instant,
    place: Option<LogPosition>,
}
