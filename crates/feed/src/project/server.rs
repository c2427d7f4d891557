//! `ordermesh.feed.v1.ProjectionService` over the projections of a server.

use std::collections::BTreeMap;
use std::sync::Arc;

use ordermesh_proto::error::{Problem, Violations};
use ordermesh_proto::feed::v1::projection_service_server::ProjectionService;
use ordermesh_proto::feed::v1::{
    FeedErrorReason, ListProjectionsRequest, ListProjectionsResponse, Projection as WireProjection,
    RebuildProjectionRequest, RebuildProjectionResponse,
};
use tokio::sync::mpsc;
use tokio_stream::wrappers::ReceiverStream;
use tokio_util::sync::CancellationToken;
use tokio_util::task::TaskTracker;
use tonic::{Code, Request, Response, Status};

use super::ProjectionControl;
use crate::event::wire_time;

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
