//! What all verbs that change stock share: the key under which they do it once, and what they print.

use clap::Args;
use ordermesh_console::connect::{Session, unary};
use ordermesh_console::failure::Failure;
use ordermesh_console::render::facts;
use prost::Name;
use tonic::{Request, Response, Status};
use uuid::Uuid;

/// The idempotency key.
#[derive(Debug, Args)]
pub struct Key {
    /// Idempotency key: repeated with the same one, nothing is done again; made up when left out
    #[arg(long, value_name = "ID")]
    request_id: Option<String>,
}

impl Key {
    /// The one that was given, or a new one.
    pub fn or_new(self) -> String {
        self.request_id.unwrap_or_else(|| Uuid::now_v7().to_string())
    }
}

/// A sentence for people about a change.
#[derive(Debug, Args)]
pub struct Remark {
    /// More about it, for people
    #[arg(long, default_value = "", hide_default_value = true)]
    pub note: String,
}

/// Asks for a change and prints the answer: `body` shows what it tells, and the token and whether it was replayed.
pub async fn change<Q, A: Name>(
    session: &Session,
    request_id: &str,
    request: Q,
    ask: impl AsyncFnOnce(Request<Q>) -> Result<Response<A>, Status>,
    body: impl FnOnce(&A) -> (String, bool, String),
) -> Result<(), Failure> {
    let answer = match ask(unary(request)).await {
        Ok(response) => response.into_inner(),
        Err(status) => return Err(unanswered(status.into(), request_id)),
    };
    if session.out.is_json() {
        let mut document = session.out.value(&answer)?;
        document["request_id"] = request_id.into();
        return session.out.document(&document);
    }
    let (shown, replayed, token) = body(&answer);
    let replayed = if replayed { "the request id was known: nothing was done again" } else { "" };
    let around =
        facts(&[("request id", request_id.to_owned()), ("replayed", replayed.to_owned()), ("token", token)]);
    session.out.text(&format!("{shown}\n\n{around}"))
}

/// Nobody knows whether a change without answer was made: the key makes asking again harmless.
fn unanswered(failure: Failure, request_id: &str) -> Failure {
    match failure.outcome_is_open() {
        true => failure.hint(format_args!("repeat it with --request-id {request_id}, it is done only once")),
        false => failure,
    }
}
