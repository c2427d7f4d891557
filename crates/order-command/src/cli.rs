//! `ordermesh order place|cancel|ship|…`: the verbs that change orders, a file each; `change` is what they share. They are
//! clients of this server by its contract and know nothing of its insides.

mod approve_return;
mod ask_back;
mod basket;
mod cancel;
mod cancel_lines;
mod change;
mod deliver;
mod hold;
mod lose;
mod note;
mod parse;
mod pieces;
mod place;
mod receive_return;
mod reject_return;
mod release;
mod retry_payment;
mod ship;

use clap::Subcommand;
use ordermesh_console::connect::{Common, MAX_ANSWER_BYTES, Session};
use ordermesh_console::failure::{Failure, Service};
use ordermesh_console::order;
use ordermesh_console::verb::{Verb, Verbs};
use ordermesh_proto::order::v1::order_command_service_client::OrderCommandServiceClient;
use ordermesh_proto::order::v1::order_query_service_client::OrderQueryServiceClient;
use tonic::transport::Channel;

const COMMANDS: Service = Service::new("OrderCommandService", "the write server (order-command)");
/// For `place --wait`, which reads the order back, and `ship`, which looks what is left.
const QUERIES: Service = Service::new("OrderQueryService", "the read server (order-query)");

/// Below the command that reads what a command wrote: whoever answered it need not serve queries.
const READ_ELSEWHERE: &str = "(where the read server has an address of its own, ask that one: --addr)";

/// The verbs of this context.
pub fn verbs() -> Vec<Verbs> {
    vec![Verbs::of::<OrderVerb>(order::NOUN)]
}

// Between them stand those of order-query: the numbers are places in the help of `order`.
#[derive(Debug, Subcommand)]
enum OrderVerb {
    /// Place an order
    #[command(display_order = 1)]
    Place(Box<place::Place>),
    /// Cancel an order as a whole
    #[command(display_order = 4)]
    Cancel(cancel::Cancel),
    /// Cancel pieces that were not dispatched
    #[command(display_order = 7)]
    CancelLines(cancel_lines::CancelLines),
    /// Hold an order: nothing leaves until the hold is released
    #[command(display_order = 8)]
    Hold(hold::Hold),
    /// Release a hold
    #[command(display_order = 9)]
    Release(release::Release),
    /// Try another means of payment
    #[command(display_order = 10)]
    RetryPayment(retry_payment::RetryPayment),
    /// Let goods leave
    #[command(display_order = 11)]
    Ship(ship::Ship),
    /// Say that a shipment has arrived
    #[command(display_order = 12)]
    Deliver(deliver::Deliver),
    /// Say that a shipment will not arrive
    #[command(display_order = 13)]
    Lose(lose::Lose),
    /// Ask to send delivered goods back
    #[command(display_order = 14)]
    Return(ask_back::AskBack),
    /// Let goods be sent back
    #[command(display_order = 15)]
    ApproveReturn(approve_return::ApproveReturn),
    /// Do not let goods be sent back
    #[command(display_order = 16)]
    RejectReturn(reject_return::RejectReturn),
    /// Say what came back
    #[command(display_order = 17)]
    ReceiveReturn(receive_return::ReceiveReturn),
    /// Add a note for the staff
    #[command(display_order = 18)]
    Note(note::Note),
}

impl Verb for OrderVerb {
    fn service(&self) -> Service {
        COMMANDS
    }

    async fn run(self, common: Common) -> Result<(), Failure> {
        match self {
            Self::Place(verb) => place::run(*verb, common).await,
            Self::Cancel(verb) => cancel::run(verb, common).await,
            Self::CancelLines(verb) => cancel_lines::run(verb, common).await,
            Self::Hold(verb) => hold::run(verb, common).await,
            Self::Release(verb) => release::run(verb, common).await,
            Self::RetryPayment(verb) => retry_payment::run(verb, common).await,
            Self::Ship(verb) => ship::run(verb, common).await,
            Self::Deliver(verb) => deliver::run(verb, common).await,
            Self::Lose(verb) => lose::run(verb, common).await,
            Self::Return(verb) => ask_back::run(verb, common).await,
            Self::ApproveReturn(verb) => approve_return::run(verb, common).await,
            Self::RejectReturn(verb) => reject_return::run(verb, common).await,
            Self::ReceiveReturn(verb) => receive_return::run(verb, common).await,
            Self::Note(verb) => note::run(verb, common).await,
        }
    }
}

fn commands(session: &Session) -> OrderCommandServiceClient<Channel> {
    OrderCommandServiceClient::new(session.channel())
}

fn queries(session: &Session) -> OrderQueryServiceClient<Channel> {
    OrderQueryServiceClient::new(session.channel()).max_decoding_message_size(MAX_ANSWER_BYTES)
}
