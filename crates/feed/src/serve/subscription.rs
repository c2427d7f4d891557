//! One open stream: from its start through the log to the head, then along with it.
//!
//! The subscription's pace is its own: it reads the next page only when the last frame has gone into the stream's
//! small channel. So a slow subscriber holds three pages, about one in frames, and nobody else up.

use std::sync::Arc;
use std::time::Duration;

use ordermesh_kernel::EventId;
use ordermesh_proto::feed::v1::subscribe_response::Frame;
use ordermesh_proto::feed::v1::until::Bound;
use ordermesh_proto::feed::v1::{self as wire, ClosingReason, SubscribeResponse};
use sea_orm::DbErr;
use tokio::sync::watch;
use tokio::time::Instant;

use super::read_ahead::ReadAhead;
use super::request::Subscribe;
use super::{FeedServer, Left, Sink, page_problem};
use crate::event::{WireEvent, wire_time};
use crate::log::{Page, PageError};
use crate::store::is_transient;
use crate::token::LogPosition;

/// Events read at once; more than a frame's, since a filter may leave most of them out.
const PAGE: usize = 1000;
/// The least time between two checkpoints at the head: a narrow filter would have one a commit otherwise.
const CHECKPOINT_INTERVAL: Duration = Duration::from_secs(1);
/// How long a log that cannot be read is asked again before the subscriber is sent away.
const PATIENCE: Duration = Duration::from_secs(30);
/// Between two tries it waits as long as it has waited already, within these bounds.
const PAUSE: [Duration; 2] = [Duration::from_millis(100), Duration::from_secs(2)];

pub(super) struct Subscription {
    server: FeedServer,
    request: Subscribe,
    frames: Sink,
    head: watch::Receiver<i64>,
    /// The newest position at the opening.
    opening_head: i64,
    /// How far the log has been read for this stream.
    position: i64,
    event_id: Option<EventId>,
    /// How far the frames that went out reach. A stream that is cut short must not claim more than this.
    told: (i64, Option<EventId>),
    sent_events: i64,
    /// Progress past left-out events that no frame has told yet.
    untold: bool,
    told_caught_up: bool,
    in_tail: bool,
    /// The pages that follow the one that is sent.
    ahead: Option<ReadAhead>,
    last_frame: Instant,
    last_checkpoint: Option<Instant>,
    /// Since when the log cannot be read.
    trouble: Option<Instant>,
}

/// Why the stream ends.
enum End {
    /// The subscriber has left.
    Gone,
    /// The server or the request's bound ends it.
    Closing(ClosingReason),
    /// The log cannot be read.
    Failed(PageError),
}

type Step = Result<(), End>;

impl Subscription {
    pub async fn new(
        server: &FeedServer,
        request: Subscribe,
        start: i64,
        frames: Sink,
    ) -> Result<Self, DbErr> {
        let head = server.source.head();
        // Of all replicas: what another one has acknowledged may not be known here yet.
        let opening_head = server.source.stored_head().await?;
        let event_id = match start {
            0 => None,
            start => server.source.event_id_at(start).await?,
        };
        Ok(Self {
            server: server.clone(),
            request,
            frames,
            head,
            opening_head,
            position: start,
            event_id,
            told: (start, event_id),
            sent_events: 0,
            untold: false,
            told_caught_up: false,
            in_tail: false,
            ahead: None,
            last_frame: Instant::now(),
            last_checkpoint: None,
            trouble: None,
        })
    }

    pub async fn run(mut self) {
        let server = self.server.clone();
        let end = tokio::select! {
            biased;
            reason = server.closing() => {
                // A frame that was on its way did not go out.
                (self.position, self.event_id) = self.told;
                End::Closing(reason)
            }
            end = self.serve() => end,
        };
        match end {
            End::Gone => {}
            End::Closing(reason) => {
                let closing = Frame::Closing(wire::Closing { reason: reason.into() });
                self.frames.end(Ok(self.response(closing)));
            }
            End::Failed(error) => self.frames.end(Err(page_problem(&error).into())),
        }
    }

