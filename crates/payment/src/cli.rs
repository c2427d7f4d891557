//! `ordermesh payment …`: the verbs on payments, a file each. They are clients of this server by its contract and know
//! nothing of its insides.

mod act;
mod get;
mod list;
mod resolve;
mod retry;
mod show;

use clap::Subcommand;
use ordermesh_console::connect::{Address, Common, MAX_ANSWER_BYTES, Session};
use ordermesh_console::failure::{Failure, Service};
use ordermesh_console::render::facts;
use ordermesh_console::verb::{Noun, Verb, Verbs};
use ordermesh_proto::payment::v1::payment_command_service_client::PaymentCommandServiceClient;
use ordermesh_proto::payment::v1::payment_query_service_client::PaymentQueryServiceClient;
use tonic::transport::Channel;

const PAYMENT: Noun = Noun { name: "payment", about: "Read payments and see to what fails" };
const SERVICE: Service = Service::new("PaymentQueryService", "the payment server (payment)");

/// The verbs of this context.
pub fn verbs() -> Vec<Verbs> {
    vec![Verbs::of::<PaymentVerb>(PAYMENT)]
}

#[derive(Debug, Subcommand)]
enum PaymentVerb {
    /// Show a payment with its attempts and operations
    Get(get::Get),
    /// List payments, the last changed first
    List(list::List),
    /// Tell the sandbox what the customer has made of a required action such as 3-D Secure
    CompleteAction(act::CompleteAction),
    /// Have an operation that failed or waits tried now
    Retry(retry::Retry),
    /// State what has really happened to an operation that failed or whose outcome is unknown
    Resolve(resolve::Resolve),
}

impl Verb for PaymentVerb {
    fn service(&self) -> Service {
        SERVICE
    }

    async fn run(self, common: Common) -> Result<(), Failure> {
        match self {
            Self::Get(get) => get::run(get, common).await,
            Self::List(list) => list::run(list, common).await,
            Self::CompleteAction(action) => act::run(action, common).await,
            Self::Retry(retry) => retry::run(retry, common).await,
            Self::Resolve(resolve) => resolve::run(resolve, common).await,
        }
    }
}

fn commands(session: &Session) -> PaymentCommandServiceClient<Channel> {
    PaymentCommandServiceClient::new(session.channel())
}

fn queries(session: &Session) -> PaymentQueryServiceClient<Channel> {
    PaymentQueryServiceClient::new(session.channel()).max_decoding_message_size(MAX_ANSWER_BYTES)
}

/// Nobody knows whether a command without answer was carried out: the key makes asking again harmless.
fn unanswered(status: tonic::Status, request_id: &str) -> Failure {
    let failure = Failure::from(status);
    match failure.outcome_is_open() {
        true => failure.hint(format_args!("repeat it with --request-id {request_id}, it is done only once")),
        false => failure,
    }
}

/// What every command answers: the payment, its revision and status, and whether the request was known.
fn changed(answer: (&str, i64, i32, bool), request_id: &str, address: &Address) -> String {
    let (id, revision, status, replayed) = answer;
    let replayed = if replayed { "the request id was known: nothing was done again" } else { "" };
    let told = facts(&[
        ("payment", id.to_owned()),
        ("status", show::status(status)),
        ("revision", revision.to_string()),
        ("request id", request_id.to_owned()),
        ("replayed", replayed.to_owned()),
    ]);
    format!("{told}\n\nnext:  {}", address.command(format_args!("payment get {id}")))
}

/// Asks by a command and prints what it answers.
macro_rules! command {
    ($method:ident, $request:expr, $request_id:expr, $common:expr) => {{
        let (request, request_id) = ($request, $request_id);
        let session = ordermesh_console::connect::Session::open($common).await?;
        let answered = super::commands(&session).$method(ordermesh_console::connect::unary(request)).await;
        let answer = match answered {
            Ok(response) => response.into_inner(),
            Err(status) => return Err(super::unanswered(status, &request_id)),
        };
        if session.out.is_json() {
            let mut document = session.out.value(&answer)?;
            document["request_id"] = request_id.into();
            return session.out.document(&document);
        }
        let told = (answer.payment_id.as_str(), answer.revision, answer.status, answer.replayed);
        session.out.text(&super::changed(told, &request_id, &session.address))
    }};
}
use command;
