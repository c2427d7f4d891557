//! The one shape of an error on the wire: a `google.rpc.Status` with exactly one ErrorInfo.
//!
//! A context lists its refusals in one table that turns each into a [`Problem`]; `Status::from` writes it down.
//! Reasons come from the enums of the contracts, and every reason has a page in `docs/errors`.

use std::collections::HashMap;
use std::time::Duration;

use tonic::{Code, Status};
use tonic_types::{ErrorDetails, StatusExt};

use crate::common::v1::CommonErrorReason;
use crate::feed::v1::FeedErrorReason;
use crate::order::v1::OrderErrorReason;

/// The domain of every ErrorInfo that ordermesh sends.
pub const DOMAIN: &str = "ordermesh.dev";

/// A reason from one of the contracts' reason enums.
pub trait Reason {
    /// The reason as ErrorInfo carries it: the enum value's name without the enum's prefix.
    fn reason(&self) -> &'static str;
}

macro_rules! reasons {
    ($($enumeration:ty => $prefix:literal),* $(,)?) => {
        $(impl Reason for $enumeration {
            fn reason(&self) -> &'static str {
                let name = self.as_str_name();
                name.strip_prefix($prefix).unwrap_or(name)
            }
        })*
    };
}

reasons! {
    CommonErrorReason => "COMMON_ERROR_REASON_",
    FeedErrorReason => "FEED_ERROR_REASON_",
    OrderErrorReason => "ORDER_ERROR_REASON_",
}

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

impl From<Problem> for Status {
    fn from(Problem(problem): Problem) -> Self {
        let mut details = ErrorDetails::with_error_info(problem.reason, DOMAIN, problem.metadata);
        for (field, description) in problem.violations {
            details.add_bad_request_violation(field, description);
        }
        if let Some(delay) = problem.retry_after {
            details.set_retry_info(Some(delay));
        }
        Status::with_error_details(problem.code, problem.message, details)
    }
}

/// The reason that a status carries, if it has one.
pub fn reason_of(status: &Status) -> Option<String> {
    status.get_details_error_info().map(|info| info.reason)
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

    /// True while nothing is wrong.
    pub fn is_empty(&self) -> bool {
        self.0.is_empty()
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
