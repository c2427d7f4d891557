//! The tonic services of payment: wire to domain and back, nothing else.

mod problem;
mod request;
mod response;

use ordermesh_feed::commit::{Command, CommandIdentity, CommitError, Committed, Committer};
use ordermesh_feed::event_service;
use ordermesh_kernel::RequestId;
use ordermesh_proto::error::Problem;
use ordermesh_proto::payment::v1 as wire;
use ordermesh_proto::payment::v1::payment_command_service_server::PaymentCommandService;
use ordermesh_proto::payment::v1::payment_event_service_server::PaymentEventService;
use ordermesh_proto::payment::v1::payment_query_service_server::PaymentQueryService;
use ordermesh_service::Caller;
use prost::Message;
use tonic::{Request, Response, Status};

use crate::codec;
use crate::command::PaymentChanged;
use crate::domain::{Refusal, Terms};
use crate::store::{PaymentReader, PaymentsUnit};
use crate::worker::Wake;

/// `ordermesh.payment.v1.PaymentCommandService`.
pub struct CommandService {
    committer: Committer<PaymentsUnit>,
    wake: Wake,
    terms: Terms,
    told_of_actions: bool,
}

impl CommandService {
    /// Serves commands through `committer`, and wakes the worker. `told_of_actions`: see the gateway.
    pub fn new(committer: Committer<PaymentsUnit>, wake: Wake, terms: Terms, told_of_actions: bool) -> Self {
        Self { committer, wake, terms, told_of_actions }
    }

    async fn execute<C>(
        &self,
        method: &'static str,
        caller: Caller,
        encoded: &[u8],
        (request_id, command): (RequestId, C),
    ) -> Result<Committed<PaymentChanged>, Status>
    where
        C: Command<PaymentsUnit, Answer = PaymentChanged, Refusal = Refusal>,
    {
        let identity = CommandIdentity::of_request(method, caller.into_parts(), request_id, encoded);
        let committed = self.committer.execute(identity, command).await.map_err(problem::of)?;
        self.wake.wake();
        Ok(committed)
    }
}

/// The responses of all commands have the same fields.
macro_rules! changed {
    ($message:ident, $committed:expr) => {{
        let committed = $committed;
        Ok(Response::new(wire::$message {
            payment_id: committed.answer.payment_id.to_string(),
            revision: committed.answer.revision,
            status: codec::status(committed.answer.status) as i32,
            consistency_token: committed.token.encode(),
            replayed: committed.replayed,
        }))
    }};
}

fn actor(caller: &Caller) -> String {
    format!("workload:{}", caller.principal)
}

#[tonic::async_trait]
impl PaymentCommandService for CommandService {
    async fn complete_payment_action(
        &self,
        request: Request<wire::CompletePaymentActionRequest>,
    ) -> Result<Response<wire::CompletePaymentActionResponse>, Status> {
        let caller = Caller::of(&request);
        let wire = request.into_inner();
        let encoded = wire.encode_to_vec();
        let command = request::complete_payment_action(wire, self.told_of_actions)?;
        let method = "ordermesh.payment.v1.PaymentCommandService/CompletePaymentAction";
        changed!(CompletePaymentActionResponse, self.execute(method, caller, &encoded, command).await?)
    }

    async fn retry_payment_operation(
        &self,
        request: Request<wire::RetryPaymentOperationRequest>,
    ) -> Result<Response<wire::RetryPaymentOperationResponse>, Status> {
        let caller = Caller::of(&request);
        let wire = request.into_inner();
        let encoded = wire.encode_to_vec();
        let command = request::retry_payment_operation(wire, actor(&caller))?;
        let method = "ordermesh.payment.v1.PaymentCommandService/RetryPaymentOperation";
        changed!(RetryPaymentOperationResponse, self.execute(method, caller, &encoded, command).await?)
    }

    async fn resolve_payment_operation(
        &self,
        request: Request<wire::ResolvePaymentOperationRequest>,
    ) -> Result<Response<wire::ResolvePaymentOperationResponse>, Status> {
        let caller = Caller::of(&request);
        let wire = request.into_inner();
        let encoded = wire.encode_to_vec();
        let command = request::resolve_payment_operation(wire, actor(&caller), self.terms)?;
        let method = "ordermesh.payment.v1.PaymentCommandService/ResolvePaymentOperation";
        changed!(ResolvePaymentOperationResponse, self.execute(method, caller, &encoded, command).await?)
    }
}

/// What a command that is not carried out is on the wire, whoever has asked.
pub fn problem(error: CommitError<Refusal>) -> Problem {
    problem::of(error)
}

/// `ordermesh.payment.v1.PaymentQueryService`.
pub struct QueryService {
    reader: PaymentReader,
}

impl QueryService {
    /// Answers queries from `reader`.
    pub fn new(reader: PaymentReader) -> Self {
        Self { reader }
    }
}

#[tonic::async_trait]
impl PaymentQueryService for QueryService {
    async fn get_payment(
        &self,
        request: Request<wire::GetPaymentRequest>,
    ) -> Result<Response<wire::GetPaymentResponse>, Status> {
        let query = request::get_payment(request.into_inner())?;
        let whole = query.run(&self.reader).await.map_err(problem::of_query)?;
        Ok(Response::new(wire::GetPaymentResponse { payment: Some(response::whole(&whole)) }))
    }

    async fn list_payments(
        &self,
        request: Request<wire::ListPaymentsRequest>,
    ) -> Result<Response<wire::ListPaymentsResponse>, Status> {
        let query = request::list_payments(request.into_inner())?;
        let page = query.run(&self.reader).await.map_err(problem::of_query)?;
        Ok(Response::new(wire::ListPaymentsResponse {
            payments: page.payments.iter().map(response::listed).collect(),
            next_page_token: page.next_page_token,
        }))
    }
}

event_service!(EventService, PaymentEventService, SubscribePaymentEventsStream, subscribe_payment_events);
