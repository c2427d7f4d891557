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
use prost::Name;
use tonic::transport::Channel;
use tonic::{Response, Status};

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
fn unanswered(status: Status, request_id: &str) -> Failure {
    let failure = Failure::from(status);
    match failure.outcome_is_open() {
        true => failure.hint(format_args!("repeat it with --request-id {request_id}, it is done only once")),
        false => failure,
    }
}

/// What every command answers: the payment, its revision and status, and whether the request was known.
type Changed = (String, i64, i32, bool);

/// Prints what a command answers.
fn tell<M: Name>(
    session: &Session,
    answered: Result<Response<M>, Status>,
    request_id: String,
    changed: impl FnOnce(&M) -> Changed,
) -> Result<(), Failure> {
    let answer = match answered {
        Ok(response) => response.into_inner(),
        Err(status) => return Err(unanswered(status, &request_id)),
    };
    if session.out.is_json() {
        let mut document = session.out.value(&answer)?;
        document["request_id"] = request_id.into();
        return session.out.document(&document);
    }
    session.out.text(&summary(changed(&answer), request_id, &session.address))
}

fn summary((id, revision, status, replayed): Changed, request_id: String, address: &Address) -> String {
    let replayed = if replayed { "the request id was known: nothing was done again" } else { "" };
    let told = facts(&[
        ("payment", id.clone()),
        ("status", show::status(status)),
        ("revision", revision.to_string()),
        ("request id", request_id),
        ("replayed", replayed.to_owned()),
    ]);
    format!("{told}\n\nnext:  {}", address.command(format_args!("payment get {id}")))
}
