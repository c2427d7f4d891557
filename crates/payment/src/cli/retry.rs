//! `ordermesh payment retry`: has an operation tried now.

use clap::Args;
use ordermesh_console::connect::{Common, Session, unary};
use ordermesh_console::failure::Failure;
use ordermesh_proto::payment::v1::RetryPaymentOperationRequest;
use uuid::Uuid;

use super::{commands, tell};

/// Which operation.
#[derive(Debug, Args)]
pub(super) struct Retry {
    /// The payment's id: the order's
    id: String,
    /// Number of the operation, as `payment get` shows it
    #[arg(allow_negative_numbers = true)]
    operation: i32,
    /// Idempotency key: repeated with the same one, nothing is done again; made up when left out
    #[arg(long, value_name = "ID")]
    request_id: Option<String>,
}

/// Asks and prints.
pub(super) async fn run(retry: Retry, common: Common) -> Result<(), Failure> {
    let request_id = retry.request_id.unwrap_or_else(|| Uuid::now_v7().to_string());
    let request = RetryPaymentOperationRequest {
        request_id: request_id.clone(),
        payment_id: retry.id,
        operation: retry.operation,
    };
    let session = Session::open(common).await?;
    let answered = commands(&session).retry_payment_operation(unary(request)).await;
    tell(&session, answered, request_id, |it| (it.payment_id.clone(), it.revision, it.status, it.replayed))
}
