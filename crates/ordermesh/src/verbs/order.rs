//! `ordermesh order …`: the table of contents of the verbs on orders.

mod basket;
mod cancel;
mod get;
mod list;
mod place;
mod show;
mod timeline;
mod watch;

pub use show::contact;

use clap::{Args, Subcommand};

use super::connect::Common;
use super::failure::{Failure, Service};

/// A verb on orders with its options.
#[derive(Debug, Args)]
pub struct OrderCommand {
    #[command(flatten)]
    common: Common,
    #[command(subcommand)]
    verb: OrderVerb,
}

#[derive(Debug, Subcommand)]
enum OrderVerb {
    /// Place an order
    Place(Box<place::Place>),
    /// Show an order
    Get(get::Get),
    /// List orders
    List(list::List),
    /// Cancel an order as a whole
    Cancel(cancel::Cancel),
    /// Follow an order: as it is now, then again after each change until it is final
    Watch(watch::Watch),
    /// Tell what happened to an order, oldest first
    Timeline(timeline::Timeline),
}

impl OrderVerb {
    fn service(&self) -> Service {
        match self {
            Self::Place(_) | Self::Cancel(_) => Service::COMMANDS,
            Self::Get(_) | Self::List(_) | Self::Watch(_) | Self::Timeline(_) => Service::QUERIES,
        }
    }
}

/// Runs one verb against the server.
pub async fn run(command: OrderCommand) -> Result<(), Failure> {
    let (common, service) = (command.common, command.verb.service());
    let result = match command.verb {
        OrderVerb::Place(place) => place::run(*place, common).await,
        OrderVerb::Get(get) => get::run(get, common).await,
        OrderVerb::List(list) => list::run(list, common).await,
        OrderVerb::Cancel(cancel) => cancel::run(cancel, common).await,
        OrderVerb::Watch(watch) => watch::run(watch, common).await,
        OrderVerb::Timeline(timeline) => timeline::run(timeline, common).await,
    };
    result.map_err(|failure| failure.of(service))
}
