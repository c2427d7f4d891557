//! A context's event service: Subscribe…Events and GetFeed over a [`FeedSource`].
//!
//! The contexts' own request and response messages have the shape of `ordermesh.feed.v1`, so this one server
//! stands behind every typed event service; a context's grpc.rs only names it, by [`event_service!`](crate::event_service).

mod frames;
mod read_ahead;
mod request;
mod service;
mod subscription;

use std::sync::Arc;
use std::time::Duration;

use ordermesh_kernel::Clock;
use ordermesh_proto::common::v1::CommonErrorReason;
use ordermesh_proto::error::Problem;
use ordermesh_proto::feed::v1::{ClosingReason, FeedErrorReason, GetFeedResponse, SubscribeRequest};
use sea_orm::DbErr;
use tokio_util::sync::CancellationToken;
use tokio_util::task::TaskTracker;
use tonic::Code;
use uuid::Uuid;

use crate::event::wire_time;
use crate::group::{self, Groups};
use crate::log::{FeedSource, PageError};
use crate::token::LogPosition;
pub use frames::Frames;
pub(crate) use frames::{Left, Sink};
pub(crate) use request::{Filter, Start, Subscribe, diverged, parse, resolve_start, same_log};
use subscription::Subscription;

/// Serves one feed.
#[derive(Clone)]
pub struct FeedServer {
    pub(crate) source: Arc<dyn FeedSource>,
    pub(crate) groups: Groups,
    pub(crate) clock: Arc<dyn Clock>,
    pub(crate) shutdown: CancellationToken,
    pub(crate) tasks: TaskTracker,
    pub(crate) max_age: Option<Duration>,
}

impl FeedServer {
    /// A server of `source` and of the groups that share it. Its streams say `closing` when `shutdown` fires, and run on `tasks`.
    pub fn new(
        source: Arc<dyn FeedSource>,
        groups: Groups,
        clock: Arc<dyn Clock>,
        shutdown: CancellationToken,
        tasks: TaskTracker,
    ) -> Self {
        Self { source, groups, clock, shutdown, tasks, max_age: None }
    }

    /// The same, but that its streams say `closing` after about so long.
    pub fn with_max_age(self, max_age: Option<Duration>) -> Self {
        Self { max_age, ..self }
    }

    /// Why this server ends a stream that is opened now; returns when it does.
    pub(crate) async fn closing(&self) -> ClosingReason {
        let aged = async {
            match self.max_age {
                // Up to a tenth less, so that streams opened at the same moment do not all come back at another one.
                Some(age) => {
                    tokio::time::sleep(age - age / 10 * (Uuid::now_v7().as_bytes()[15] as u32) / 256).await
                }
                None => std::future::pending().await,
            }
        };
        tokio::select! {
            biased;
            () = self.shutdown.cancelled() => ClosingReason::ServerShutdown,
            () = aged => ClosingReason::MaxAge,
        }
    }

    /// Opens a subscription: refusals come at once, everything later is in the stream.
    pub async fn subscribe(&self, request: SubscribeRequest) -> Result<Frames, Problem> {
        let wire = request.group.is_some().then(|| request.clone());
        let request = parse(request, self.source.schema())?;
        let (frames, stream) = Sink::open();
        if let Some((wire, group)) = wire.as_ref().and_then(|wire| Some((wire, wire.group.as_ref()?))) {
            group::subscribe(self, wire, group, request, frames).await?;
            return Ok(stream);
        }
        let start = resolve_start(&request.start, self.source.as_ref()).await?;
        let subscription =
            Subscription::new(self, request, start, frames).await.map_err(|e| store_problem(&e))?;
        self.tasks.spawn(subscription.run());
        Ok(stream)
    }

    /// What the feed is and where it stands.
    pub async fn get_feed(&self) -> Result<GetFeedResponse, Problem> {
        self.describe().await.map_err(|error| store_problem(&error))
    }

    async fn describe(&self) -> Result<GetFeedResponse, DbErr> {
        let schema = self.source.schema();
        let head = self.source.stored_head().await?;
        let event_id = match head {
            0 => None,
            head => self.source.event_id_at(head).await?,
        };
        let place = LogPosition { feed_id: self.source.feed_id(), position: head, event_id };
        Ok(GetFeedResponse {
            feed_id: place.feed_id.to_string(),
            head_position: head,
            earliest_position: self.source.earliest().await?.unwrap_or_default(),
            head_time: self.source.head_time().await?.map(wire_time),
            key_description: schema.key_description.to_owned(),
            event_types: schema.events.iter().map(|event| event.name.to_owned()).collect(),
            head_cursor: place.to_cursor(),
        })
    }
}

/// A page cannot be had: OUT_OF_RANGE when a truncation took it, else as [`store_problem`].
pub(crate) fn page_problem(error: &PageError) -> Problem {
    match error {
        PageError::Truncated { position, earliest } => truncated(*position, *earliest),
        PageError::Store(error) => store_problem(error),
    }
}

/// What followed `position` is no longer in the log, which starts at `earliest`.
fn truncated(position: i64, earliest: i64) -> Problem {
    let message = PageError::Truncated { position, earliest }.to_string();
    Problem::new(Code::OutOfRange, FeedErrorReason::PositionTruncated, message)
        .with("earliest_position", earliest)
}

/// The log cannot be read: UNAVAILABLE when it may come back, INTERNAL otherwise; the details stay in our log.
pub(crate) fn store_problem(error: &DbErr) -> Problem {
    match crate::store::is_transient(error) {
        true => {
            Problem::new(Code::Unavailable, CommonErrorReason::StoreUnavailable, "the log cannot be read now")
                .retry_after(Duration::from_millis(500))
        }
        false => {
            tracing::error!(%error, "the log could not be read");
            Problem::new(Code::Internal, CommonErrorReason::Internal, "the log could not be read")
        }
    }
}
