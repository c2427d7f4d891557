//! `ordermesh store …`: works on a context's database itself, servers stopped.

pub(super) mod context;
mod copy;
mod unfence;

use clap::{Args, Subcommand};
use ordermesh_console::failure::Failure;

/// A verb on a database.
#[derive(Debug, Args)]
pub struct StoreCommand {
    #[command(subcommand)]
    verb: StoreVerb,
}

#[derive(Debug, Subcommand)]
enum StoreVerb {
    /// Copy all tables of a server to an empty database, between SQLite and PostgreSQL in any direction
    Copy(copy::Copy),
    /// Let servers open a database again that was copied elsewhere
    Unfence(unfence::Unfence),
}

/// Runs one verb.
pub async fn run(command: StoreCommand) -> Result<(), Failure> {
    match command.verb {
        StoreVerb::Copy(copy) => copy::run(copy).await,
        StoreVerb::Unfence(unfence) => unfence::run(unfence).await,
    }
}
