//! The tonic services of the order write server: wire to domain and back, nothing else.

mod problem;
mod request;

use std::time::Duration;

use ordermesh_feed::commit::{CommandIdentity, Committer};
use ordermesh_feed::event_service;
use ordermesh_proto::order::v1::order_command_service_server::OrderCommandService;
use ordermesh_proto::order::v1::order_event_service_server::OrderEventService;
use ordermesh_proto::order::v1::{self as wire, PlaceOrderRequest, PlaceOrderResponse};
use ordermesh_service::Caller;
use prost::Message;
use tonic::{Request, Response, Status};

use crate::codec::{self, ChangeResponse};
use crate::domain::Actor;
use crate::store::OrdersUnit;
pub(crate) use problem::problem;
use request::ChangeRequest;

/// `ordermesh.order.v1.OrderCommandService`.
pub struct CommandService {
    committer: Committer<OrdersUnit>,
    payment_window: Duration,
}

impl CommandService {
    /// Serves commands through `committer`. What an order owes must be paid within `payment_window`.
    pub fn new(committer: Committer<OrdersUnit>, payment_window: Duration) -> Self {
        Self { committer, payment_window }
    }

    /// Carries out a command on an order that exists.
    async fn change<R: ChangeRequest>(&self, request: Request<R>) -> Result<Response<R::Response>, Status> {
        let caller = Caller::of(&request);
        let wire = request.into_inner();
        let encoded = wire.encode_to_vec();
        let (request_id, command) = wire.command(actor(&caller))?;
        let identity = CommandIdentity::of_request(R::METHOD, caller.into_parts(), request_id, &encoded);
        let committed = self.committer.execute(identity, command).await.map_err(problem::of)?;
        Ok(Response::new(R::Response::of(&committed)))
    }
}

#[tonic::async_trait]
impl OrderCommandService for CommandService {
    async fn place_order(
        &self,
        request: Request<PlaceOrderRequest>,
    ) -> Result<Response<PlaceOrderResponse>, Status> {
        let caller = Caller::of(&request);
        let mut wire = request.into_inner();
        request::normalize(&mut wire);
        let encoded = wire.encode_to_vec();
        let (request_id, command) = request::place_order(wire, actor(&caller), self.payment_window)?;
        let method = "ordermesh.order.v1.OrderCommandService/PlaceOrder";
        let identity = CommandIdentity::of_request(method, caller.into_parts(), request_id, &encoded);
        let committed = self.committer.execute(identity, command).await.map_err(problem::of)?;
        Ok(Response::new(PlaceOrderResponse {
            consistency_token: committed.token.encode(),
            replayed: committed.replayed,
            ..codec::place_order_response(&committed.answer)
        }))
    }

    async fn cancel_order(
        &self,
        request: Request<wire::CancelOrderRequest>,
    ) -> Result<Response<wire::CancelOrderResponse>, Status> {
        self.change(request).await
    }

    async fn cancel_order_lines(
        &self,
        request: Request<wire::CancelOrderLinesRequest>,
    ) -> Result<Response<wire::CancelOrderLinesResponse>, Status> {
        self.change(request).await
    }

    async fn hold_order(
        &self,
        request: Request<wire::HoldOrderRequest>,
    ) -> Result<Response<wire::HoldOrderResponse>, Status> {
        self.change(request).await
    }

    async fn release_order_hold(
        &self,
        request: Request<wire::ReleaseOrderHoldRequest>,
    ) -> Result<Response<wire::ReleaseOrderHoldResponse>, Status> {
        self.change(request).await
    }

    async fn retry_payment(
        &self,
        request: Request<wire::RetryPaymentRequest>,
    ) -> Result<Response<wire::RetryPaymentResponse>, Status> {
        self.change(request).await
    }

    async fn dispatch_shipment(
        &self,
        request: Request<wire::DispatchShipmentRequest>,
    ) -> Result<Response<wire::DispatchShipmentResponse>, Status> {
        self.change(request).await
    }

    async fn confirm_shipment_delivery(
        &self,
        request: Request<wire::ConfirmShipmentDeliveryRequest>,
    ) -> Result<Response<wire::ConfirmShipmentDeliveryResponse>, Status> {
        self.change(request).await
    }

    async fn report_shipment_loss(
        &self,
        request: Request<wire::ReportShipmentLossRequest>,
    ) -> Result<Response<wire::ReportShipmentLossResponse>, Status> {
        self.change(request).await
    }

    async fn request_return(
        &self,
        request: Request<wire::RequestReturnRequest>,
    ) -> Result<Response<wire::RequestReturnResponse>, Status> {
        self.change(request).await
    }

    async fn approve_return(
        &self,
        request: Request<wire::ApproveReturnRequest>,
    ) -> Result<Response<wire::ApproveReturnResponse>, Status> {
        self.change(request).await
    }

    async fn reject_return(
        &self,
        request: Request<wire::RejectReturnRequest>,
    ) -> Result<Response<wire::RejectReturnResponse>, Status> {
        self.change(request).await
    }

    async fn receive_return(
        &self,
        request: Request<wire::ReceiveReturnRequest>,
    ) -> Result<Response<wire::ReceiveReturnResponse>, Status> {
        self.change(request).await
    }

    async fn add_order_note(
        &self,
        request: Request<wire::AddOrderNoteRequest>,
    ) -> Result<Response<wire::AddOrderNoteResponse>, Status> {
        self.change(request).await
    }
}

fn actor(caller: &Caller) -> Actor {
    Actor::Workload(caller.principal.clone())
}

event_service!(EventService, OrderEventService, SubscribeOrderEventsStream, subscribe_order_events);
