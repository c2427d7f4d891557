//! What the baseline servers share: tonic with the transport settings of our own servers, so that a comparison is of
//! what stands behind them, and the methods that no benchmark calls.

use std::io::Write;

use ordermesh_proto::order::v1::order_command_service_server::{
    OrderCommandService, OrderCommandServiceServer,
};
use ordermesh_proto::order::v1::order_query_service_server::{OrderQueryService, OrderQueryServiceServer};
use ordermesh_proto::order::v1::{
    self as order, BatchGetOrdersRequest, BatchGetOrdersResponse, GetOrderRequest, GetOrderResponse,
    GetOrderTimelineRequest, GetOrderTimelineResponse, ListCustomerOrdersRequest, ListCustomerOrdersResponse,
    ListOrdersRequest, ListOrdersResponse, PlaceOrderRequest, PlaceOrderResponse, WatchOrderRequest,
    WatchOrderResponse,
};
use tokio::net::TcpListener;
use tokio::signal::unix::{SignalKind, signal};
use tokio_stream::wrappers::TcpListenerStream;
use tokio_stream::{Empty, StreamExt};
use tonic::transport::Server;
use tonic::{Request, Response, Status};

use super::BenchError;

/// What a baseline answers.
#[tonic::async_trait]
pub(super) trait Answers: Clone + Send + Sync + 'static {
    /// To an order that is placed.
    async fn place(&self, request: PlaceOrderRequest) -> Result<PlaceOrderResponse, Status>;
    /// To an order that is read.
    async fn get(&self, request: GetOrderRequest) -> Result<GetOrderResponse, Status>;
}

/// Serves until SIGTERM or SIGINT. Says on standard error that it is ready, as our servers do.
pub(super) async fn serve(listen: &str, answers: impl Answers) -> Result<(), BenchError> {
    let failed = |error| BenchError::Io { what: listen.to_owned(), error };
    let listener = TcpListener::bind(listen).await.map_err(failed)?;
    let address = listener.local_addr().map_err(failed)?;
    let mut terminate = signal(SignalKind::terminate()).map_err(failed)?;
    let mut interrupt = signal(SignalKind::interrupt()).map_err(failed)?;
    let incoming = TcpListenerStream::new(listener).map(|socket| {
        if let Ok(socket) = &socket {
            // A socket that is closed already refuses; its connection ends by itself.
            drop(socket.set_nodelay(true));
        }
        socket
    });
    let ready = serde_json::json!({"level": "INFO", "message": "ready", "listen": address.to_string()});
    writeln!(std::io::stderr(), "{ready}").map_err(failed)?;
    let end = async move {
        tokio::select! {
            _ = terminate.recv() => {}
            _ = interrupt.recv() => {}
        }
    };
    let mut routes = tonic::service::RoutesBuilder::default();
    routes
        .add_service(OrderCommandServiceServer::new(Baseline(answers.clone())))
        .add_service(OrderQueryServiceServer::new(Baseline(answers)));
    Server::builder()
        .max_concurrent_streams(Some(4096))
        .initial_stream_window_size(1 << 20)
        .initial_connection_window_size(4 << 20)
        .add_routes(routes.routes())
        .serve_with_incoming_shutdown(incoming, end)
        .await
        .map_err(|error| BenchError::Other(error.to_string()))
}

/// The services of a baseline.
struct Baseline<A>(A);

pub(super) fn no_part() -> Status {
    Status::unimplemented("no part of the benchmark")
}

#[tonic::async_trait]
impl<A: Answers> OrderCommandService for Baseline<A> {
    async fn place_order(
        &self,
        request: Request<PlaceOrderRequest>,
    ) -> Result<Response<PlaceOrderResponse>, Status> {
        self.0.place(request.into_inner()).await.map(Response::new)
    }

    async fn cancel_order(
        &self,
        _: Request<order::CancelOrderRequest>,
    ) -> Result<Response<order::CancelOrderResponse>, Status> {
        Err(no_part())
    }

    async fn cancel_order_lines(
        &self,
        _: Request<order::CancelOrderLinesRequest>,
    ) -> Result<Response<order::CancelOrderLinesResponse>, Status> {
        Err(no_part())
    }

    async fn hold_order(
        &self,
        _: Request<order::HoldOrderRequest>,
    ) -> Result<Response<order::HoldOrderResponse>, Status> {
        Err(no_part())
    }

    async fn release_order_hold(
        &self,
        _: Request<order::ReleaseOrderHoldRequest>,
    ) -> Result<Response<order::ReleaseOrderHoldResponse>, Status> {
        Err(no_part())
    }

    async fn retry_payment(
        &self,
        _: Request<order::RetryPaymentRequest>,
    ) -> Result<Response<order::RetryPaymentResponse>, Status> {
        Err(no_part())
    }

    async fn dispatch_shipment(
        &self,
        _: Request<order::DispatchShipmentRequest>,
    ) -> Result<Response<order::DispatchShipmentResponse>, Status> {
        Err(no_part())
    }

    async fn confirm_shipment_delivery(
        &self,
        _: Request<order::ConfirmShipmentDeliveryRequest>,
    ) -> Result<Response<order::ConfirmShipmentDeliveryResponse>, Status> {
        Err(no_part())
    }

    async fn report_shipment_loss(
        &self,
        _: Request<order::ReportShipmentLossRequest>,
    ) -> Result<Response<order::ReportShipmentLossResponse>, Status> {
        Err(no_part())
    }

    async fn request_return(
        &self,
        _: Request<order::RequestReturnRequest>,
    ) -> Result<Response<order::RequestReturnResponse>, Status> {
        Err(no_part())
    }

    async fn approve_return(
        &self,
        _: Request<order::ApproveReturnRequest>,
    ) -> Result<Response<order::ApproveReturnResponse>, Status> {
        Err(no_part())
    }

    async fn reject_return(
        &self,
        _: Request<order::RejectReturnRequest>,
    ) -> Result<Response<order::RejectReturnResponse>, Status> {
        Err(no_part())
    }

    async fn receive_return(
        &self,
        _: Request<order::ReceiveReturnRequest>,
    ) -> Result<Response<order::ReceiveReturnResponse>, Status> {
        Err(no_part())
    }

    async fn add_order_note(
        &self,
        _: Request<order::AddOrderNoteRequest>,
    ) -> Result<Response<order::AddOrderNoteResponse>, Status> {
        Err(no_part())
    }
}

#[tonic::async_trait]
impl<A: Answers> OrderQueryService for Baseline<A> {
    type WatchOrderStream = Empty<Result<WatchOrderResponse, Status>>;

    async fn get_order(
        &self,
        request: Request<GetOrderRequest>,
    ) -> Result<Response<GetOrderResponse>, Status> {
        self.0.get(request.into_inner()).await.map(Response::new)
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
