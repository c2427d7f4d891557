//! The one table of order-query's errors: what each is on the wire.

use std::time::Duration;

use ordermesh_feed::store::is_transient;
use ordermesh_proto::common::v1::CommonErrorReason;
use ordermesh_proto::error::Problem;
use ordermesh_proto::feed::v1::FeedErrorReason;
use ordermesh_proto::order::v1::OrderErrorReason;
use sea_orm::DbErr;
use tonic::{Code, Status};

use crate::query::QueryError;

/// A projection that is behind is so by a fraction of a second, usually.
const BEHIND_RETRY: Duration = Duration::from_millis(250);
/// A parked order waits for the consumer's next try, or for a person.
const PARKED_RETRY: Duration = Duration::from_secs(5);
const STORE_RETRY: Duration = Duration::from_millis(500);

pub(super) fn of(error: QueryError) -> Status {
    let message = error.to_string();
    match error {
        QueryError::OrderNotFound(id) => {
            Problem::new(Code::NotFound, OrderErrorReason::OrderNotFound, message)
                .field("order_id", "must be an order's id")
                .with("order_id", id)
        }
        QueryError::InvalidPageToken { .. } => Problem::invalid(CommonErrorReason::InvalidPageToken, message)
            .field(
                "page_token",
                "must be the next_page_token of the page before, with the same filter and order_by",
            ),
        QueryError::Behind { .. } => {
            Problem::new(Code::Unavailable, CommonErrorReason::ProjectionBehind, message)
                .retry_after(BEHIND_RETRY)
        }
        QueryError::Parked { .. } => {
            Problem::new(Code::Unavailable, CommonErrorReason::ProjectionBehind, message)
                .retry_after(PARKED_RETRY)
        }
        QueryError::Diverged { .. } => {
            Problem::new(Code::FailedPrecondition, FeedErrorReason::FeedDiverged, message)
                .field("at_least", "must be of the history that the log has now")
        }
        QueryError::Store(error) => store(&error),
    }
    .into()
}

fn store(error: &DbErr) -> Problem {
    match is_transient(error) {
        true => {
            let message = "the read model cannot be read now";
            Problem::new(Code::Unavailable, CommonErrorReason::StoreUnavailable, message)
                .retry_after(STORE_RETRY)
        }
        false => {
            tracing::error!(%error, "the read model could not be read");
            internal("the read model could not be read")
        }
    }
}

/// The server broke one of its own rules; the details stand in its log.
pub(super) fn internal(message: &str) -> Problem {
    Problem::new(Code::Internal, CommonErrorReason::Internal, message)
}
