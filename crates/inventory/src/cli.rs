//! `ordermesh stock …`: the verbs that change and read stock, a file each. They are clients of this server by its contract
//! and know nothing of its insides.

mod adjust;
mod change;
mod get;
mod level;
mod list;
mod low;
mod receive;
mod release;
mod reservations;
mod reserve;
mod show;
mod transfer;

use clap::Subcommand;
use ordermesh_console::connect::{Common, MAX_ANSWER_BYTES, Session};
use ordermesh_console::failure::{Failure, Service};
use ordermesh_console::verb::{Noun, Verb, Verbs};
use ordermesh_proto::inventory::v1::inventory_command_service_client::InventoryCommandServiceClient;
use ordermesh_proto::inventory::v1::inventory_query_service_client::InventoryQueryServiceClient;
use tonic::transport::Channel;

const NOUN: Noun = Noun { name: "stock", about: "Count, move, reserve and look up stock" };

const COMMANDS: Service = Service::new("InventoryCommandService", "the inventory server (inventory)");
const QUERIES: Service = Service::new("InventoryQueryService", "the inventory server (inventory)");

/// The verbs of this context.
pub fn verbs() -> Vec<Verbs> {
    vec![Verbs::of::<StockVerb>(NOUN)]
}

#[derive(Debug, Subcommand)]
enum StockVerb {
    /// Take goods in
    Receive(receive::Receive),
    /// Say how many pieces there are, or how many more or fewer than were thought
    Adjust(adjust::Adjust),
    /// Move available pieces to another location
    Transfer(transfer::Transfer),
    /// Say at how few available pieces an article is to be ordered anew
    Level(level::Level),
    /// Show an article at all its locations
    Get(get::Get),
    /// List stock
    List(list::List),
    /// Show what is low, then what gets there, until Ctrl-C
    Low(low::Low),
    /// Set pieces aside for a while, all of them or none
    Reserve(reserve::Reserve),
    /// End a reservation that belongs to no order
    Release(release::Release),
    /// List reservations, the newest first, or show one
    Reservations(reservations::Reservations),
}

impl Verb for StockVerb {
    fn service(&self) -> Service {
        match self {
            Self::Get(_) | Self::List(_) | Self::Low(_) | Self::Reservations(_) => QUERIES,
            Self::Receive(_)
            | Self::Adjust(_)
            | Self::Transfer(_)
            | Self::Level(_)
            | Self::Reserve(_)
            | Self::Release(_) => COMMANDS,
        }
    }

    async fn run(self, common: Common) -> Result<(), Failure> {
        match self {
            Self::Receive(receive) => receive::run(receive, common).await,
            Self::Adjust(adjust) => adjust::run(adjust, common).await,
            Self::Transfer(transfer) => transfer::run(transfer, common).await,
            Self::Level(level) => level::run(level, common).await,
            Self::Get(get) => get::run(get, common).await,
            Self::List(list) => list::run(list, common).await,
            Self::Low(low) => low::run(low, common).await,
            Self::Reserve(reserve) => reserve::run(reserve, common).await,
            Self::Release(release) => release::run(release, common).await,
            Self::Reservations(reservations) => reservations::run(reservations, common).await,
        }
    }
}

fn commands(session: &Session) -> InventoryCommandServiceClient<Channel> {
    InventoryCommandServiceClient::new(session.channel()).max_decoding_message_size(MAX_ANSWER_BYTES)
}

fn queries(session: &Session) -> InventoryQueryServiceClient<Channel> {
    InventoryQueryServiceClient::new(session.channel()).max_decoding_message_size(MAX_ANSWER_BYTES)
}
