//! The bare echo: a server that decodes the same requests and sends answers of the same size, and does nothing else.
//! What it reaches is what gRPC leaves for a server to do on this machine.

use std::path::PathBuf;

use clap::Args;
use ordermesh_proto::order::v1::order_command_service_server::{
    OrderCommandService, OrderCommandServiceServer,
};
use ordermesh_proto::order::v1::order_query_service_server::{OrderQueryService, OrderQueryServiceServer};
use ordermesh_proto::order::v1::{
    BatchGetOrdersRequest, BatchGetOrdersResponse, CancelOrderRequest, CancelOrderResponse, GetOrderRequest,
    GetOrderResponse, GetOrderTimelineRequest, GetOrderTimelineResponse, ListCustomerOrdersRequest,
    ListCustomerOrdersResponse, ListOrdersRequest, ListOrdersResponse, PlaceOrderRequest, PlaceOrderResponse,
    WatchOrderRequest, WatchOrderResponse,
};
use prost::Message;
use tokio_stream::Empty;
use tonic::{Request, Response, Status};

use super::{BenchError, baseline};

/// What the echo answers.
#[derive(Debug, Args)]
pub(crate) struct EchoArgs {
    /// File with the encoded answer to every PlaceOrder.
    #[arg(long)]
    place: Option<PathBuf>,
    /// File with the encoded answer to every GetOrder.
    #[arg(long)]
    get: Option<PathBuf>,
    /// Address and port to listen on.
    #[arg(long)]
    listen: String,
}

#[derive(Clone, Default)]
struct Echo {
    place: PlaceOrderResponse,
    get: GetOrderResponse,
}

/// Serves until SIGTERM.
pub(super) async fn serve(args: EchoArgs) -> Result<(), BenchError> {
    let echo = Echo { place: answer(args.place)?, get: answer(args.get)? };
    let mut routes = tonic::service::RoutesBuilder::default();
    routes
        .add_service(OrderCommandServiceServer::new(echo.clone()))
        .add_service(OrderQueryServiceServer::new(echo));
    baseline::serve(&args.listen, routes.routes()).await
}

fn answer<M: Message + Default>(file: Option<PathBuf>) -> Result<M, BenchError> {
    let Some(file) = file else { return Ok(M::default()) };
    let failed = |error| BenchError::Io { what: file.display().to_string(), error };
    let bytes = std::fs::read(&file).map_err(failed)?;
    M::decode(&*bytes).map_err(|error| BenchError::Other(format!("{}: {error}", file.display())))
}

fn no_part() -> Status {
    Status::unimplemented("no part of the benchmark")
}

#[tonic::async_trait]
impl OrderCommandService for Echo {
    async fn place_order(
        &self,
        _: Request<PlaceOrderRequest>,
    ) -> Result<Response<PlaceOrderResponse>, Status> {
        Ok(Response::new(self.place.clone()))
    }

    async fn cancel_order(
        &self,
        _: Request<CancelOrderRequest>,
    ) -> Result<Response<CancelOrderResponse>, Status> {
        Err(no_part())
    }
}

#[tonic::async_trait]
impl OrderQueryService for Echo {
    type WatchOrderStream = Empty<Result<WatchOrderResponse, Status>>;

    async fn get_order(&self, _: Request<GetOrderRequest>) -> Result<Response<GetOrderResponse>, Status> {
        Ok(Response::new(self.get.clone()))
    }

    async fn batch_get_orders(
        &self,
        _: Request<BatchGetOrdersRequest>,
    ) -> Result<Response<BatchGetOrdersResponse>, Status> {
        Err(no_part())
    }

    async fn list_orders(
        &self,
        _: Request<ListOrdersRequest>,
    ) -> Result<Response<ListOrdersResponse>, Status> {
        Err(no_part())
    }

    async fn list_customer_orders(
        &self,
        _: Request<ListCustomerOrdersRequest>,
    ) -> Result<Response<ListCustomerOrdersResponse>, Status> {
        Err(no_part())
    }

    async fn get_order_timeline(
        &self,
        _: Request<GetOrderTimelineRequest>,
    ) -> Result<Response<GetOrderTimelineResponse>, Status> {
        Err(no_part())
    }

    async fn watch_order(
        &self,
        _: Request<WatchOrderRequest>,
    ) -> Result<Response<Self::WatchOrderStream>, Status> {
        Err(no_part())
    }
}
