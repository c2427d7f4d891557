//! The one table of order's errors: what each refusal is on the wire.

use ordermesh_feed::commit::CommitError;
use ordermesh_proto::common::v1::CommonErrorReason;
use ordermesh_proto::error::Problem;
use ordermesh_proto::order::v1::OrderErrorReason;
use tonic::{Code, Status};

use crate::command::Refusal;
use crate::domain;

pub(super) fn of(error: CommitError<Refusal>) -> Status {
    error.problem(refused).into()
}

fn refused(refusal: &Refusal) -> Problem {
    let message = refusal.to_string();
    match refusal {
        Refusal::Rule(rule) => against_rule(rule, message),
        Refusal::OrderNotFound(id) => Problem::new(Code::NotFound, OrderErrorReason::OrderNotFound, message)
            .field("order_id", "must be an order's id")
            .with("order_id", id),
        Refusal::OrderReferenceTaken { reference, order_id } => {
            Problem::new(Code::AlreadyExists, OrderErrorReason::OrderReferenceTaken, message)
                .field("order_reference", "is another order's already")
                .with("order_reference", reference)
                .with("order_id", order_id)
        }
    }
}

fn against_rule(rule: &domain::Refusal, message: String) -> Problem {
    use domain::Refusal as Rule;
    let problem = match rule {
        Rule::NoLines
        | Rule::TooManyLines { .. }
        | Rule::TooManyDiscounts { .. }
        | Rule::NegativeAmount { .. }
        | Rule::DiscountNotPositive { .. } => Problem::invalid(CommonErrorReason::InvalidRequest, &message),
        Rule::MixedCurrencies { expected, found, .. } => {
            Problem::invalid(OrderErrorReason::MixedCurrencies, &message)
                .with("expected", expected)
                .with("found", found)
        }
        Rule::AmountOverflow { .. } => Problem::invalid(OrderErrorReason::AmountOverflow, &message),
        Rule::DiscountExceedsGoods { discount, goods } => {
            Problem::invalid(OrderErrorReason::DiscountExceedsGoods, &message)
                .with("discount", discount)
                .with("goods", goods)
        }
        Rule::TotalMismatch { expected, computed } => {
            Problem::invalid(OrderErrorReason::TotalMismatch, &message)
                .with("expected", expected)
                .with("computed", computed)
        }
        Rule::RevisionMismatch { expected, actual } => {
            Problem::new(Code::FailedPrecondition, OrderErrorReason::RevisionMismatch, &message)
                .with("expected", expected)
                .with("actual", actual)
        }
        Rule::StateForbids { state } => {
            // The word that the contract's enum and the filter of ListOrders have.
            Problem::new(Code::FailedPrecondition, OrderErrorReason::StateForbids, &message)
                .with("state", state.as_str().to_ascii_uppercase())
        }
    };
    match rule.field().zip(rule.rule()) {
        Some((field, description)) => problem.field(field, description),
        None => problem,
    }
}