    async fn serve(&mut self) -> End {
        let opened = Frame::Opened(wire::Opened {
            feed_id: self.server.source.feed_id().to_string(),
            max_batch: self.request.max_batch.min(PAGE) as i32,
            start_position: self.position,
        });
        if let Err(end) = self.send(opened).await {
            return end;
        }
        loop {
            if let Err(end) = self.step().await {
                return end;
            }
        }
    }

    async fn step(&mut self) -> Step {
        let known = *self.head.borrow_and_update();
        match self.position < known.max(self.opening_head) {
            true => self.read_page().await?,
            false if self.told_caught_up => self.wait().await?,
            false => {}
        }
        self.milestones().await
    }

    async fn read_page(&mut self) -> Step {
        match self.next_page().await {
            // What is told of is read by a reader that may not see it yet.
            Ok(page) if page.events.is_empty() => self.pause(PAUSE[0]).await,
            Ok(page) => {
                self.trouble = None;
                self.take_page(page).await
            }
            Err(PageError::Store(error)) if is_transient(&error) => self.survive(error).await,
            Err(error) => Err(End::Failed(error)),
        }
    }

    /// The page after the position, read ahead when this one is far behind.
    async fn next_page(&mut self) -> Result<Page, PageError> {
        if let Some(ahead) = &mut self.ahead {
            match ahead.next().await {
                Some(page) => return page,
                None => self.ahead = None,
            }
        }
        let page = self.server.source.page(self.position, PAGE).await?;
        if let Some(last) = page.events.last().filter(|last| !page.from_tail && !self.ends_by(last.position))
        {
            self.ahead = Some(ReadAhead::after(last.position, PAGE, self.server.source.clone()));
        }
        Ok(page)
    }

    /// Whether the stream needs nothing after a position that is about to be sent.
    fn ends_by(&self, position: i64) -> bool {
        // Whatever passes the filter may be enough.
        let nearly_enough = matches!(self.request.until, Some(Bound::MaxEvents(count)) if count - self.sent_events <= PAGE as i64);
        nearly_enough || self.past_bound(position + 1)
    }

    /// A busy or restarting database must not send all subscribers away at once, to come back at once.
    async fn survive(&mut self, error: DbErr) -> Step {
        let waited = self.trouble.get_or_insert_with(Instant::now).elapsed();
        if waited >= PATIENCE {
            return Err(End::Failed(error.into()));
        }
        tracing::debug!(%error, "a page of the log is asked for again");
        self.pause(waited.clamp(PAUSE[0], PAUSE[1])).await
    }

    async fn pause(&self, time: Duration) -> Step {
        tokio::select! {
            () = self.frames.closed() => Err(End::Gone),
            () = tokio::time::sleep(time) => Ok(()),
        }
    }

    /// Sends what passes of a page.
    async fn take_page(&mut self, page: Page) -> Step {
        if self.in_tail && !page.from_tail {
            let lag_events = *self.head.borrow() - self.position;
            self.send(Frame::FellBehind(wire::FellBehind { lag_events })).await?;
        }
        self.in_tail = page.from_tail;
        let mut batch = Vec::new();
        for event in &page.events {
            if self.past_bound(event.position) {
                break;
            }
            if self.request.filter.passes(event) {
                batch.push(event.bytes.clone());
                self.sent_events += 1;
            } else {
                self.untold = true;
            }
            self.advance(event);
            if batch.len() >= self.request.max_batch || self.enough_events() {
                self.send_batch(&mut batch).await?;
            }
            if self.enough_events() {
                return Err(End::Closing(ClosingReason::UntilReached));
            }
        }
        match batch.is_empty() {
            false => self.send_batch(&mut batch).await,
            // So much without events for this subscriber is progress that a resume should not read again.
            true if self.position - self.told.0 >= PAGE as i64 => self.send_checkpoint().await,
            true => Ok(()),
        }
    }

