//! The projections of a server: where each stands, and rebuilding one from history.
//!
//! A rebuild applies the feed from its first event to new tables beside the live ones, which serve and follow on
//! meanwhile. When it has reached the live checkpoint, the tables change places in one transaction.

use std::collections::BTreeMap;
use std::sync::Arc;
use std::time::Duration;

use async_trait::async_trait;
use ordermesh_proto::error::{Problem, Violations};
use ordermesh_proto::event_types::FeedEvent;
use ordermesh_proto::feed::v1::projection_service_server::ProjectionService;
use ordermesh_proto::feed::v1::{
    FeedErrorReason, ListProjectionsRequest, ListProjectionsResponse, Projection as WireProjection,
    RebuildProjectionRequest, RebuildProjectionResponse,
};
use sea_orm::DatabaseTransaction;
use tokio::sync::mpsc;
use tokio_stream::wrappers::ReceiverStream;
use tokio_util::sync::CancellationToken;
use tokio_util::task::TaskTracker;
use tonic::{Code, Request, Response, Status};

use crate::consume::{
    ConsumeError, Feed, Progress, Projection, ProjectionError, Projector, load_checkpoint, place_of,
    save_checkpoint,
};
use crate::event::wire_time;
use crate::store::{WriteTransaction, is_transient};
use crate::token::LogPosition;

/// Ends the names of the tables that a rebuild fills.
const REBUILD_SUFFIX: &str = "_rebuild";
/// Progress is told at most this often.
const TELL_EVERY: Duration = Duration::from_millis(200);

type Tell = mpsc::Sender<Result<RebuildProjectionResponse, Status>>;

/// A projection of any type, as the service sees it.
#[async_trait]
pub trait ProjectionControl: Send + Sync {
    /// Name of the projection.
    fn name(&self) -> &'static str;
    /// How far it has come.
    fn progress(&self) -> Progress;
    /// Rebuilds it, telling the progress. Ends early when nobody listens.
    async fn rebuild(&self, tell: Tell);
}

/// The projections that a context runs.
pub type Projections = Vec<Arc<dyn ProjectionControl>>;

#[async_trait]
impl<P: Projection> ProjectionControl for Projector<P> {
    fn name(&self) -> &'static str {
        self.projection.name()
    }

    fn progress(&self) -> Progress {
        self.progress().borrow().clone()
    }

    async fn rebuild(&self, tell: Tell) {
        let result = match self.rebuilding.try_lock() {
            Ok(_running) => self.rebuild_tables(&tell).await.map_err(|error| {
                tracing::error!(
                    projection = self.projection.name(),
                    error = error.detail(),
                    "the rebuild failed"
                );
                rebuild_problem(&error)
            }),
            Err(_) => {
                let message = format!("{} is being rebuilt already", self.projection.name());
                Err(Problem::new(Code::Aborted, FeedErrorReason::RebuildRunning, message))
            }
        };
        if let Err(problem) = result {
            let _ = tell.send(Err(problem.into())).await;
        }
    }
}

