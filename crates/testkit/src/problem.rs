//! What a refusal says, and the assertion that it says what the contract promises.

use std::collections::HashMap;
use std::fmt::Debug;

use ordermesh_proto::error::DOMAIN;
use prost::Message;
use tonic::{Code, Status};
use tonic_types::StatusExt;

/// A refusal in the shape that every error of the platform has.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Refusal {
    /// The gRPC code.
    pub code: Code,
    /// The ErrorInfo's reason.
    pub reason: String,
    /// The ErrorInfo's metadata.
    pub metadata: HashMap<String, String>,
    /// Fields of BadRequest and what is wrong with each.
    pub violations: Vec<(String, String)>,
    /// Whether RetryInfo tells when to try again.
    pub retryable: bool,
}

/// Reads a refusal; says what the contract misses in it: exactly one ErrorInfo, of our domain, with a reason, and
/// a google.rpc.Status that agrees with the gRPC status.
pub fn problem(status: &Status) -> Result<Refusal, String> {
    let complain = |what: &str| format!("{what} in {status:?}");
    let inner = tonic_types::pb::Status::decode(status.details())
        .map_err(|error| complain(&format!("no google.rpc.Status ({error})")))?;
    if (inner.code, inner.message.as_str()) != (status.code() as i32, status.message()) {
        return Err(complain("the google.rpc.Status says something else than the gRPC status"));
    }
    let infos = inner.details.iter().filter(|any| any.type_url == "type.googleapis.com/google.rpc.ErrorInfo");
    let count = infos.count();
    let details =
        status.check_error_details().map_err(|error| complain(&format!("unreadable details ({error})")))?;
    let info =
        details.error_info().filter(|_| count == 1).ok_or_else(|| complain(&format!("{count} ErrorInfo")))?;
    if info.domain != DOMAIN || info.reason.is_empty() {
        return Err(complain("an ErrorInfo of another domain or without a reason"));
    }
    let violations = details.bad_request().into_iter().flat_map(|bad| &bad.field_violations);
    Ok(Refusal {
        code: status.code(),
        reason: info.reason.clone(),
        metadata: info.metadata.clone(),
        violations: violations
            .map(|violation| (violation.field.clone(), violation.description.clone()))
            .collect(),
        retryable: details.retry_info().is_some(),
    })
}

/// Asserts that a call was refused with this code and reason, and when a field is given that BadRequest names it.
/// Gives the refusal for further questions.
#[track_caller]
pub fn assert_refused<T: Debug>(
    result: Result<T, Status>,
    code: Code,
    reason: &str,
    field: Option<&str>,
) -> Refusal {
    let wanted = match field {
        Some(field) => format!("{code:?} {reason} naming {field}"),
        None => format!("{code:?} {reason}"),
    };
    let status = match result {
        Ok(answer) => panic!("wanted: {wanted}\nbut it was accepted: {answer:?}"),
        Err(status) => status,
    };
    let refusal = problem(&status).unwrap_or_else(|missing| panic!("wanted: {wanted}\nbut found {missing}"));
    let names_it = field.is_none_or(|field| refusal.violations.iter().any(|(named, _)| named == field));
    let fits = (refusal.code, refusal.reason.as_str()) == (code, reason) && names_it;
    assert!(fits, "wanted: {wanted}\nbut got: {:?} {:?}\n{refusal:#?}", status.code(), status.message());
    let undescribed =
        refusal.violations.iter().any(|(named, description)| named.is_empty() || description.is_empty());
    assert!(!undescribed, "a violation must name its field and say what is wrong: {refusal:#?}");
    refusal
}

#[cfg(test)]
mod tests {
    use super::*;
    use ordermesh_proto::common::v1::CommonErrorReason;
    use ordermesh_proto::error::Problem;

    fn refused() -> Result<(), Status> {
        let problem =
            Problem::invalid(CommonErrorReason::InvalidRequest, "wrong").field("sku", "must be short");
        Err(problem.into())
    }

    #[test]
    fn a_refusal_of_the_contract_is_accepted() {
        let refusal = assert_refused(refused(), Code::InvalidArgument, "INVALID_REQUEST", Some("sku"));
        assert_eq!(refusal.violations, [("sku".to_owned(), "must be short".to_owned())]);
    }

    #[test]
    #[should_panic(expected = "INVALID_REQUEST naming quantity")]
    fn a_missing_field_fails_the_assertion() {
        assert_refused(refused(), Code::InvalidArgument, "INVALID_REQUEST", Some("quantity"));
    }

    #[test]
    #[should_panic(expected = "it was accepted: 7")]
    fn an_answer_fails_the_assertion() {
        assert_refused(Ok(7), Code::InvalidArgument, "INVALID_REQUEST", None);
    }

    #[test]
    fn a_bare_status_and_one_with_two_reasons_are_not_refusals_of_the_contract() {
        assert!(problem(&Status::internal("oops")).is_err());
        let mut details = tonic_types::pb::Status::decode(refused().unwrap_err().details()).unwrap();
        details.details.push(details.details[0].clone());
        let twice = Status::with_details(Code::InvalidArgument, "wrong", details.encode_to_vec().into());
        assert!(problem(&twice).unwrap_err().starts_with("2 ErrorInfo"));
    }
}
