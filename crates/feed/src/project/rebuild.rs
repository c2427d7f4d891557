//! A rebuild: the feed from its first event into new tables, which then take the place of the live ones.

use std::time::Duration;

use ordermesh_proto::common::v1::CommonErrorReason;
use ordermesh_proto::error::{Problem, Reason, info_of};
use ordermesh_proto::event_types::FeedEvent;
use ordermesh_proto::feed::v1::{EventFilter, FeedErrorReason, RebuildProjectionResponse};
use tonic::{Code, Status};

use super::{Projection, Projector, Tell, Turn};
use crate::consume::feed::Arrived;
use crate::consume::{ConsumeError, Feed, HandlerError, checkpoint, inbox, parked};
use crate::store::{WriteTransaction, is_transient};
use crate::token::LogPosition;

/// Ends the names of the tables that a rebuild fills.
const REBUILD_SUFFIX: &str = "_rebuild";
/// Progress is told at most this often.
const TELL_EVERY: Duration = Duration::from_millis(200);

/// The one table of what ends a rebuild.
pub(super) fn rebuild_problem(error: &ConsumeError) -> Problem {
    use FeedErrorReason::{FeedDiverged, PositionTruncated, RebuildRunning};
    match error {
        ConsumeError::Rebuilding { .. } => Problem::new(Code::Aborted, RebuildRunning, error.to_string()),
        ConsumeError::Diverged { .. } => {
            Problem::new(Code::FailedPrecondition, FeedDiverged, error.to_string())
        }
        // It begins with the first event: the log no longer has it, or has lost what would have come next.
        ConsumeError::Gap { position, .. } => {
            Problem::new(Code::OutOfRange, PositionTruncated, error.to_string())
                .with("earliest_position", position)
        }
        ConsumeError::Feed(status) => refused_by_feed(status).unwrap_or_else(|| {
            Problem::new(Code::Unavailable, CommonErrorReason::ServerUnavailable, error.to_string())
                .retry_after(Duration::from_secs(1))
        }),
        ConsumeError::Handler(HandlerError::Store(error)) if is_transient(error) => Problem::new(
            Code::Unavailable,
            CommonErrorReason::StoreUnavailable,
            "the read model cannot be written now",
        )
        .retry_after(Duration::from_secs(1)),
        _ => Problem::new(
            Code::Internal,
            CommonErrorReason::Internal,
            "the rebuild failed; the server's log says why",
        ),
    }
}

/// What the feed says of its history, which trying again does not change.
fn refused_by_feed(status: &Status) -> Option<Problem> {
    let told = info_of(status)?;
    let reasons = [FeedErrorReason::FeedDiverged, FeedErrorReason::PositionTruncated];
    let reason = reasons.into_iter().find(|reason| reason.reason() == told.reason)?;
    let problem = Problem::new(status.code(), reason, status.message());
    Some(told.metadata.iter().fold(problem, |problem, (key, value)| problem.with(key, value)))
}

impl<P: Projection> Projector<P> {
    pub(super) async fn rebuild_tables(&self, turn: &Turn, tell: &Tell) -> Result<(), ConsumeError> {
        let tx = self.consumer.db.begin().await?;
        let created = async {
            turn.take(&tx).await?;
            Ok::<_, ConsumeError>(self.consumer.handler.0.create_tables(&tx, REBUILD_SUFFIX).await?)
        }
        .await;
        tx.end(created).await?;

        let settings = &self.consumer.settings;
        let mut feed = Feed::open(&self.consumer.open, None, EventFilter::default(), settings).await?;
        let (mut position, mut place) = (0, None);
        let mut told = tokio::time::Instant::now();
        loop {
            let batch = feed.next_batch::<P::Event>().await?;
            let mut reached = LogPosition { feed_id: batch.feed_id, position, event_id: None };
            let events = decoded(batch.events)?;
            if let Some((first, last)) = events.first().zip(events.last()) {
                if first.position() != position + 1 {
                    return Err(ConsumeError::Gap { checkpoint: position, position: first.position() });
                }
                reached = checkpoint::place_of(batch.feed_id, last.position(), last.event_id())?;
                self.apply(turn, &events).await?;
                (position, place) = (reached.position, Some(reached));
            }
            // Without new events the place was tried when it was reached, and the live tables were further.
            let new = position == 0 || reached.event_id.is_some();
            if new && position >= batch.head && self.swap(turn, reached).await? {
                // Nobody may be listening any more; the rebuild is done all the same.
                let _ = tell.send(Ok(frame(position, batch.head, true))).await;
                return Ok(());
            }
            if batch.closed {
                // A stream has an age at which its server ends it; a server that goes away refuses the next one.
                feed = Feed::open(&self.consumer.open, place, EventFilter::default(), settings).await?;
            }
            if told.elapsed() >= TELL_EVERY {
                told = tokio::time::Instant::now();
                if tell.send(Ok(frame(position, batch.head, false))).await.is_err() {
                    return Ok(());
                }
            }
        }
    }

