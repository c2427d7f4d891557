//! The one table of order's errors: what each refusal is on the wire.

use std::fmt::Display;

use ordermesh_feed::commit::CommitError;
use ordermesh_proto::common::v1::CommonErrorReason;
use ordermesh_proto::error::Problem;
use ordermesh_proto::order::v1::OrderErrorReason;
use tonic::{Code, Status};

use crate::command::Refusal;
use crate::domain;

pub(super) fn of(error: CommitError<Refusal>) -> Status {
    problem(error).into()
}

/// What a command that is not durable is on the wire.
pub(crate) fn problem(error: CommitError<Refusal>) -> Problem {
    error.problem(refused)
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
                .with("state", word(state))
        }
        rule => return against_part(rule, message),
    };
    match rule.field().zip(rule.rule()) {
        Some((field, description)) => problem.field(field, description),
        None => problem,
    }
}

/// Rules about what an order has several of, and about its payment.
fn against_part(rule: &domain::Refusal, message: String) -> Problem {
    use OrderErrorReason as Reason;
    use domain::Refusal as Rule;
    let precondition = |reason| Problem::new(Code::FailedPrecondition, reason, &message);
    let not_found = |reason, field: &str| {
        Problem::new(Code::NotFound, reason, &message).field(field, "must be one of the order's")
    };
    match rule {
        Rule::PartlyShipped { cancellable } => {
            let lines = cancellable.iter().map(|line| format!("{}:{}", line.line_id, line.quantity));
            precondition(Reason::OrderPartlyShipped).with("cancellable", lines.collect::<Vec<_>>().join(","))
        }
        Rule::Held { holds } => {
            let holds: Vec<_> = holds.iter().map(ToString::to_string).collect();
            precondition(Reason::OrderHeld).with("holds", holds.join(","))
        }
        Rule::NotCaptured { payment } => {
            precondition(Reason::PaymentNotCaptured).with("payment", word(payment))
        }
        Rule::NotRetryable { payment } => {
            precondition(Reason::PaymentNotRetryable).with("payment", word(payment))
        }
        Rule::LineNotFound { line_id } => not_found(Reason::LineNotFound, "lines").with("line_id", line_id),
        Rule::QuantityExceeded { line_id, wanted: _, left } => precondition(Reason::QuantityExceeded)
            .field("lines", format!("must have at most {left} of line {line_id}"))
            .with("line_id", line_id)
            .with("left", left),
        Rule::HoldNotFound { id } => not_found(Reason::HoldNotFound, "hold_id").with("hold_id", id),
        Rule::ShipmentNotFound { id } => {
            not_found(Reason::ShipmentNotFound, "shipment_id").with("shipment_id", id)
        }
        Rule::ShipmentEnded { state } => precondition(Reason::ShipmentEnded).with("state", word(state)),
        Rule::ReturnNotFound { id } => not_found(Reason::ReturnNotFound, "return_id").with("return_id", id),
        Rule::ReturnStateForbids { state } => {
            precondition(Reason::ReturnStateForbids).with("state", word(state))
        }
        Rule::TooManyParts { part, most } => {
            precondition(Reason::TooManyParts).with("part", part).with("most", most)
        }
        // The table above has them; a rule that neither knows is a mistake of ours.
        Rule::NoLines
        | Rule::TooManyLines { .. }
        | Rule::TooManyDiscounts { .. }
        | Rule::MixedCurrencies { .. }
        | Rule::NegativeAmount { .. }
        | Rule::DiscountNotPositive { .. }
        | Rule::AmountOverflow { .. }
        | Rule::DiscountExceedsGoods { .. }
        | Rule::TotalMismatch { .. }
        | Rule::RevisionMismatch { .. }
        | Rule::StateForbids { .. } => {
            Problem::new(Code::Internal, CommonErrorReason::Internal, "a refusal without its reason")
        }
    }
}

/// A value's word as the contract's enum has it.
fn word(value: &impl Display) -> String {
    value.to_string().to_ascii_uppercase()
}
