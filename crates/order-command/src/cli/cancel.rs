//! `ordermesh order cancel`: cancels an order as a whole.

use clap::Args;
use ordermesh_console::connect::{Address, Common, Session, unary};
use ordermesh_console::failure::Failure;
use ordermesh_console::order::state;
use ordermesh_console::render::facts;
use ordermesh_proto::order::v1::{CancelOrderRequest, CancelOrderResponse};
use uuid::Uuid;

use super::{READ_ELSEWHERE, commands};

/// Which order and why.
#[derive(Debug, Args)]
pub struct Cancel {
    /// The order's id
    id: String,
    /// Why, for people
    #[arg(long, default_value = "", hide_default_value = true)]
    reason: String,
    /// Refuse unless the order has this revision
    #[arg(long, value_name = "N", allow_negative_numbers = true)]
    expected_revision: Option<i64>,
    /// Idempotency key: repeated with the same one, nothing is done again; made up when left out
    #[arg(long, value_name = "ID")]
    request_id: Option<String>,
}

/// Asks and prints.
pub async fn run(cancel: Cancel, common: Common) -> Result<(), Failure> {
    let session = Session::open(common).await?;
    let request_id = cancel.request_id.unwrap_or_else(|| Uuid::now_v7().to_string());
    let request = CancelOrderRequest {
        request_id: request_id.clone(),
        order_id: cancel.id,
        reason: cancel.reason,
        expected_revision: cancel.expected_revision,
    };
    let cancelled = match commands(&session).cancel_order(unary(request)).await {
        Ok(response) => response.into_inner(),
        Err(status) => return Err(unanswered(status.into(), &request_id)),
    };
    if session.out.is_json() {
        let mut document = session.out.value(&cancelled)?;
        document["request_id"] = request_id.into();
        return session.out.document(&document);
    }
    session.out.text(&summary(&cancelled, &request_id, &session.address))
}

/// Nobody knows whether a cancellation without answer was done: the key makes asking again harmless.
fn unanswered(failure: Failure, request_id: &str) -> Failure {
    match failure.outcome_is_open() {
        true => failure.hint(format_args!("repeat it with --request-id {request_id}, it is done only once")),
        false => failure,
    }
}

fn summary(cancelled: &CancelOrderResponse, request_id: &str, address: &Address) -> String {
    let (id, token) = (&cancelled.order_id, &cancelled.consistency_token);
    let replayed = if cancelled.replayed { "the request id was known: nothing was done again" } else { "" };
    let answer = facts(&[
        ("order", id.clone()),
        ("state", state(cancelled.state)),
        ("revision", cancelled.revision.to_string()),
        ("request id", request_id.to_owned()),
        ("replayed", replayed.to_owned()),
        ("token", token.clone()),
    ]);
    let get = address.command(format_args!("order get {id} --at-least {token}"));
    format!("{answer}\n\nnext:  {get}\n       {READ_ELSEWHERE}")
}
