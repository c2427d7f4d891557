//! The one shape of an error on the wire: a `google.rpc.Status` with exactly one ErrorInfo.
//!
//! A context lists its refusals in one table that turns each into a [`Problem`]; `Status::from` writes it down.
//! Reasons come from the enums of the contracts, and every reason has a page in `docs/errors`.

use std::collections::HashMap;
use std::time::Duration;

use tonic::{Code, Status};
use tonic_types::{ErrorDetails, ErrorInfo, StatusExt};

use crate::common::v1::CommonErrorReason;

/// The domain of every ErrorInfo that ordermesh sends.
pub const DOMAIN: &str = "ordermesh.dev";

/// A reason from one of the contracts' reason enums.
pub trait Reason {
    /// The reason as ErrorInfo carries it: the enum value's name without the enum's prefix.
    fn reason(&self) -> &'static str;
}

macro_rules! reasons {
    ($enumeration:ty => $prefix:literal) => {
        impl Reason for $enumeration {
            fn reason(&self) -> &'static str {
                let name = self.as_str_name();
                name.strip_prefix($prefix).unwrap_or(name)
            }
        }
    };
}

include!(concat!(env!("OUT_DIR"), "/reasons.rs"));

/// An error before it is written as a status. Boxed: it is the rare half of many results.
#[derive(Debug, Clone)]
pub struct Problem(Box<Parts>);

#[derive(Debug, Clone)]
struct Parts {
    code: Code,
    reason: &'static str,
    message: String,
    metadata: HashMap<String, String>,
    violations: Vec<(String, String)>,
    retry_after: Option<Duration>,
}

impl Problem {
    /// An error with a gRPC code, a reason of the contract and a sentence for people.
    pub fn new(code: Code, reason: impl Reason, message: impl Into<String>) -> Self {
        Self(Box::new(Parts {
            code,
            reason: reason.reason(),
            message: message.into(),
            metadata: HashMap::new(),
            violations: Vec::new(),
            retry_after: None,
        }))
    }

    /// INVALID_ARGUMENT: the request is wrong whatever the state of the server.
    pub fn invalid(reason: impl Reason, message: impl Into<String>) -> Self {
        Self::new(Code::InvalidArgument, reason, message)
    }

    /// Adds a key of the ErrorInfo's metadata.
    #[must_use]
    pub fn with(mut self, key: &str, value: impl ToString) -> Self {
        self.0.metadata.insert(key.to_owned(), value.to_string());
        self
    }

    /// Adds a BadRequest violation: a field by its path such as `lines[0].sku` and what is wrong with it.
    #[must_use]
    pub fn field(mut self, path: impl Into<String>, description: impl Into<String>) -> Self {
        self.0.violations.push((path.into(), description.into()));
        self
    }

    /// Adds RetryInfo: trying again makes sense after this time.
    #[must_use]
    pub fn retry_after(mut self, delay: Duration) -> Self {
        self.0.retry_after = Some(delay);
        self
    }
}

// A status travels in HTTP/2 headers, of which many clients take 8 KiB in all: a longer one would reach them as an
// error of the transport, without any reason.
const MAX_MESSAGE_BYTES: usize = 300;
const MAX_VALUE_BYTES: usize = 200;
const MAX_VIOLATIONS_BYTES: usize = 2_000;

impl From<Problem> for Status {
    fn from(Problem(problem): Problem) -> Self {
        let metadata =
            problem.metadata.into_iter().map(|(key, value)| (key, shortened(value, MAX_VALUE_BYTES)));
        let mut details =
            ErrorDetails::with_error_info(problem.reason, DOMAIN, metadata.collect::<HashMap<_, _>>());
        let (mut bytes, count) = (0, problem.violations.len());
        for (index, (field, description)) in problem.violations.into_iter().enumerate() {
            let (field, description) =
                (shortened(field, MAX_VALUE_BYTES), shortened(description, MAX_VALUE_BYTES));
            bytes += field.len() + description.len();
            if bytes > MAX_VIOLATIONS_BYTES {
                details.add_bad_request_violation(field, format!("and {} more", count - index));
                break;
            }
            details.add_bad_request_violation(field, description);
        }
        if let Some(delay) = problem.retry_after {
            details.set_retry_info(Some(delay));
        }
        Status::with_error_details(problem.code, shortened(problem.message, MAX_MESSAGE_BYTES), details)
    }
}

/// At most `max` bytes of a text, whole characters, with a sign that something is missing.
fn shortened(mut text: String, max: usize) -> String {
    if text.len() > max {
        text.truncate(text.floor_char_boundary(max - '…'.len_utf8()));
        text.push('…');
    }
    text
}

/// The reason that a status carries, if it has one.
pub fn reason_of(status: &Status) -> Option<String> {
    info_of(status).map(|info| info.reason)
}

/// The reason and the values for programs that a status carries, if it has them.
pub fn info_of(status: &Status) -> Option<ErrorInfo> {
    status.get_details_error_info()
}

/// Collects what is wrong with a request's fields, so that one answer names them all.
#[derive(Debug, Default)]
pub struct Violations(Vec<(String, String)>);

impl Violations {
    /// Notes that the field at `path` is wrong.
    pub fn add(&mut self, path: impl Into<String>, description: impl Into<String>) {
        self.0.push((path.into(), description.into()));
    }

    /// The value of a parse, or `None` with its error noted under `path`.
    pub fn check<T, E: ToString>(&mut self, path: impl Into<String>, parsed: Result<T, E>) -> Option<T> {
        parsed.map_err(|error| self.add(path, error.to_string())).ok()
    }

    /// INVALID_REQUEST with every violation, or nothing when there is none.
    pub fn into_problem(self) -> Result<(), Problem> {
        let Some((field, description)) = self.0.first() else { return Ok(()) };
        let message = match self.0.len() {
            1 => format!("{field}: {description}"),
            count => format!("{field}: {description} (and {} more)", count - 1),
        };
        let mut problem = Problem::invalid(CommonErrorReason::InvalidRequest, message);
        problem.0.violations = self.0;
        Err(problem)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_error_fits_into_the_headers_that_clients_take_however_much_is_wrong() {
        let mut violations = Violations::default();
        for line in 0..1000 {
            violations.add(format!("lines[{line}].sku"), "ü".repeat(1000));
        }
        let problem =
            violations.into_problem().err().map(|problem| problem.with("name", "ü".repeat(100_000)));
        let status = Status::from(problem.unwrap());
        // Three bytes for one in a message with other than ASCII, four for three in the details.
        assert!(status.message().len() * 3 + status.details().len() * 4 / 3 < 6_000);
        let details = status.get_error_details();
        assert_eq!(details.error_info().map(|info| info.reason.as_str()), Some("INVALID_REQUEST"));
        let fields =
            details.bad_request().map(|request| request.field_violations.clone()).unwrap_or_default();
        assert_eq!(fields[0].field, "lines[0].sku");
        assert!(fields.last().is_some_and(|last| last.description.ends_with("more")));
    }

    #[test]
    fn a_short_text_stays_and_a_long_one_ends_on_a_whole_character() {
        assert_eq!(shortened("TEA".to_owned(), 3), "TEA");
        assert_eq!(shortened("äöüß".to_owned(), 7), "äö…");
    }
}
