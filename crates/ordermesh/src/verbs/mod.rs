//! The program's own verbs for people: `feed …` on feeds and read models and `attention …`, clients of any ordermesh server;
//! `verify`, a client of all of them; and the tools that work on a database itself: `store …`,
//! `feed export|import|truncate`. Verbs of a context come with it.
//!
//! Tables by default, JSON with `--json`. Adding a verb is adding a file below `feed/` or `store/` and a variant in
//! its table of contents. Exit codes: 0 done, 1 refused, 2 wrong usage, 3 server not reachable.

mod attention;
mod feed;
mod store;
mod verify;

use ordermesh_console::failure::Failure;

/// What a person asks of a running server, or of a database.
#[derive(Debug, clap::Subcommand)]
pub enum Verb {
    /// Follow the feed of order events, look after the read models
    Feed(feed::FeedCommand),
    /// Move a server's data to another database, servers stopped
    Store(store::StoreCommand),
    /// List what needs a person, have it tried again, say that it is settled
    Attention(attention::AttentionCommand),
    /// Check every invariant of the platform on a running system
    Verify(verify::VerifyCommand),
}

/// Runs a verb to its end and prints its result.
pub async fn run(verb: Verb) -> Result<(), Failure> {
    match verb {
        Verb::Feed(command) => feed::run(command).await,
        Verb::Store(command) => store::run(command).await,
        Verb::Attention(command) => attention::run(command).await,
        Verb::Verify(command) => verify::run(command).await,
    }
}
