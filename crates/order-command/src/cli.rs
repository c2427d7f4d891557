//! `ordermesh order place|cancel`: the verbs that change orders, a file each. They are clients of this server by its
//! contract and know nothing of its insides.

mod basket;
mod cancel;
mod parse;
mod place;

use clap::Subcommand;
use ordermesh_console::connect::{Common, MAX_ANSWER_BYTES, Session};
use ordermesh_console::failure::{Failure, Service};
use ordermesh_console::order;
use ordermesh_console::verb::{Verb, Verbs};
use ordermesh_proto::order::v1::order_command_service_client::OrderCommandServiceClient;
use ordermesh_proto::order::v1::order_query_service_client::OrderQueryServiceClient;
use tonic::transport::Channel;

const COMMANDS: Service = Service::new("OrderCommandService", "the write server (order-command)");
/// For `place --wait`, which reads the order back.
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
}

impl Verb for OrderVerb {
    fn service(&self) -> Service {
        COMMANDS
    }

    async fn run(self, common: Common) -> Result<(), Failure> {
        match self {
            Self::Place(place) => place::run(*place, common).await,
            Self::Cancel(cancel) => cancel::run(cancel, common).await,
        }
    }
}

fn commands(session: &Session) -> OrderCommandServiceClient<Channel> {
    OrderCommandServiceClient::new(session.channel())
}

fn queries(session: &Session) -> OrderQueryServiceClient<Channel> {
    OrderQueryServiceClient::new(session.channel()).max_decoding_message_size(MAX_ANSWER_BYTES)
}
