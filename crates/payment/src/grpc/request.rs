//! Requests to commands and queries: every field parsed, every broken rule named by its path.

use ordermesh_kernel::{OrderId, RequestId};
use ordermesh_proto::common::v1::CommonErrorReason;
use ordermesh_proto::error::{Problem, Violations};
use ordermesh_proto::payment::v1 as wire;

use crate::codec;
use crate::command::complete_payment_action::CompletePaymentAction;
use crate::command::resolve_payment_operation::ResolvePaymentOperation;
use crate::command::retry_payment_operation::RetryPaymentOperation;
use crate::domain::{ActionResult, Resolution, Terms};
use crate::query::get_payment::GetPayment;
use crate::query::list_payments::ListPayments;

/// Characters that a note may have.
const MAX_NOTE: usize = 500;
/// Payments that a page may have.
const MAX_PAGE: i32 = 200;

/// The command of a CompletePaymentAction request.
pub(super) fn complete_payment_action(
    request: wire::CompletePaymentActionRequest,
    told_by_us: bool,
) -> Result<(RequestId, CompletePaymentAction), Problem> {
    let mut violations = Violations::default();
    let ids = ids(&mut violations, request.request_id, &request.payment_id);
    let result = match wire::PaymentActionResult::try_from(request.result) {
        Ok(wire::PaymentActionResult::Done) => Some(ActionResult::Done),
        Ok(wire::PaymentActionResult::Failed) => Some(ActionResult::Failed),
        Ok(wire::PaymentActionResult::Unspecified) | Err(_) => None,
    };
    let result = known(&mut violations, "result", result);
    violations.into_problem()?;
    let (request_id, payment_id) = ids.ok_or_else(unchecked_field)?;
    let result = result.ok_or_else(unchecked_field)?;
    Ok((request_id, CompletePaymentAction { payment_id, result, told_by_us }))
}

/// The command of a RetryPaymentOperation request.
pub(super) fn retry_payment_operation(
    request: wire::RetryPaymentOperationRequest,
    actor: String,
) -> Result<(RequestId, RetryPaymentOperation), Problem> {
    let mut violations = Violations::default();
    let ids = ids(&mut violations, request.request_id, &request.payment_id);
    check_operation(&mut violations, request.operation);
    violations.into_problem()?;
    let (request_id, payment_id) = ids.ok_or_else(unchecked_field)?;
    Ok((request_id, RetryPaymentOperation { payment_id, operation: request.operation, actor }))
}

/// The command of a ResolvePaymentOperation request.
pub(super) fn resolve_payment_operation(
    request: wire::ResolvePaymentOperationRequest,
    actor: String,
    terms: Terms,
) -> Result<(RequestId, ResolvePaymentOperation), Problem> {
    let mut violations = Violations::default();
    let ids = ids(&mut violations, request.request_id, &request.payment_id);
    check_operation(&mut violations, request.operation);
    let resolution = match wire::PaymentOperationResolution::try_from(request.resolution) {
        Ok(wire::PaymentOperationResolution::Done) => Some(Resolution::Done),
        Ok(wire::PaymentOperationResolution::NotDone) => Some(Resolution::NotDone),
        Ok(wire::PaymentOperationResolution::Unspecified) | Err(_) => None,
    };
    let resolution = known(&mut violations, "resolution", resolution);
    if !(1..=MAX_NOTE).contains(&request.note.chars().count()) {
        violations.add("note", format!("must have 1 to {MAX_NOTE} characters"));
    }
    if request.note.contains('\0') {
        violations.add("note", "must not contain the character NUL");
    }
    violations.into_problem()?;
    let (request_id, payment_id) = ids.ok_or_else(unchecked_field)?;
    let resolution = resolution.ok_or_else(unchecked_field)?;
    let (operation, note) = (request.operation, request.note);
    Ok((request_id, ResolvePaymentOperation { payment_id, operation, resolution, actor, note, terms }))
}

/// The query of a GetPayment request.
pub(super) fn get_payment(request: wire::GetPaymentRequest) -> Result<GetPayment, Problem> {
    let mut violations = Violations::default();
    let payment_id = violations.check("payment_id", OrderId::parse(&request.payment_id));
    violations.into_problem()?;
    Ok(GetPayment { payment_id: payment_id.ok_or_else(unchecked_field)? })
}

/// The query of a ListPayments request.
pub(super) fn list_payments(request: wire::ListPaymentsRequest) -> Result<ListPayments, Problem> {
    let mut violations = Violations::default();
    let status = codec::known_status(request.status);
    if status.is_none() && request.status != 0 {
        violations.add("status", "must be a status of the contract");
    }
    if !(0..=MAX_PAGE).contains(&request.page_size) {
        violations.add("page_size", format!("must be 0 to {MAX_PAGE}"));
    }
    violations.into_problem()?;
    Ok(ListPayments {
        status,
        needs_person: request.needs_person,
        page_size: u64::try_from(request.page_size).unwrap_or(0),
        page_token: request.page_token,
    })
}

fn ids(violations: &mut Violations, request_id: String, payment_id: &str) -> Option<(RequestId, OrderId)> {
    let request_id = violations.check("request_id", RequestId::parse(request_id));
    let payment_id = violations.check("payment_id", OrderId::parse(payment_id));
    request_id.zip(payment_id)
}

fn check_operation(violations: &mut Violations, operation: i32) {
    if operation < 1 {
        violations.add("operation", "must be 1 or more");
    }
}

fn known<T>(violations: &mut Violations, field: &str, value: Option<T>) -> Option<T> {
    if value.is_none() {
        violations.add(field, "must be a value of the contract");
    }
    value
}

fn unchecked_field() -> Problem {
    Problem::new(tonic::Code::Internal, CommonErrorReason::Internal, "a checked field is missing")
}
