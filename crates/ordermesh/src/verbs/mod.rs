//! The verbs for people: `ordermesh order …` and `ordermesh feed …`, clients of any ordermesh server; and the tools that
//! work on a database itself: `store …`, `feed export|import|truncate`.
//!
//! Tables by default, JSON with `--json`. Adding a verb is adding a file below `order/` or `feed/` and a variant in
//! its table of contents. Exit codes: 0 done, 1 refused, 2 wrong usage, 3 server not reachable.

mod address;
mod connect;
mod failure;
mod feed;
mod json;
mod order;
mod output;
mod parse;
mod progress;
mod render;
mod resume;
mod store;

use std::process::ExitCode;

pub(crate) use connect::program;

/// What a person asks of a running server.
#[derive(Debug, clap::Subcommand)]
pub enum Verb {
    /// Place, show, list, cancel and follow orders
    Order(order::OrderCommand),
    /// Follow the feed of order events, look after the read models
    Feed(feed::FeedCommand),
    /// Move a server's data to another database, servers stopped
    Store(store::StoreCommand),
}

/// Runs a verb to its end, prints its result or its error, and says how the process should exit.
pub async fn run(verb: Verb) -> ExitCode {
    let result = match verb {
        Verb::Order(command) => order::run(command).await,
        Verb::Feed(command) => feed::run(command).await,
        Verb::Store(command) => store::run(command).await,
    };
    match result {
        Ok(()) => ExitCode::SUCCESS,
        Err(failure) => failure.report(),
    }
}
