//! `ordermesh order get|list|watch|timeline`: the verbs that read orders, a file each. They are clients of this server by
//! its contract and know nothing of its insides.

mod get;
mod list;
mod timeline;
mod watch;

use clap::Subcommand;
use ordermesh_console::connect::{Common, MAX_ANSWER_BYTES, Session};
use ordermesh_console::failure::{Failure, Service};
use ordermesh_console::order;
use ordermesh_console::verb::{Verb, Verbs};
use ordermesh_proto::order::v1::order_query_service_client::OrderQueryServiceClient;
use tonic::transport::Channel;

const QUERIES: Service = Service::new("OrderQueryService", "the read server (order-query)");

/// Of answers that nobody can vouch for.
const STALE: &str = "note: this may not be how it is, the read model has stopped or set events aside: see feed projections, feed parked";

/// The verbs of this context.
pub fn verbs() -> Vec<Verbs> {
    vec![Verbs::of::<OrderVerb>(order::NOUN)]
}

// Between them stand those of order-command: the numbers are places in the help of `order`.
#[derive(Debug, Subcommand)]
enum OrderVerb {
    /// Show an order
    #[command(display_order = 2)]
    Get(get::Get),
    /// List orders
    #[command(display_order = 3)]
    List(list::List),
    /// Follow an order: as it is now, then again after each change until it is final
    #[command(display_order = 5)]
    Watch(watch::Watch),
    /// Tell what happened to an order, oldest first
    #[command(display_order = 6)]
    Timeline(timeline::Timeline),
}

impl Verb for OrderVerb {
    fn service(&self) -> Service {
        QUERIES
    }

    async fn run(self, common: Common) -> Result<(), Failure> {
        match self {
            Self::Get(get) => get::run(get, common).await,
            Self::List(list) => list::run(list, common).await,
            Self::Watch(watch) => watch::run(watch, common).await,
            Self::Timeline(timeline) => timeline::run(timeline, common).await,
        }
    }
}

fn queries(session: &Session) -> OrderQueryServiceClient<Channel> {
    OrderQueryServiceClient::new(session.channel()).max_decoding_message_size(MAX_ANSWER_BYTES)
}
