//! One open stream: from its start through the log to the head, then along with it.
//!
//! The subscription's pace is its own: it reads the next page only when the last frame has gone into the stream's
//! small channel. So a slow subscriber holds a page, about as much in frames, and nobody else up.

use std::sync::Arc;
use std::time::Duration;

use ordermesh_kernel::EventId;
use ordermesh_proto::feed::v1::subscribe_response::Frame;
use ordermesh_proto::feed::v1::until::Bound;
use ordermesh_proto::feed::v1::{self as wire, ClosingReason, SubscribeResponse};
use sea_orm::DbErr;
use tokio::sync::{mpsc, watch};
use tonic::Status;

use super::request::Subscribe;
use super::{FeedServer, page_problem};
use crate::event::{WireEvent, wire_time};
use crate::log::PageError;
use crate::token::LogPosition;

/// Events read at once; more than a frame's, since a filter may leave most of them out.
const PAGE: usize = 1000;
type Frames = mpsc::Sender<Result<SubscribeResponse, Status>>;

pub(super) struct Subscription {
    server: FeedServer,
    request: Subscribe,
    frames: Frames,
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
        frames: Frames,
    ) -> Result<Self, DbErr> {
        let head = server.source.head();
        let opening_head = *head.borrow();
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
        })
    }

    pub async fn run(mut self) {
        let shutdown = self.server.shutdown.clone();
        let end = tokio::select! {
            biased;
            () = shutdown.cancelled() => {
                // A frame that was on its way did not go out.
                (self.position, self.event_id) = self.told;
                End::Closing(ClosingReason::ServerShutdown)
            }
            end = self.serve() => end,
        };
        // The subscriber may have left meanwhile: then there is nobody to tell.
        match end {
            End::Gone => {}
            End::Closing(reason) => {
                let closing = Frame::Closing(wire::Closing { reason: reason.into() });
                let _ = self.send(closing).await;
            }
            End::Failed(error) => {
                let _ = self.frames.send(Err(page_problem(&error).into())).await;
            }
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
        let behind = self.position < *self.head.borrow_and_update();
        match behind {
            true => self.read_page().await?,
            false if self.told_caught_up => self.wait().await?,
            false => {}
        }
        self.milestones().await
    }

    /// Sends what passes of the next page.
    async fn read_page(&mut self) -> Step {
        let page = self.server.source.page(self.position, PAGE).await.map_err(End::Failed)?;
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
            true if self.position - self.told.0 >= PAGE as i64 => {
                self.send(Frame::Checkpoint(wire::Checkpoint {})).await
            }
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
        match reached {
            true => Err(End::Closing(ClosingReason::UntilReached)),
            false if self.untold && at_head => self.send(Frame::Checkpoint(wire::Checkpoint {})).await,
            false => Ok(()),
        }
    }

    /// Waits for a newer head, with heartbeats in between where they are wanted.
    async fn wait(&mut self) -> Step {
        let silence = self.request.heartbeat.unwrap_or(Duration::MAX);
        let heartbeat = tokio::select! {
            () = self.frames.closed() => return Err(End::Gone),
            changed = self.head.changed() => match changed {
                Ok(()) => false,
                Err(_) => return Err(End::Closing(ClosingReason::ServerShutdown)),
            },
            () = tokio::time::sleep(silence) => true,
        };
        match heartbeat {
            true => self.send(Frame::Heartbeat(wire::Heartbeat {})).await,
            false => Ok(()),
        }
    }

    async fn send_batch(&mut self, batch: &mut Vec<bytes::Bytes>) -> Step {
        match batch.is_empty() {
            true => Ok(()),
            false => self.send(Frame::Events(wire::EventBatch { events: std::mem::take(batch) })).await,
        }
    }

    async fn send(&mut self, frame: Frame) -> Step {
        let place = LogPosition {
            feed_id: self.server.source.feed_id(),
            position: self.position,
            event_id: self.event_id,
        };
        let response = SubscribeResponse {
            cursor: place.to_cursor(),
            position: self.position,
            // A page may hold what is committed and not yet told.
            head_position: self.position.max(*self.head.borrow()),
            server_time: Some(wire_time(self.server.clock.now())),
            frame: Some(frame),
        };
        self.frames.send(Ok(response)).await.map_err(|_| End::Gone)?;
        self.told = (self.position, self.event_id);
        self.untold = false;
        Ok(())
    }
}
