//! `ordermesh feed truncate`: takes the oldest events out of a log, after they are in an archive.

use std::path::PathBuf;

use clap::Args;
use ordermesh_console::connect::Common;
use ordermesh_console::failure::Failure;
use ordermesh_console::parse::at_least;
use ordermesh_console::progress::Bar;
use ordermesh_feed::retention::truncate;
use ordermesh_service::config::MaskedUrl;
use ordermesh_service::database::{migrations, offline};
use serde_json::json;

use super::export::{answer, document, told};
use crate::verbs::store::context;

/// What goes, and where it is kept.
///
/// Never takes what a registered subscriber or group has not seen. A new subscriber, and a rebuild of a read model, can
/// then no longer start at the first event. On SQLite the server must be stopped; on PostgreSQL it may run.
#[derive(Debug, Args)]
pub struct Truncate {
    /// The database of the log: sqlite:PATH or postgres://USER@HOST/DATABASE
    #[arg(long, value_name = "URL")]
    database: String,
    /// The first position that stays
    #[arg(long, value_name = "N", value_parser = at_least::<1>, allow_negative_numbers = true)]
    before_position: i64,
    /// The archive to write before anything goes; one that a truncation left which was cut short is taken up
    #[arg(long, value_name = "FILE")]
    archive: PathBuf,
}

/// Archives, verifies, deletes.
pub async fn run(args: Truncate, common: Common) -> Result<(), Failure> {
    let url = MaskedUrl::from(args.database);
    let server = {
        // A database that is not there, or another server's, must not be made into one.
        let db = offline::read_only(&url).await.map_err(Failure::unexpected)?;
        let applied = migrations::applied(&db).await.map_err(Failure::unexpected)?;
        db.close().await.map_err(Failure::unexpected)?;
        context::recognise(&applied, &url)?
    };
    let schema = context::feed_of(server)?;
    let database = (server.open)(&url).await.map_err(Failure::unexpected)?;
    let bar = Bar::over("events");
    let progress = |doing: &str, done, total| bar.step(doing, done, total);
    let (key, before) = (schema.key_description, args.before_position);
    let truncated = truncate(&database.writer, key, before, &args.archive, &progress).await;
    drop(bar);
    database.close().await.map_err(Failure::unexpected)?;
    let truncated = truncated.map_err(Failure::unexpected)?;
    let text = format!(
        "{} holds {}; the log starts at position {before}, {} events are deleted",
        args.archive.display(),
        told(&truncated.archived),
        truncated.deleted
    );
    let archive = document(&truncated.archived);
    let document = json!({ "archive": archive, "deleted": truncated.deleted, "earliest_position": before });
    answer(&common, &document, &text)
}
