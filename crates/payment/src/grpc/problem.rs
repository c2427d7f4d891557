//! The one table of payment's errors: what each refusal is on the wire.

use std::time::Duration;

use ordermesh_feed::commit::CommitError;
use ordermesh_feed::store::is_transient;
use ordermesh_proto::common::v1::CommonErrorReason;
use ordermesh_proto::error::Problem;
use ordermesh_proto::payment::v1::PaymentErrorReason;
use sea_orm::DbErr;
use tonic::{Code, Status};

use crate::domain::Refusal;
use crate::query::QueryError;

/// A call of the provider takes some seconds at most, usually.
const RUNNING_RETRY: Duration = Duration::from_secs(1);
const STORE_RETRY: Duration = Duration::from_millis(500);

pub(super) fn of(error: CommitError<Refusal>) -> Problem {
    error.problem(refused)
}

pub(super) fn of_query(error: QueryError) -> Status {
    let message = error.to_string();
    match error {
        QueryError::PaymentNotFound(id) => not_found(message, &id.to_string()),
        QueryError::InvalidPageToken { .. } => Problem::invalid(CommonErrorReason::InvalidPageToken, message)
            .field("page_token", "must be the next_page_token of the page before, with the same filter"),
        QueryError::Store(error) => store(&error),
    }
    .into()
}

fn refused(refusal: &Refusal) -> Problem {
    let message = refusal.to_string();
    let against = |reason| Problem::new(Code::FailedPrecondition, reason, message.clone());
    match refusal {
        Refusal::PaymentNotFound(id) => not_found(message, &id.to_string()),
        Refusal::OperationNotOpen { payment, operation } => {
            against(PaymentErrorReason::PaymentOperationNotOpen)
                .field("operation", "must be the number of the open operation")
                .with("payment_id", payment)
                .with("operation", operation)
        }
        Refusal::OperationRunning { operation, .. } => {
            Problem::new(Code::Aborted, PaymentErrorReason::PaymentOperationRunning, message)
                .retry_after(RUNNING_RETRY)
                .with("operation", operation)
        }
        Refusal::OperationNotFailed { operation } => {
            against(PaymentErrorReason::PaymentOperationNotFailed).with("operation", operation)
        }
        Refusal::AttemptNotStarted { operation } => {
            against(PaymentErrorReason::PaymentAttemptNotStarted).with("operation", operation)
        }
        // The word that the contract's enum has.
        Refusal::ActionNotRequired { status } => against(PaymentErrorReason::PaymentActionNotRequired)
            .with("status", status.as_str().to_ascii_uppercase()),
        Refusal::ActionElsewhere => against(PaymentErrorReason::PaymentActionElsewhere),
        // Only orders tell amounts, and none of them calls.
        Refusal::MixedCurrencies { .. } => Problem::new(Code::Internal, CommonErrorReason::Internal, message),
    }
}

fn not_found(message: String, id: &str) -> Problem {
    Problem::new(Code::NotFound, PaymentErrorReason::PaymentNotFound, message)
        .field("payment_id", "must be the id of an order that has a payment")
        .with("payment_id", id)
}

fn store(error: &DbErr) -> Problem {
    match is_transient(error) {
        true => {
            let message = "the payments cannot be read now";
            Problem::new(Code::Unavailable, CommonErrorReason::StoreUnavailable, message)
                .retry_after(STORE_RETRY)
        }
        false => {
            tracing::error!(%error, "the payments could not be read");
            Problem::new(Code::Internal, CommonErrorReason::Internal, "the payments could not be read")
        }
    }
}
