//! `ordermesh payment complete-action`: tells the sandbox what the customer has done.

use clap::Args;
use ordermesh_console::connect::{Common, Session, unary};
use ordermesh_console::failure::Failure;
use ordermesh_proto::payment::v1::{CompletePaymentActionRequest, PaymentActionResult};
use uuid::Uuid;

use super::{commands, tell};

/// Which payment, and what has come of it.
#[derive(Debug, Args)]
pub(super) struct CompleteAction {
    /// The payment's id: the order's
    id: String,
    /// The customer has failed it or given it up
    #[arg(long)]
    failed: bool,
    /// Idempotency key: repeated with the same one, nothing is done again; made up when left out
    #[arg(long, value_name = "ID")]
    request_id: Option<String>,
}

/// Asks and prints.
pub(super) async fn run(action: CompleteAction, common: Common) -> Result<(), Failure> {
    let request_id = action.request_id.unwrap_or_else(|| Uuid::now_v7().to_string());
    let result = match action.failed {
        true => PaymentActionResult::Failed,
        false => PaymentActionResult::Done,
    };
    let request = CompletePaymentActionRequest {
        request_id: request_id.clone(),
        payment_id: action.id,
        result: result.into(),
    };
    let session = Session::open(common).await?;
    let answered = commands(&session).complete_payment_action(unary(request)).await;
    tell(&session, answered, request_id, |it| (it.payment_id.clone(), it.revision, it.status, it.replayed))
}
