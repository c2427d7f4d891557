//! The tonic services of the order write server: wire to domain and back, nothing else.

mod problem;
mod request;

use ordermesh_feed::commit::{CommandIdentity, Committer};
use ordermesh_feed::event_service;
use ordermesh_proto::order::v1::order_command_service_server::OrderCommandService;
use ordermesh_proto::order::v1::order_event_service_server::OrderEventService;
use ordermesh_proto::order::v1::{
    CancelOrderRequest, CancelOrderResponse, PlaceOrderRequest, PlaceOrderResponse,
};
use ordermesh_service::Caller;
use prost::Message;
use tonic::{Request, Response, Status};

use crate::codec;
use crate::domain::Actor;
use crate::store::OrdersUnit;

/// `ordermesh.order.v1.OrderCommandService`.
pub struct CommandService {
    committer: Committer<OrdersUnit>,
}

impl CommandService {
    /// Serves commands through `committer`.
    pub fn new(committer: Committer<OrdersUnit>) -> Self {
        Self { committer }
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
        let (request_id, command) = request::place_order(wire, actor(&caller))?;
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
        request: Request<CancelOrderRequest>,
    ) -> Result<Response<CancelOrderResponse>, Status> {
        let caller = Caller::of(&request);
        let wire = request.into_inner();
        let encoded = wire.encode_to_vec();
        let (request_id, command) = request::cancel_order(wire, actor(&caller))?;
        let method = "ordermesh.order.v1.OrderCommandService/CancelOrder";
        let identity = CommandIdentity::of_request(method, caller.into_parts(), request_id, &encoded);
        let committed = self.committer.execute(identity, command).await.map_err(problem::of)?;
        Ok(Response::new(CancelOrderResponse {
            consistency_token: committed.token.encode(),
            replayed: committed.replayed,
            ..codec::cancel_order_response(&committed.answer)
        }))
    }
}

fn actor(caller: &Caller) -> Actor {
    Actor::Workload(caller.principal.clone())
}

event_service!(EventService, OrderEventService, SubscribeOrderEventsStream, subscribe_order_events);
