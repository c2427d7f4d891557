//! `ordermesh payment resolve`: states what has really happened to an operation.

use clap::{Args, ValueEnum};
use ordermesh_console::connect::{Common, Session, unary};
use ordermesh_console::failure::Failure;
use ordermesh_proto::payment::v1::{PaymentOperationResolution, ResolvePaymentOperationRequest};
use uuid::Uuid;

use super::{commands, tell};

/// Which operation, and what has happened.
#[derive(Debug, Args)]
pub(super) struct Resolve {
    /// The payment's id: the order's
    id: String,
    /// Number of the operation, as `payment get` shows it
    #[arg(allow_negative_numbers = true)]
    operation: i32,
    /// What has happened
    #[arg(value_enum)]
    resolution: Resolution,
    /// How it was found out, for people
    #[arg(long)]
    note: String,
    /// Idempotency key: repeated with the same one, nothing is done again; made up when left out
    #[arg(long, value_name = "ID")]
    request_id: Option<String>,
}

/// What has really happened to an operation.
#[derive(Debug, Clone, Copy, ValueEnum)]
enum Resolution {
    /// It was done in full, at the provider or by another way
    Done,
    /// It was not done: an authorization is declined, anything else is sent anew
    NotDone,
}

/// Asks and prints.
pub(super) async fn run(resolve: Resolve, common: Common) -> Result<(), Failure> {
    let request_id = resolve.request_id.unwrap_or_else(|| Uuid::now_v7().to_string());
    let resolution = match resolve.resolution {
        Resolution::Done => PaymentOperationResolution::Done,
        Resolution::NotDone => PaymentOperationResolution::NotDone,
    };
    let request = ResolvePaymentOperationRequest {
        request_id: request_id.clone(),
        payment_id: resolve.id,
        operation: resolve.operation,
        resolution: resolution.into(),
        note: resolve.note,
    };
    let session = Session::open(common).await?;
    let answered = commands(&session).resolve_payment_operation(unary(request)).await;
    tell(&session, answered, request_id, |it| (it.payment_id.clone(), it.revision, it.status, it.replayed))
}