    fn advance(&mut self, event: &Arc<WireEvent>) {
        self.position = event.position;
        self.event_id = Some(event.id);
    }

    fn enough_events(&self) -> bool {
        matches!(self.request.until, Some(Bound::MaxEvents(count)) if self.sent_events >= count)
    }

    fn past_bound(&self, position: i64) -> bool {
        matches!(self.request.until, Some(Bound::Position(bound)) if position > bound)
            || matches!(self.request.until, Some(Bound::CaughtUp(_)) if position > self.opening_head)
    }

    /// Tells what the new position means: caught up, the end, progress at the head.
    async fn milestones(&mut self) -> Step {
        if !self.told_caught_up && self.position >= self.opening_head {
            self.told_caught_up = true;
            self.send(Frame::CaughtUp(wire::CaughtUp {})).await?;
        }
        let reached = match self.request.until {
            Some(Bound::CaughtUp(_)) => self.told_caught_up,
            Some(Bound::Position(bound)) => self.position >= bound,
            Some(Bound::MaxEvents(_)) | None => false,
        };
        let at_head = self.position >= *self.head.borrow();
        let due = self.checkpoint_due().is_none_or(|due| due <= Instant::now());
        match reached {
            true => Err(End::Closing(ClosingReason::UntilReached)),
            false if self.untold && at_head && due => self.send_checkpoint().await,
            false => Ok(()),
        }
    }

    /// Until when there is no further checkpoint at the head.
    fn checkpoint_due(&self) -> Option<Instant> {
        self.last_checkpoint.map(|last| last + CHECKPOINT_INTERVAL)
    }

    /// Waits for a newer head, or until there is something to say without one.
    async fn wait(&mut self) -> Step {
        let heartbeat = self.request.heartbeat.map(|interval| self.last_frame + interval);
        let checkpoint = self.checkpoint_due().filter(|_| self.untold);
        let speak_at = heartbeat.into_iter().chain(checkpoint).min();
        let silence = async {
            match speak_at {
                Some(time) => tokio::time::sleep_until(time).await,
                None => std::future::pending().await,
            }
        };
        tokio::select! {
            () = self.frames.closed() => return Err(End::Gone),
            changed = self.head.changed() => match changed {
                Ok(()) => return Ok(()),
                Err(_) => return Err(End::Closing(ClosingReason::ServerShutdown)),
            },
            () = silence => {}
        }
        match heartbeat.is_some_and(|time| time <= Instant::now()) {
            true => self.send(Frame::Heartbeat(wire::Heartbeat {})).await,
            false => Ok(()),
        }
    }

    async fn send_checkpoint(&mut self) -> Step {
        self.last_checkpoint = Some(Instant::now());
        self.send(Frame::Checkpoint(wire::Checkpoint {})).await
    }

    async fn send_batch(&mut self, batch: &mut Vec<bytes::Bytes>) -> Step {
        match batch.is_empty() {
            true => Ok(()),
            false => self.send(Frame::Events(wire::EventBatch { events: std::mem::take(batch) })).await,
        }
    }

    async fn send(&mut self, frame: Frame) -> Step {
        let response = self.response(frame);
        let room = self.frames.room().await.map_err(|Left| End::Gone)?;
        room.fill(response);
        self.told = (self.position, self.event_id);
        self.untold = false;
        self.last_frame = Instant::now();
        Ok(())
    }

    fn response(&self, frame: Frame) -> SubscribeResponse {
        let place = LogPosition {
            feed_id: self.server.source.feed_id(),
            position: self.position,
            event_id: self.event_id,
        };
        SubscribeResponse {
            cursor: place.to_cursor(),
            position: self.position,
            // A page may hold what is committed and not yet told.
            head_position: self.position.max(*self.head.borrow()),
            server_time: Some(wire_time(self.server.clock.now())),
            frame: Some(frame),
        }
    }
}
