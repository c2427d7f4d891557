//! One batch of the feed: effect, parking and checkpoint in one transaction.

use std::collections::BTreeMap;

use ordermesh_proto::event_types::FeedEvent;
use sea_orm::{ConnectionTrait, DbErr};
use uuid::Uuid;

use super::feed::{Arrived, is_empty};
use super::parked::Stops;
use super::work::Work;
use super::{ConsumeError, Consumer, Delivery, Handler, HandlerError, checkpoint, parked};
use crate::store::WriteTransaction;
use crate::token::LogPosition;

/// After so many refusals of data the event at fault is looked for. Before, it may be that another transaction was in
/// the way.
const REFUSALS: u32 = 3;

/// What a batch is decided on.
#[derive(Debug, PartialEq)]
struct Standing {
    place: Option<LogPosition>,
    blocked: BTreeMap<String, String>,
}

/// What became of a batch.
struct Done {
    place: LogPosition,
    /// The parking has changed.
    parked: bool,
}

impl<H: Handler> Consumer<H> {
    /// Handles events and moves the checkpoint; events before the checkpoint are left out. Those that make no sense
    /// are set aside with their keys, and the rest is done all the same. An event is also found that the database
    /// does not take, by halves.
    pub(super) async fn take(
        &self,
        feed_id: Uuid,
        arrived: Vec<Arrived<H::Event>>,
        reached: LogPosition,
    ) -> Result<(), ConsumeError> {
        let newest = arrived.last().map(|last| last.bytes.clone());
        let mut refusals = 0;
        let mut parts = vec![(Work::new(arrived), reached)];
        while let Some((mut work, reached)) = parts.pop() {
            let Err(error) = self.take_work(feed_id, &mut work, reached).await else { continue };
            if !error.blames_data() {
                return Err(error);
            }
            refusals += 1;
            tracing::warn!(
                consumer = self.name(),
                error = error.detail(),
                refusals,
                "the database refuses data"
            );
            if refusals < REFUSALS {
                tokio::time::sleep(self.settings.backoff(refusals, &self.seed)).await;
                parts.push((work, reached));
            } else if let Some((end, later)) = work.halve(feed_id)? {
                parts.extend([(later, reached), (work, end)]);
            } else if work.stop_the_one(error.to_string()) {
                parts.push((work, reached));
            } else {
                return Err(error);
            }
        }
        self.saw(newest.as_ref());
        Ok(())
    }

    async fn take_work(
        &self,
        feed_id: Uuid,
        work: &mut Work<H::Event>,
        reached: LogPosition,
    ) -> Result<(), ConsumeError> {
        let done = loop {
            match self.attempt(feed_id, work, reached).await {
                Ok(done) => break done,
                // Somebody else was faster: begin again with where things stand now.
                Err(ConsumeError::Superseded) => {}
                Err(ConsumeError::Handler(HandlerError::Event { position, key, reason })) => {
                    tracing::warn!(consumer = self.name(), position, key, reason, "an event is set aside");
                    if !work.stop(position, key.clone(), reason) {
                        return Err(ConsumeError::StrangeEvent { position, key });
                    }
                }
                Err(error) => return Err(error),
            }
        };
        let looked = match done.parked {
            true => self.look_at_parking().await,
            false => Ok(()),
        };
        if done.parked {
            self.wake.notify_one();
        }
        if looked.is_ok() {
            self.moved_to(done.place);
            self.stored(done.place);
        }
        // Who waits here has not heard of what another replica or a rebuild has done.
        self.handler.applied(&work.known);
        self.handler.applied(&work.apply);
        // Not known to be done as long as it is not known what is parked: a query would take a stopped order for a
        // fresh one. The feed, opened again, tells both.
        Ok(looked?)
    }

    async fn attempt(
        &self,
        feed_id: Uuid,
        work: &mut Work<H::Event>,
        reached: LogPosition,
    ) -> Result<Done, ConsumeError> {
        let mut expected = None;
        if self.handler.reacts() {
            let place = checkpoint::load(&self.db, self.name()).await?;
            let standing = self.standing(&self.db, place).await?;
            self.prepare(feed_id, work, &standing)?;
            if !work.apply.is_empty() {
                self.handler.react(&work.apply, Delivery::Live).await?;
            }
            expected = Some(standing);
        }
        let tx = self.db.begin().await?;
        let done = self.attempt_in(&tx, feed_id, work, reached, expected).await;
        tx.end(done).await
    }

    async fn standing<C: ConnectionTrait>(
        &self,
        db: &C,
        place: Option<LogPosition>,
    ) -> Result<Standing, DbErr> {
        Ok(Standing { place, blocked: self.parking().reasons(db).await? })
    }

    /// Leaves out what is done, and parks what belongs to stopped keys.
    fn prepare(
        &self,
        feed_id: Uuid,
        work: &mut Work<H::Event>,
        standing: &Standing,
    ) -> Result<(), ConsumeError> {
        let done = checkpoint::check_same_log(standing.place, feed_id)?;
        work.forget_up_to(done);
        if let Some((first, _, whole)) = work.span()
            && is_empty(&self.handler.filter())
            && (first != done + 1 || !whole)
        {
            return Err(ConsumeError::Gap { checkpoint: done, position: first });
        }
        work.sort(|key| standing.blocked.contains_key(key));
        Ok(())
    }

    async fn attempt_in(
        &self,
        tx: &WriteTransaction,
        feed_id: Uuid,
        work: &mut Work<H::Event>,
        reached: LogPosition,
        expected: Option<Standing>,
    ) -> Result<Done, ConsumeError> {
        let place = checkpoint::load_locked(tx, self.name()).await?;
        let standing = self.standing(tx, place).await?;
        if expected.is_some_and(|expected| expected != standing) {
            return Err(ConsumeError::Superseded);
        }
        self.prepare(feed_id, work, &standing)?;
        if let Some(place) = place.filter(|place| place.position >= reached.position) {
            // A rebuild or another replica was faster.
            return Ok(Done { place, parked: true });
        }
        if !work.apply.is_empty() {
            self.handler.apply(tx, &work.apply, Delivery::Live).await?;
        }
        let parked = work.parked_bytes();
        if !parked.is_empty() {
            let mut stopped = work.stopped();
            stopped.retain(|key, _| !standing.blocked.contains_key(key));
            let stops = Stops { blocked: &standing.blocked, stopped: &stopped };
            parked::park(tx, self.name(), &parked, stops, self.clock.now(), &self.settings).await?;
        }
        checkpoint::advance(tx, self.name(), place, reached).await?;
        Ok(Done { place: reached, parked: !parked.is_empty() })
    }
}

/// Where the feed stands after a batch: at its last event, or past it when the filter leaves out what follows.
pub(super) fn reached_by<E: FeedEvent>(
    feed_id: Uuid,
    events: &[Arrived<E>],
    told: Option<LogPosition>,
    filtered: bool,
) -> Result<Option<LogPosition>, ConsumeError> {
    let last = events.last().map(|last| match &last.event {
        Ok(event) => checkpoint::place_of(feed_id, event.position(), event.event_id()),
        Err(broken) => checkpoint::place_of(feed_id, broken.envelope.position, &broken.envelope.event_id),
    });
    let last = last.transpose()?;
    // Without a filter nothing is left out: only events count, so that a hole cannot be passed.
    let told = told.filter(|told| filtered && told.feed_id == feed_id && told.event_id.is_some());
    Ok(match (last, told) {
        (Some(last), Some(told)) if told.position > last.position => Some(told),
        (Some(last), _) => Some(last),
        (None, told) => told,
    })
}
