//! The program's own verbs for people: those on feeds and read models, `feed …`, which are clients of any ordermesh server;
//! and the tools that work on a database itself: `store …`, `feed export|import|truncate`. Verbs of a context come with
//! it.
//!
//! Tables by default, JSON with `--json`. Adding a verb is adding a file below `feed/` or `store/` and a variant in
//! its table of contents. Exit codes: 0 done, 1 refused, 2 wrong usage, 3 server not reachable.

mod feed;
mod store;

use ordermesh_console::failure::Failure;

/// What a person asks of a running server, or of a database.
#[derive(Debug, clap::Subcommand)]
pub enum Verb {
    /// Follow the feed of order events, look after the read models
    Feed(feed::FeedCommand),
    /// Move a server's data to another database, servers stopped
    Store(store::StoreCommand),
}

/// Runs a verb to its end and prints its result.
pub async fn run(verb: Verb) -> Result<(), Failure> {
    match verb {
        Verb::Feed(command) => feed::run(command).await,
        Verb::Store(command) => store::run(command).await,
    }
}
