//! The tonic service of the order read server: wire to query and back, nothing else.

mod problem;
mod request;
mod response;

use std::pin::Pin;
use std::sync::Arc;

use futures_util::{Stream, StreamExt};
use ordermesh_proto::order::v1 as wire;
use ordermesh_proto::order::v1::order_query_service_server::OrderQueryService;
use ordermesh_service::Database;
use tonic::{Request, Response, Status};

use crate::query::ReadModel;

/// `ordermesh.order.v1.OrderQueryService`.
pub struct QueryService {
    model: Arc<ReadModel>,
    /// Open, and locked against other processes, as long as the service lives.
    _database: Database,
}

impl QueryService {
    /// Serves queries from `model`, which reads `database`.
    pub fn new(model: ReadModel, database: Database) -> Self {
        Self { model: Arc::new(model), _database: database }
    }
}

#[tonic::async_trait]
impl OrderQueryService for QueryService {
    async fn get_order(
        &self,
        request: Request<wire::GetOrderRequest>,
    ) -> Result<Response<wire::GetOrderResponse>, Status> {
        let query = request::get_order(request)?;
        let answer = query.run(&self.model).await.map_err(problem::of)?;
        Ok(Response::new(response::order(answer)))
    }

    async fn batch_get_orders(
        &self,
        request: Request<wire::BatchGetOrdersRequest>,
    ) -> Result<Response<wire::BatchGetOrdersResponse>, Status> {
        let query = request::batch_get_orders(request)?;
        let answer = query.run(&self.model).await.map_err(problem::of)?;
        Ok(Response::new(response::orders_by_id(answer)))
    }

    async fn list_orders(
        &self,
        request: Request<wire::ListOrdersRequest>,
    ) -> Result<Response<wire::ListOrdersResponse>, Status> {
        let query = request::list_orders(request)?;
        let answer = query.run(&self.model).await.map_err(problem::of)?;
        Ok(Response::new(response::orders(answer)))
    }

    async fn list_customer_orders(
        &self,
        request: Request<wire::ListCustomerOrdersRequest>,
    ) -> Result<Response<wire::ListCustomerOrdersResponse>, Status> {
        let query = request::list_customer_orders(request)?;
        let answer = query.run(&self.model).await.map_err(problem::of)?;
        Ok(Response::new(response::customer_orders(answer)))
    }

    async fn get_order_timeline(
        &self,
        request: Request<wire::GetOrderTimelineRequest>,
    ) -> Result<Response<wire::GetOrderTimelineResponse>, Status> {
        let query = request::get_order_timeline(request)?;
        let answer = query.run(&self.model).await.map_err(problem::of)?;
        Ok(Response::new(response::timeline(answer)?))
    }

    type WatchOrderStream = Pin<Box<dyn Stream<Item = Result<wire::WatchOrderResponse, Status>> + Send>>;

    async fn watch_order(
        &self,
        request: Request<wire::WatchOrderRequest>,
    ) -> Result<Response<Self::WatchOrderStream>, Status> {
        let query = request::watch_order(request)?;
        let sights = query.run(self.model.clone()).await.map_err(problem::of)?;
        let frames = sights.map(|sight| sight.map(response::sight).map_err(problem::of));
        Ok(Response::new(Box::pin(frames)))
    }
}