fn rebuild_problem(error: &ConsumeError) -> Problem {
    use ordermesh_proto::common::v1::CommonErrorReason;
    match error {
        ConsumeError::Diverged { .. } => {
            Problem::new(Code::FailedPrecondition, FeedErrorReason::FeedDiverged, error.to_string())
        }
        ConsumeError::Feed(_) => {
            Problem::new(Code::Unavailable, CommonErrorReason::ServerUnavailable, error.to_string())
                .retry_after(Duration::from_secs(1))
        }
        ConsumeError::Projection(ProjectionError::Store(error)) if is_transient(error) => Problem::new(
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

impl<P: Projection> Projector<P> {
    async fn rebuild_tables(&self, tell: &Tell) -> Result<(), ConsumeError> {
        let tx = WriteTransaction::begin(&self.writer).await?;
        let created = self.projection.create_tables(&tx, REBUILD_SUFFIX).await;
        tx.end(created).await?;

        let mut feed = Feed::open(&self.open, None).await?;
        let mut position = 0;
        let mut told = tokio::time::Instant::now();
        loop {
            let batch = feed.next_batch::<P::Event>().await?;
            let mut reached = LogPosition { feed_id: batch.feed_id, position, event_id: None };
            if let Some((first, last)) = batch.events.first().zip(batch.events.last()) {
                if first.position() != position + 1 {
                    return Err(ConsumeError::Gap { checkpoint: position, position: first.position() });
                }
                reached = place_of(batch.feed_id, last)?;
                let tx = WriteTransaction::begin(&self.writer).await?;
                let applied = self.projection.apply(&tx, REBUILD_SUFFIX, &batch.events).await;
                tx.end(applied).await?;
                position = reached.position;
            }
            // Without new events the place was tried when it was reached, and the live tables were further.
            let new = position == 0 || reached.event_id.is_some();
            if new && position >= batch.head && self.swap(reached).await? {
                // Nobody may be listening any more; the rebuild is done all the same.
                let _ = tell.send(Ok(frame(position, batch.head, true))).await;
                return Ok(());
            }
            if batch.closed {
                return Err(Status::unavailable("the feed closed during the rebuild").into());
            }
            if told.elapsed() >= TELL_EVERY {
                told = tokio::time::Instant::now();
                if tell.send(Ok(frame(position, batch.head, false))).await.is_err() {
                    return Ok(());
                }
            }
        }
    }

    /// Swaps the tables in, unless the live ones have gone further in the same history meanwhile.
    async fn swap(&self, reached: LogPosition) -> Result<bool, ConsumeError> {
        let live = load_checkpoint(&self.writer, self.projection.name()).await?;
        let ahead = live.filter(|live| live.feed_id == reached.feed_id && live.position > reached.position);
        if let Some(live) = ahead {
            // Ahead of us, or of a history that the log no longer has: only the feed can tell.
            match Feed::open(&self.open, Some(live)).await {
                Ok(_) => return Ok(false),
                Err(error) if error.is_divergence() => {}
                Err(error) => return Err(error),
            }
        }
        let tx = WriteTransaction::begin(&self.writer).await?;
        let swapped = self.swap_in(&tx, live, reached).await;
        let swapped = tx.end(swapped).await?;
        if swapped {
            self.moved_to(reached);
        }
        Ok(swapped)
    }

    async fn swap_in(
        &self,
        tx: &DatabaseTransaction,
        live: Option<LogPosition>,
        reached: LogPosition,
    ) -> Result<bool, ConsumeError> {
        let name = self.projection.name();
        let now = load_checkpoint(tx, name).await?;
        let moved_past = now != live && now.is_some_and(|now| now.position > reached.position);
        if moved_past {
            return Ok(false);
        }
        self.projection.swap_tables(tx, REBUILD_SUFFIX).await?;
        save_checkpoint(tx, name, reached).await?;
        Ok(true)
    }
}

fn frame(position: i64, head_position: i64, done: bool) -> RebuildProjectionResponse {
    RebuildProjectionResponse { position, head_position: head_position.max(position), done }
}

/// `ordermesh.feed.v1.ProjectionService` over the projections of this server.
pub struct ProjectionServer {
    projections: BTreeMap<&'static str, Arc<dyn ProjectionControl>>,
    shutdown: CancellationToken,
    tasks: TaskTracker,
}

impl ProjectionServer {
    /// Serves `projections`; rebuilds run on `tasks` and end with `shutdown`.
    pub fn new(
        projections: impl IntoIterator<Item = Arc<dyn ProjectionControl>>,
        shutdown: CancellationToken,
        tasks: TaskTracker,
    ) -> Self {
        let projections = projections.into_iter().map(|projection| (projection.name(), projection)).collect();
        Self { projections, shutdown, tasks }
    }
}

#[tonic::async_trait]
impl ProjectionService for ProjectionServer {
    async fn list_projections(
        &self,
        _: Request<ListProjectionsRequest>,
    ) -> Result<Response<ListProjectionsResponse>, Status> {
        let projections = self
            .projections
            .values()
            .map(|projection| {
                let progress = projection.progress();
                WireProjection {
                    name: projection.name().to_owned(),
                    feed_id: progress.place.map_or_else(String::new, |place| place.feed_id.to_string()),
                    position: progress.place.map_or(0, |place| place.position),
                    head_position: progress.head,
                    last_contact_time: progress.contact.map(wire_time),
                    error: progress.error.unwrap_or_default(),
                }
            })
            .collect();
        Ok(Response::new(ListProjectionsResponse { projections }))
    }

    type RebuildProjectionStream = ReceiverStream<Result<RebuildProjectionResponse, Status>>;

    async fn rebuild_projection(
        &self,
        request: Request<RebuildProjectionRequest>,
    ) -> Result<Response<Self::RebuildProjectionStream>, Status> {
        let name = request.into_inner().name;
        if name.is_empty() || name.len() > 100 {
            let mut violations = Violations::default();
            violations.add("name", "must have 1 to 100 characters");
            violations.into_problem()?;
        }
        let Some(projection) = self.projections.get(name.as_str()).cloned() else {
            let known: Vec<_> = self.projections.keys().copied().collect();
            let message = format!("there is no projection {name:?} here; there are: {}", known.join(", "));
            return Err(Problem::new(Code::NotFound, FeedErrorReason::ProjectionNotFound, message)
                .field("name", "must be the name of a projection of this server")
                .with("known_projections", known.join(", "))
                .into());
        };
        let (tell, told) = mpsc::channel(4);
        let shutdown = self.shutdown.clone();
        self.tasks.spawn(async move {
            tokio::select! {
                () = shutdown.cancelled() => {}
                () = tell.closed() => tracing::info!(projection = projection.name(), "the rebuild was called off"),
                () = projection.rebuild(tell.clone()) => {}
            }
        });
        Ok(Response::new(ReceiverStream::new(told)))
    }
}
