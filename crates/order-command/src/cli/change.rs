//! What the verbs on an order that exists share: which order, on which condition, under which key; and what is printed.

use clap::Args;
use ordermesh_console::connect::{Common, Session, unary};
use ordermesh_console::failure::Failure;
use ordermesh_console::order::state;
use ordermesh_console::render::{facts, money};
use ordermesh_proto::common::v1::Money;
use ordermesh_proto::order::v1 as wire;
use ordermesh_proto::order::v1::order_command_service_client::OrderCommandServiceClient;
use prost::Name;
use tonic::transport::Channel;
use tonic::{Request, Response, Status};
use uuid::Uuid;

use super::{READ_ELSEWHERE, commands};

/// Which order, and how the command is asked for.
#[derive(Debug, Args)]
pub struct Target {
    /// The order's id
    pub id: String,
    /// Refuse unless the order has this revision
    #[arg(long, value_name = "N", allow_negative_numbers = true)]
    pub expected_revision: Option<i64>,
    /// Idempotency key: repeated with the same one, nothing is done again; made up when left out
    #[arg(long, value_name = "ID")]
    pub request_id: Option<String>,
}

impl Target {
    /// The key, made up when none was given.
    pub fn request_id(&self) -> String {
        self.request_id.clone().unwrap_or_else(|| Uuid::now_v7().to_string())
    }
}

/// The answer of a command on an order.
pub trait Changed: Name {
    /// The facts about it: the order's id, its consistency token, and what people read.
    fn facts(&self) -> (&str, &str, Vec<(&'static str, String)>);
}

fn shown(
    order_id: &str,
    part: Option<(&'static str, &str)>,
    (state_number, revision): (i32, i64),
    due: Option<&Money>,
    replayed: bool,
) -> Vec<(&'static str, String)> {
    let mut facts = vec![("order", order_id.to_owned())];
    facts.extend(part.map(|(name, id)| (name, id.to_owned())));
    let replayed = if replayed { "the request id was known: nothing was done again" } else { "" };
    facts.extend([
        ("state", state(state_number)),
        ("revision", revision.to_string()),
        ("due", due.map_or_else(String::new, |due| money(Some(due)))),
        ("replayed", replayed.to_owned()),
    ]);
    facts
}

macro_rules! changed {
    (@part $answer:ident) => {{
        let _: &Self = $answer;
        None
    }};
    (@part $answer:ident $name:literal $part:ident) => {
        Some(($name, $answer.$part.as_str()))
    };
    ($($response:ident $(: $name:literal $part:ident)?),+ $(,)?) => {$(
        impl Changed for wire::$response {
            fn facts(&self) -> (&str, &str, Vec<(&'static str, String)>) {
                let answer = self;
                let part = changed!(@part answer $($name $part)?);
                let stands = (self.state, self.revision);
                let facts = shown(&self.order_id, part, stands, self.amount_due.as_ref(), self.replayed);
                (&self.order_id, &self.consistency_token, facts)
            }
        }
    )+};
}

changed! {
    CancelOrderResponse,
    CancelOrderLinesResponse,
    HoldOrderResponse: "hold" hold_id,
    ReleaseOrderHoldResponse: "hold" hold_id,
    RetryPaymentResponse,
    DispatchShipmentResponse: "shipment" shipment_id,
    ConfirmShipmentDeliveryResponse: "shipment" shipment_id,
    ReportShipmentLossResponse: "shipment" shipment_id,
    RequestReturnResponse: "return" return_id,
    ApproveReturnResponse: "return" return_id,
    RejectReturnResponse: "return" return_id,
    ReceiveReturnResponse: "return" return_id,
    AddOrderNoteResponse: "note" note_id,
}

/// Connects, asks by `call` and prints. `request_id` is the key that the request has.
pub async fn change<Q, A: Changed>(
    common: Common,
    request_id: String,
    request: Q,
    call: impl AsyncFnOnce(OrderCommandServiceClient<Channel>, Request<Q>) -> Result<Response<A>, Status>,
) -> Result<(), Failure> {
    let session = Session::open(common).await?;
    let answered = call(commands(&session), unary(request)).await;
    print(&session, answered, &request_id, "")
}

/// Prints what came of a command. `repeat` is what a repetition must say that the command line did not.
pub fn print<A: Changed>(
    session: &Session,
    answered: Result<Response<A>, Status>,
    request_id: &str,
    repeat: &str,
) -> Result<(), Failure> {
    let answer = match answered {
        Ok(answer) => answer.into_inner(),
        Err(status) => return Err(unanswered(status.into(), request_id, repeat)),
    };
    if session.out.is_json() {
        let mut document = session.out.value(&answer)?;
        document["request_id"] = request_id.into();
        return session.out.document(&document);
    }
    let (id, token, mut shown) = answer.facts();
    shown.extend([("request id", request_id.to_owned()), ("token", token.to_owned())]);
    let get = session.address.command(format_args!("order get {id} --at-least {token}"));
    session.out.text(&format!("{}\n\nnext:  {get}\n       {READ_ELSEWHERE}", facts(&shown)))
}

/// Nobody knows whether a command without answer was done: the key makes asking again harmless.
fn unanswered(failure: Failure, request_id: &str, repeat: &str) -> Failure {
    match failure.outcome_is_open() {
        true => failure
            .hint(format_args!("repeat it with {repeat}--request-id {request_id}, it is done only once")),
        false => failure,
    }
}
