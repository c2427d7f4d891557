//! `ordermesh.inventory.v1.InventoryCommandService`.

use ordermesh_feed::commit::{Command, CommandIdentity, CommitError, Committed, Committer};
use ordermesh_kernel::RequestId;
use ordermesh_proto::error::Problem;
use ordermesh_proto::inventory::v1 as wire;
use ordermesh_proto::inventory::v1::inventory_command_service_server::InventoryCommandService;
use ordermesh_service::Caller;
use prost::Message;
use tonic::{Request, Response, Status};

use super::{problem, request};
use crate::codec;
use crate::command::adjust_stock;
use crate::domain::{Actor, Refusal};
use crate::store::StockUnit;

/// Serves commands.
pub struct CommandService {
    committer: Committer<StockUnit>,
}

/// A command, with the identity under which it is carried out.
type Asked<C> = (CommandIdentity, C);

impl CommandService {
    /// Serves commands through `committer`.
    pub fn new(committer: Committer<StockUnit>) -> Self {
        Self { committer }
    }

    async fn execute<C: Command<StockUnit, Refusal = Refusal>>(
        &self,
        (identity, command): Asked<C>,
    ) -> Result<Committed<C::Answer>, Status> {
        self.committer.execute(identity, command).await.map_err(problem::of)
    }
}

/// What a request asks for.
fn asked<R: Message, C>(
    method: &'static str,
    request: Request<R>,
    parse: impl FnOnce(R, Actor) -> Result<(RequestId, C), Problem>,
) -> Result<Asked<C>, Status> {
    let caller = Caller::of(&request);
    let wire = request.into_inner();
    let encoded = wire.encode_to_vec();
    let (request_id, command) = parse(wire, Actor::workload(&caller.principal))?;
    Ok((CommandIdentity::of_request(method, caller.into_parts(), request_id, &encoded), command))
}

/// The name of a method, as idempotency keys have it.
macro_rules! method {
    ($name:literal) => {
        concat!("ordermesh.inventory.v1.InventoryCommandService/", $name)
    };
}

#[tonic::async_trait]
impl InventoryCommandService for CommandService {
    async fn receive_stock(
        &self,
        request: Request<wire::ReceiveStockRequest>,
    ) -> Result<Response<wire::ReceiveStockResponse>, Status> {
        let asked = asked(method!("ReceiveStock"), request, request::receive_stock)?;
        let committed = self.execute(asked).await?;
        Ok(Response::new(wire::ReceiveStockResponse {
            consistency_token: committed.token.encode(),
            replayed: committed.replayed,
            ..codec::item_changed(&committed.answer)
        }))
    }

    async fn adjust_stock(
        &self,
        request: Request<wire::AdjustStockRequest>,
    ) -> Result<Response<wire::AdjustStockResponse>, Status> {
        let (identity, command) = asked(method!("AdjustStock"), request, request::adjust_stock)?;
        let committed =
            adjust_stock::execute(&self.committer, identity, command).await.map_err(problem::of)?;
        Ok(Response::new(wire::AdjustStockResponse {
            consistency_token: committed.token.encode(),
            replayed: committed.replayed,
            ..codec::stock_adjusted(&committed.answer)
        }))
    }

    async fn transfer_stock(
        &self,
        request: Request<wire::TransferStockRequest>,
    ) -> Result<Response<wire::TransferStockResponse>, Status> {
        let asked = asked(method!("TransferStock"), request, request::transfer_stock)?;
        let committed = self.execute(asked).await?;
        Ok(Response::new(wire::TransferStockResponse {
            consistency_token: committed.token.encode(),
            replayed: committed.replayed,
            ..codec::stock_transferred(&committed.answer)
        }))
    }

    async fn reserve_stock(
        &self,
        request: Request<wire::ReserveStockRequest>,
    ) -> Result<Response<wire::ReserveStockResponse>, Status> {
        let parse = |wire, _| request::reserve_stock(wire);
        let asked = asked(method!("ReserveStock"), request, parse)?;
        let committed = self.execute(asked).await?;
        Ok(Response::new(wire::ReserveStockResponse {
            consistency_token: committed.token.encode(),
            replayed: committed.replayed,
            ..codec::stock_held(&committed.answer)
        }))
    }

    async fn release_reservation(
        &self,
        request: Request<wire::ReleaseReservationRequest>,
    ) -> Result<Response<wire::ReleaseReservationResponse>, Status> {
        let parse = |wire, _| request::release_reservation(wire);
        let asked = asked(method!("ReleaseReservation"), request, parse)?;
        let committed = self.execute(asked).await?;
        Ok(Response::new(wire::ReleaseReservationResponse {
            consistency_token: committed.token.encode(),
            replayed: committed.replayed,
            ..codec::reservation_released(&committed.answer)
        }))
    }

    async fn set_reorder_level(
        &self,
        request: Request<wire::SetReorderLevelRequest>,
    ) -> Result<Response<wire::SetReorderLevelResponse>, Status> {
        let (identity, command) = asked(method!("SetReorderLevel"), request, request::set_reorder_level)?;
        let committed = self.committer.execute(identity, command).await.map_err(unrefused)?;
        let wire::ReceiveStockResponse { item, .. } = codec::item_changed(&committed.answer);
        let (consistency_token, replayed) = (committed.token.encode(), committed.replayed);
        Ok(Response::new(wire::SetReorderLevelResponse { item, consistency_token, replayed }))
    }
}

/// The error of a command that refuses nothing.
fn unrefused(error: CommitError<std::convert::Infallible>) -> Status {
    error.problem(|never| match *never {}).into()
}
