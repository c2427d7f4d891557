//! `ordermesh feed …`: the table of contents of the verbs on the feed and the read models that it feeds.

mod delete_group;
mod discard;
mod event;
mod export;
mod follower;
mod forget_subscriber;
mod groups;
mod import;
mod info;
mod keys;
mod lag;
mod parked;
mod projections;
mod rebuild;
mod replay;
mod reset_group;
mod services;
mod tail;
mod truncate;

use clap::{Args, Subcommand};
use ordermesh_console::connect::{Common, of_servers_only};
use ordermesh_console::failure::{Failure, Service};

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
    /// List the consumer groups and how far each has come, or show one with its members and slots
    Groups(groups::Groups),
    /// Show how far behind every group, registered subscriber and consumer is
    Lag,
    /// List the events that a group or a consumer has set aside, and why
    Parked(parked::Parked),
    /// Have parked events handled again, those of each key in their order
    Replay(replay::Replay),
    /// Give parked events up: they never have an effect
    Discard(discard::Discard),
    /// Forget a subscriber that reports no more, so that the log may be truncated before it
    ForgetSubscriber(forget_subscriber::ForgetSubscriber),
    /// Set a group to another place in the feed
    ResetGroup(reset_group::ResetGroup),
    /// Delete groups with what they have parked, so that the log may be truncated before them
    DeleteGroup(delete_group::DeleteGroup),
    /// Write a log from its database to an archive, also while its server runs
    #[command(args = of_servers_only())]
    Export(export::Export),
    /// Read archives into the empty log of a database, its server stopped: the events, not the orders
    #[command(args = of_servers_only())]
    Import(import::Import),
    /// Take the oldest events out of a log, after archiving them
    #[command(args = of_servers_only())]
    Truncate(truncate::Truncate),
}

impl FeedVerb {
    fn service(&self) -> Service {
        match self {
            Self::Tail(_) | Self::Info => services::EVENTS,
            // They call no server.
            Self::Export(_) | Self::Import(_) | Self::Truncate(_) => services::EVENTS,
            Self::Projections | Self::Rebuild(_) => services::PROJECTIONS,
            Self::Groups(_) | Self::Lag | Self::ForgetSubscriber(_) => services::EVENTS,
            Self::ResetGroup(_) | Self::DeleteGroup(_) => services::EVENTS,
            Self::Parked(parked) => parked.service(),
            Self::Replay(replay) => replay.service(),
            Self::Discard(discard) => discard.service(),
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
        FeedVerb::Groups(groups) => groups::run(groups, common).await,
        FeedVerb::Lag => lag::run(common).await,
        FeedVerb::Parked(parked) => parked::run(parked, common).await,
        FeedVerb::Replay(replay) => replay::run(replay, common).await,
        FeedVerb::Discard(discard) => discard::run(discard, common).await,
        FeedVerb::ForgetSubscriber(forget) => forget_subscriber::run(forget, common).await,
        FeedVerb::ResetGroup(reset) => reset_group::run(reset, common).await,
        FeedVerb::DeleteGroup(delete) => delete_group::run(delete, common).await,
        FeedVerb::Export(export) => export::run(export, common).await,
        FeedVerb::Import(import) => import::run(import, common).await,
        FeedVerb::Truncate(truncate) => truncate::run(truncate, common).await,
    };
    result.map_err(|failure| failure.of(service))
}
