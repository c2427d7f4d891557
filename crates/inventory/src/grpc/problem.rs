//! The one table of inventory's errors: what each is on the wire.

use std::time::Duration;

use ordermesh_feed::commit::CommitError;
use ordermesh_feed::store::is_transient;
use ordermesh_proto::common::v1::CommonErrorReason;
use ordermesh_proto::error::Problem;
use ordermesh_proto::inventory::v1::InventoryErrorReason;
use sea_orm::DbErr;
use tonic::{Code, Status};

use crate::domain::Refusal;
use crate::query::QueryError;

const RETRY: Duration = Duration::from_millis(500);

pub(super) fn of(error: CommitError<Refusal>) -> Status {
    error.problem(refused).into()
}

fn refused(refusal: &Refusal) -> Problem {
    let message = refusal.to_string();
    let precondition = |reason| Problem::new(Code::FailedPrecondition, reason, &message);
    match refusal {
        Refusal::Insufficient(shortages) => {
            let problem = precondition(InventoryErrorReason::InsufficientStock);
            match shortages.first() {
                Some(first) => problem
                    .with("sku", &first.sku)
                    .with("requested", first.requested)
                    .with("available", first.available),
                None => problem,
            }
        }
        Refusal::LessOnHand { key, wanted, on_hand } => precondition(InventoryErrorReason::InsufficientStock)
            .with("sku", &key.sku)
            .with("location", &key.location)
            .with("requested", wanted)
            .with("on_hand", on_hand),
        Refusal::Overflow(key) => precondition(InventoryErrorReason::StockOverflow)
            .with("sku", &key.sku)
            .with("location", &key.location),
        Refusal::ReservationNotFound(id) => reservation_not_found(id, &message),
        Refusal::ReservationOfOrder(id) => {
            precondition(InventoryErrorReason::ReservationOfOrder).with("order_id", id)
        }
        // The word that the contract's enum has.
        Refusal::ReservationEnded { id, state } => precondition(InventoryErrorReason::ReservationEnded)
            .with("reservation_id", id)
            .with("state", state.as_str().to_ascii_uppercase()),
        Refusal::HoldersNeeded(_) => {
            tracing::error!(message, "a refusal that no caller is meant to see");
            Problem::new(Code::Internal, CommonErrorReason::Internal, "the command could not be written")
        }
    }
}

fn reservation_not_found(id: impl ToString, message: &str) -> Problem {
    Problem::new(Code::NotFound, InventoryErrorReason::ReservationNotFound, message)
        .field("reservation_id", "must be a reservation's id")
        .with("reservation_id", id)
}

pub(super) fn of_query(error: QueryError) -> Status {
    let message = error.to_string();
    match error {
        QueryError::StockNotFound(sku) => {
            Problem::new(Code::NotFound, InventoryErrorReason::StockNotFound, message)
                .field("sku", "must be an article that inventory has had")
                .with("sku", sku)
        }
        QueryError::ReservationNotFound(id) => reservation_not_found(id, &message),
        QueryError::InvalidPageToken { .. } => Problem::invalid(CommonErrorReason::InvalidPageToken, message)
            .field("page_token", "must be the next_page_token of the page before, with the same filter"),
        QueryError::ShuttingDown => {
            Problem::new(Code::Unavailable, CommonErrorReason::ServerUnavailable, message).retry_after(RETRY)
        }
        QueryError::Store(error) => store(&error),
    }
    .into()
}

fn store(error: &DbErr) -> Problem {
    match is_transient(error) {
        true => {
            let message = "the database cannot be read now";
            Problem::new(Code::Unavailable, CommonErrorReason::StoreUnavailable, message).retry_after(RETRY)
        }
        false => {
            tracing::error!(%error, "the database could not be read");
            Problem::new(Code::Internal, CommonErrorReason::Internal, "the database could not be read")
        }
    }
}