    async fn apply(&self, turn: &Turn, events: &[P::Event]) -> Result<(), ConsumeError> {
        let tx = self.consumer.db.begin().await?;
        let applied = async {
            turn.keep(&tx).await?;
            Ok::<_, ConsumeError>(self.consumer.handler.0.apply(&tx, REBUILD_SUFFIX, events).await?)
        }
        .await;
        tx.end(applied).await
    }

    /// Swaps the tables in, unless the live ones have gone further in the same history meanwhile.
    async fn swap(&self, turn: &Turn, reached: LogPosition) -> Result<bool, ConsumeError> {
        let live = checkpoint::load(&self.consumer.db, self.name()).await?;
        let ahead = live.filter(|live| live.feed_id == reached.feed_id && live.position > reached.position);
        if let Some(live) = ahead {
            // Ahead of us, or of a history that the log no longer has: only the feed can tell.
            let (open, settings) = (&self.consumer.open, &self.consumer.settings);
            match Feed::open(open, Some(live), EventFilter::default(), settings).await {
                Ok(_) => return Ok(false),
                Err(error) if error.is_divergence() => {}
                Err(error) => return Err(error),
            }
        }
        let tx = self.consumer.db.begin().await?;
        let swapped = self.swap_in(&tx, turn, live, reached).await;
        let swapped = match tx.end(swapped).await {
            Ok(swapped) => swapped,
            Err(error) => {
                // It may be the answer that was lost: who watches finds the tables as they are.
                self.consumer.handler.0.applied_elsewhere();
                if let Ok(Some(stored)) = checkpoint::load(&self.consumer.db, self.name()).await {
                    self.consumer.moved_to(stored);
                }
                return Err(error);
            }
        };
        if swapped {
            self.consumer.moved_to(reached);
            self.consumer.stored(reached);
            self.consumer.handler.0.applied_elsewhere();
            self.consumer.look_at_parking().await?;
        }
        Ok(swapped)
    }

    async fn swap_in(
        &self,
        tx: &WriteTransaction,
        turn: &Turn,
        live: Option<LogPosition>,
        reached: LogPosition,
    ) -> Result<bool, ConsumeError> {
        let name = self.name();
        turn.keep(tx).await?;
        let now = checkpoint::load_locked(tx, name).await?;
        let moved_past = now != live && now.is_some_and(|now| now.position > reached.position);
        if moved_past {
            return Ok(false);
        }
        self.consumer.handler.0.swap_tables(tx, REBUILD_SUFFIX).await?;
        checkpoint::advance(tx, name, now, reached).await?;
        // The new tables have all events up to here.
        parked::clear(tx, name).await?;
        inbox::clear(tx, name).await?;
        Ok(true)
    }
}

fn frame(position: i64, head_position: i64, done: bool) -> RebuildProjectionResponse {
    RebuildProjectionResponse { position, head_position: head_position.max(position), done }
}

/// The events themselves. One that cannot be decoded ends the rebuild: new tables are whole or not at all.
fn decoded<E: FeedEvent>(arrived: Vec<Arrived<E>>) -> Result<Vec<E>, ConsumeError> {
    let event = |arrived: Arrived<E>| {
        arrived.event.map_err(|broken| {
            let (position, key) = (broken.envelope.position, broken.envelope.key);
            ConsumeError::Handler(HandlerError::Event { position, key, reason: broken.reason })
        })
    };
    arrived.into_iter().map(event).collect()
}
