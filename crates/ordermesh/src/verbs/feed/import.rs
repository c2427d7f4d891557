//! `ordermesh feed import`: archives into the empty log of a database.

use std::path::PathBuf;

use clap::Args;
use ordermesh_console::connect::Common;
use ordermesh_console::failure::Failure;
use ordermesh_console::progress::Bar;
use ordermesh_feed::archive::{check, import};
use ordermesh_service::config::MaskedUrl;

use super::export::{answer, document, told};
use crate::contexts;
use crate::verbs::store::context;

/// From which file to which database.
///
/// Brings back the event log alone, with its feed id, positions and event ids: enough to serve the feed. It does not
/// bring back the write model, which is what decides on commands: for that restore a backup, or use `store copy`.
/// Several archives are imported in their order, each from where the one before ends.
#[derive(Debug, Args)]
pub struct Import {
    /// The database, with an empty log: sqlite:PATH or postgres://USER@HOST/DATABASE; its tables are made
    #[arg(long, value_name = "URL")]
    database: String,
    /// The archive
    #[arg(long, value_name = "FILE")]
    from: PathBuf,
    /// The server whose log it is
    #[arg(long, value_name = "NAME", default_value = "order-command")]
    server: String,
}

/// Checks the archive and imports it.
pub async fn run(args: Import, common: Common) -> Result<(), Failure> {
    let url = MaskedUrl::from(args.database);
    let server = contexts::by_name(&args.server)
        .ok_or_else(|| Failure::unexpected(format_args!("there is no server {}", args.server)))?;
    let schema = context::feed_of(server)?;
    let bar = Bar::over("events");
    let progress = |doing: &str, done, total| bar.step(doing, done, total);
    // First: opening the database makes it.
    let checked = check(schema, &args.from, &progress).map_err(Failure::unexpected)?;
    // To the end: a server that starts meanwhile would make a head of its own.
    let database = (server.open_alone)(&url).await.map_err(Failure::unexpected)?;
    let imported = import(&database.writer, checked, &progress).await;
    drop(bar);
    database.close().await.map_err(Failure::unexpected)?;
    let archived = imported.map_err(Failure::unexpected)?;
    let text = format!("{} is imported: {}", args.from.display(), told(&archived));
    answer(&common, &document(&archived), &text)
}
