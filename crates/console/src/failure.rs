//! How a verb fails: what stderr says in plain words, and the exit code that scripts can rely on.

use std::error::Error;
use std::io::{self, ErrorKind};
use std::process::ExitCode;
use std::time::Duration;

use tonic::{Code, Status, TimeoutExpired};
use tonic_types::{ErrorDetails, StatusExt};

use crate::connect::{Address, program};
use crate::output;

const REFUSED: u8 = 1;
const USAGE: u8 = 2;
const UNREACHABLE: u8 = 3;

/// A service that not every server has.
#[derive(Debug, Clone, Copy)]
pub struct Service {
    name: &'static str,
    server: &'static str,
}

impl Service {
    /// A service by its name without package, such as `OrderQueryService`, and who serves it in words that go on "ask …".
    pub const fn new(name: &'static str, server: &'static str) -> Self {
        Self { name, server }
    }

    /// That the address which was asked does not have it.
    pub fn absent(self) -> String {
        format!("this address serves no {}; ask {}", self.name, self.server)
    }
}

/// Why a verb did not do what was asked.
#[derive(Debug)]
pub struct Failure {
    exit_code: u8,
    lines: Vec<String>,
    /// The server does not have what was called.
    unknown_method: bool,
}

impl Failure {
    /// Nobody answers at the address.
    pub fn unreachable(address: &Address, error: &(dyn Error + 'static)) -> Self {
        let why = match io_error_kind(error) {
            Some(ErrorKind::ConnectionRefused) => "connection refused, nothing listens there".to_owned(),
            _ => root(error).to_string(),
        };
        Self::new(UNREACHABLE, format_args!("no server at {address}: {why}")).hint(format_args!(
            "start one with `{} dev`, or name another with --addr or ORDERMESH_ADDR",
            program()
        ))
    }

    fn new(exit_code: u8, message: impl std::fmt::Display) -> Self {
        Self { exit_code, lines: vec![format!("error: {message}")], unknown_method: false }
    }

    /// The command line contradicts itself in a way that clap cannot see.
    pub fn usage(message: &str) -> Self {
        Self::new(USAGE, message).hint("see --help")
    }

    /// The server answered with something that it should not.
    pub fn unexpected(message: impl std::fmt::Display) -> Self {
        Self::new(REFUSED, message)
    }

    /// True when the command may have been done although no answer came.
    pub fn outcome_is_open(&self) -> bool {
        self.exit_code == UNREACHABLE
    }

    /// The failure of a call to `service`: when the address has no such service, it says which server has it.
    #[must_use]
    pub fn of(mut self, service: Service) -> Self {
        if std::mem::take(&mut self.unknown_method)
            && let Some(error) = self.lines.first_mut()
        {
            *error = format!("error: {}", service.absent());
        }
        self
    }

    /// The command before this failure was done. Never 3, on which a script would repeat the command.
    #[must_use]
    pub fn after(mut self, done: &str) -> Self {
        self.exit_code = REFUSED;
        if let Some(error) = self.lines.first_mut() {
            *error = error.replacen("error: ", &format!("error: {done}: "), 1);
        }
        self
    }

    /// The same for a command on several things, of which these are `done`, such as deleted.
    #[must_use]
    pub fn after_some(self, things: &[String], done: &str) -> Self {
        match things {
            [] => self,
            [one] => self.after(&format!("{one} is {done}, but")),
            several => self.after(&format!("{} are {done}, but", several.join(", "))),
        }
    }

    /// Adds a line that says what to do next.
    #[must_use]
    pub fn hint(mut self, hint: impl std::fmt::Display) -> Self {
        self.lines.push(format!("hint: {hint}"));
        self
    }

    /// Prints the failure on stderr and gives the exit code. A reader that closed the pipe has seen enough: no error.
    pub fn report(self) -> ExitCode {
        self.lines.iter().for_each(|line| output::note(line));
        ExitCode::from(self.exit_code)
    }
}

impl From<io::Error> for Failure {
    fn from(error: io::Error) -> Self {
        match error.kind() {
            ErrorKind::BrokenPipe => Self { exit_code: 0, lines: Vec::new(), unknown_method: false },
            _ => Self::unexpected(format_args!("cannot write the output: {error}")),
        }
    }
}

impl From<Status> for Failure {
    fn from(status: Status) -> Self {
        let timed_out = caused_by::<TimeoutExpired>(&status);
        let away = timed_out
            || matches!(status.code(), Code::Unavailable | Code::DeadlineExceeded)
            || broken(&status);
        let details = status.get_error_details();
        let message = match (timed_out, broken(&status), status.message()) {
            (true, _, _) => "the server did not answer in time",
            (_, true, _) => "the connection broke off before the answer came",
            (_, _, "") => status.code().description(),
            (_, _, message) => message,
        };
        let mut lines = vec![format!("error: {message}")];
        match details.error_info() {
            Some(info) => lines.push(format!("reason: {0} (docs/errors/{0}.md)", info.reason)),
            // A time-out on this side is CANCELLED to tonic; people know it by its other name.
            None => lines
                .push(format!("code: {:?}", if timed_out { Code::DeadlineExceeded } else { status.code() })),
        }
        lines.extend(detail_lines(&details, message));
        if away && details.error_info().is_none() {
            lines.push(format!("hint: is the server running? start one with `{} dev`", program()));
        }
        let exit_code = if away { UNREACHABLE } else { REFUSED };
        Self { exit_code, lines, unknown_method: status.code() == Code::Unimplemented }
    }
}

fn detail_lines(details: &ErrorDetails, message: &str) -> Vec<String> {
    let mut lines = Vec::new();
    for violation in details.bad_request().iter().flat_map(|request| &request.field_violations) {
        let line = field_line(&violation.field, &violation.description);
        // With one wrong field the message has said it all.
        if line != message {
            lines.push(format!("  {line}"));
        }
    }
    for violation in details.precondition_failure().iter().flat_map(|failure| &failure.violations) {
        lines.push(format!("  {}: {}", violation.subject, violation.description));
    }
    for violation in details.quota_failure().iter().flat_map(|failure| &failure.violations) {
        lines.push(format!("  {}: {}", violation.subject, violation.description));
    }
    let mut metadata: Vec<_> = details.error_info().iter().flat_map(|info| &info.metadata).collect();
    metadata.sort();
    lines.extend(metadata.iter().map(|(key, value)| format!("  {key} = {value}")));
    if let Some(delay) = details.retry_info().and_then(|info| info.retry_delay) {
        lines.push(format!("retry after {}", seconds(delay)));
    }
    lines
}

/// Some descriptions name their field themselves.
fn field_line(field: &str, description: &str) -> String {
    match description.starts_with(field) {
        true => description.to_owned(),
        false => format!("{field}: {description}"),
    }
}

fn seconds(delay: Duration) -> String {
    match delay.subsec_millis() {
        0 => format!("{} s", delay.as_secs()),
        _ => format!("{} ms", delay.as_millis()),
    }
}

/// True when the connection broke instead of the server answering: a status with a source was made on this side.
pub fn broken(status: &Status) -> bool {
    status.source().is_some() && !caused_by::<TimeoutExpired>(status)
}

fn caused_by<E: Error + 'static>(status: &Status) -> bool {
    chain(status).any(|error| error.is::<E>())
}

