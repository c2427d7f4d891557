//! `ordermesh feed …`: the table of contents of the verbs on the feed and the read models that it feeds.

mod event;
mod export;
mod import;
mod info;
mod projections;
mod rebuild;
mod tail;
mod truncate;

use clap::{Args, Subcommand};

use super::connect::Common;
use super::failure::{Failure, Service};

/// A verb on the feed with its options.
#[derive(Debug, Args)]
pub struct FeedCommand {
    #[command(flatten)]
    common: Common,
    #[command(subcommand)]
    verb: FeedVerb,
}

#[derive(Debug, Subcommand)]
enum FeedVerb {
    /// Print the events, a line each, from any place in history on
    Tail(tail::Tail),
    /// Show what the feed is and where it stands
    Info,
    /// List the read models and how far each has come
    Projections,
    /// Rebuild a read model from the first event; the old one serves until then
    Rebuild(rebuild::Rebuild),
    /// Write a log from its database to an archive, also while its server runs
    Export(export::Export),
    /// Read archives into the empty log of a database, its server stopped: the events, not the orders
    Import(import::Import),
    /// Take the oldest events out of a log, after archiving them
    Truncate(truncate::Truncate),
}

impl FeedVerb {
    fn service(&self) -> Service {
        match self {
            Self::Tail(_) | Self::Info => Service::EVENTS,
            // They call no server.
            Self::Export(_) | Self::Import(_) | Self::Truncate(_) => Service::EVENTS,
            Self::Projections | Self::Rebuild(_) => Service::PROJECTIONS,
        }
    }
}

/// Runs one verb against the server.
pub async fn run(command: FeedCommand) -> Result<(), Failure> {
    let (common, service) = (command.common, command.verb.service());
    let result = match command.verb {
        FeedVerb::Tail(tail) => tail::run(tail, common).await,
        FeedVerb::Info => info::run(common).await,
        FeedVerb::Projections => projections::run(common).await,
        FeedVerb::Rebuild(rebuild) => rebuild::run(rebuild, common).await,
        FeedVerb::Export(export) => export::run(export, common).await,
        FeedVerb::Import(import) => import::run(import, common).await,
        FeedVerb::Truncate(truncate) => truncate::run(truncate, common).await,
    };
    result.map_err(|failure| failure.of(service))
}
