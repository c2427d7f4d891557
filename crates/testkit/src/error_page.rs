//! A page of docs/errors beside the server's answers: code, details and messages must be the same on both sides.
//!
//! A page has its gRPC code in the third line, a table of details, other forms of its message as a list, and one
//! example as grpcurl prints it.

use std::collections::BTreeSet;

use ordermesh_proto::error::DOMAIN;
use serde_json::{Value, json};
use tonic::{Code, Status};
use tonic_types::StatusExt;

/// What a page tells otherwise than the server's answers.
pub fn faults(page: &str, answers: &[&Status]) -> Vec<String> {
    let mut faults = Vec::new();
    let lines: Vec<_> = page.lines().map(str::trim).collect();
    let after = |start: &str| lines.iter().filter_map(|line| line.strip_prefix(start)).collect::<Vec<_>>();
    let example = normal(after("Message: ").first().expect("a page has an example"));
    let numbered: Vec<Value> = (1..=3)
        .flat_map(|number| after(&format!("{number})  ")))
        .map(|json| serde_json::from_str(json).expect("a detail of the example is JSON"))
        .collect();
    let others: Vec<_> = after("- `").into_iter().map(|line| normal(line.trim_matches('`'))).collect();
    let mut keys = BTreeSet::new();
    for answer in answers {
        let (code, message) = (answer.code(), normal(answer.message()));
        let details = answer.get_error_details();
        let told = |what: &str| page.contains(what);
        let mut expect = |holds: bool, what: String| {
            if !holds {
                faults.push(what)
            }
        };
        expect(lines[2].starts_with(&format!("`{}` · ", name(code))), format!("the code is {}", name(code)));
        expect(told(&format!("Code: {code:?}\n")), format!("the example's code is {code:?}"));
        expect(details.error_info().is_some_and(|info| info.domain == DOMAIN), "the domain".to_owned());
        let real: Vec<_> = answer.get_error_details_vec().into_iter().map(shown).collect();
        match message == example {
            true => expect(
                normal(&json!(numbered).to_string()) == normal(&json!(real).to_string()),
                format!("details of the example: {}", json!(real)),
            ),
            false => expect(others.contains(&message), format!("the message {message:?}: {}", json!(real))),
        }
        for key in details.error_info().into_iter().flat_map(|info| info.metadata.keys()) {
            expect(told(&format!("| metadata `{key}` |")), format!("a row of metadata `{key}`"));
            keys.insert(key.clone());
        }
        for violation in details.bad_request().into_iter().flat_map(|bad| &bad.field_violations) {
            expect(told("\n| BadRequest |") && told(&violation.field), format!("field {}", violation.field));
        }
        expect(
            details.retry_info().is_some() == told("\n| RetryInfo |"),
            "a row of RetryInfo or none".to_owned(),
        );
    }
    let is_example = |answer: &&Status| normal(answer.message()) == example;
    if !answers.iter().any(is_example) {
        faults.push(format!("the server does not say {example:?}"));
    }
    let fields = answers.iter().any(|answer| answer.get_details_bad_request().is_some());
    if !fields && page.contains("\n| BadRequest |") {
        faults.push("there is no BadRequest".to_owned());
    }
    let rows = after("| metadata `").into_iter().filter_map(|row| row.split('`').next());
    faults.extend(rows.filter(|key| !keys.contains(*key)).map(|key| format!("there is no metadata {key}")));
    faults
}

/// A detail as grpcurl prints it.
fn shown(detail: tonic_types::ErrorDetail) -> Value {
    use tonic_types::ErrorDetail::{BadRequest, ErrorInfo, RetryInfo};
    let mut json = match detail {
        ErrorInfo(info) if info.metadata.is_empty() => json!({"reason": info.reason, "domain": info.domain}),
        ErrorInfo(info) => {
            json!({"reason": info.reason, "domain": info.domain, "metadata": info.metadata})
        }
        BadRequest(bad) => json!({"fieldViolations": bad.field_violations.iter()
            .map(|violation| json!({"field": violation.field, "description": violation.description}))
            .collect::<Vec<_>>()}),
        RetryInfo(retry) => {
            let delay = retry.retry_delay.unwrap_or_default();
            match delay.subsec_millis() {
                0 => json!({"retryDelay": format!("{}s", delay.as_secs())}),
                millis => json!({"retryDelay": format!("{}.{millis:03}s", delay.as_secs())}),
            }
        }
        other => panic!("no page shows {other:?}"),
    };
    let kind = match json {
        _ if json["reason"].is_string() => "ErrorInfo",
        _ if json["retryDelay"].is_string() => "RetryInfo",
        _ => "BadRequest",
    };
    json["@type"] = json!(format!("type.googleapis.com/google.rpc.{kind}"));
    json
}

/// INVALID_ARGUMENT for InvalidArgument.
pub fn name(code: Code) -> String {
    let camel = format!("{code:?}");
    let parts =
        camel.chars().flat_map(|letter| letter.is_uppercase().then_some('_').into_iter().chain([letter]));
    parts.collect::<String>().trim_start_matches('_').to_uppercase()
}

/// The text with ID for every UUID: those differ from run to run.
fn normal(text: &str) -> String {
    let mut normal = String::new();
    let mut rest = text;
    while let Some(first) = rest.chars().next() {
        let id = rest.get(..36).filter(|text| uuid::Uuid::try_parse(text).is_ok());
        normal.push_str(if id.is_some() { "ID" } else { &rest[..first.len_utf8()] });
        rest = &rest[if id.is_some() { 36 } else { first.len_utf8() }..];
    }
    normal
}