fn chain<'a>(error: &'a (dyn Error + 'static)) -> impl Iterator<Item = &'a (dyn Error + 'static)> {
    std::iter::successors(Some(error), |error: &&'a (dyn Error + 'static)| (*error).source())
}

fn root<'a>(error: &'a (dyn Error + 'static)) -> &'a (dyn Error + 'static) {
    chain(error).last().unwrap_or(error)
}

fn io_error_kind(error: &(dyn Error + 'static)) -> Option<ErrorKind> {
    chain(error).find_map(|error| error.downcast_ref::<io::Error>()).map(io::Error::kind)
}

#[cfg(test)]
mod tests {
    use ordermesh_proto::common::v1::CommonErrorReason;
    use ordermesh_proto::error::Problem;
    use ordermesh_proto::order::v1::OrderErrorReason;

    use super::*;

    #[test]
    fn a_refusal_names_its_reason_its_page_and_its_metadata() {
        let problem = Problem::invalid(OrderErrorReason::TotalMismatch, "not that total")
            .with("computed", "9.00 EUR")
            .with("expected", "8.00 EUR");
        let failure = Failure::from(Status::from(problem));
        assert_eq!(failure.exit_code, REFUSED);
        assert_eq!(
            failure.lines,
            [
                "error: not that total",
                "reason: TOTAL_MISMATCH (docs/errors/TOTAL_MISMATCH.md)",
                "  computed = 9.00 EUR",
                "  expected = 8.00 EUR",
            ]
        );
    }

    #[test]
    fn each_wrong_field_has_a_line() {
        let problem = Problem::invalid(CommonErrorReason::InvalidRequest, "bad")
            .field("lines[0].sku", "empty")
            .field("request_id", "too long");
        let failure = Failure::from(Status::from(problem));
        assert_eq!(failure.lines[2..], ["  lines[0].sku: empty", "  request_id: too long"]);
    }

    #[test]
    fn a_field_is_named_once() {
        let problem =
            Problem::invalid(CommonErrorReason::InvalidRequest, "request_id: too long (and 1 more)")
                .field("request_id", "too long")
                .field("lines[0].sku", "lines[0].sku is empty");
        let failure = Failure::from(Status::from(problem));
        assert_eq!(failure.lines[2..], ["  request_id: too long", "  lines[0].sku is empty"]);
    }

    #[test]
    fn what_the_message_says_of_the_only_wrong_field_is_not_repeated() {
        let problem = Problem::invalid(CommonErrorReason::InvalidRequest, "request_id: too long")
            .field("request_id", "too long");
        assert_eq!(Failure::from(Status::from(problem)).lines[2..], [""; 0]);
    }

    #[test]
    fn a_server_without_the_service_is_told_apart_from_the_one_that_has_it() {
        let problem = Problem::new(Code::Unimplemented, CommonErrorReason::UnknownMethod, "no such method");
        let queries = Service::new("OrderQueryService", "the read server (order-query)");
        let outer = Service::new("OrderCommandService", "the write server (order-command)");
        let failure = Failure::from(Status::from(problem)).of(queries).of(outer);
        let said = "error: this address serves no OrderQueryService; ask the read server (order-query)";
        assert_eq!((failure.exit_code, failure.lines[0].as_str()), (REFUSED, said));
    }

    #[test]
    fn a_failure_after_the_command_was_done_does_not_invite_to_repeat_it() {
        let failure = Failure::from(Status::unavailable("away")).after("placed, but");
        assert_eq!((failure.exit_code, failure.lines[0].as_str()), (REFUSED, "error: placed, but: away"));
        assert!(!failure.outcome_is_open());
    }

    #[test]
    fn a_server_that_asks_to_wait_is_not_told_to_be_absent() {
        let problem = Problem::new(Code::Unavailable, CommonErrorReason::ProjectionBehind, "behind")
            .retry_after(Duration::from_millis(250));
        let failure = Failure::from(Status::from(problem));
        assert_eq!(failure.exit_code, UNREACHABLE);
        assert_eq!(failure.lines.last().map(String::as_str), Some("retry after 250 ms"));
    }

    #[test]
    fn a_closed_pipe_is_no_failure() {
        let failure = Failure::from(io::Error::from(ErrorKind::BrokenPipe));
        assert_eq!((failure.exit_code, failure.lines.len()), (0, 0));
    }
}
