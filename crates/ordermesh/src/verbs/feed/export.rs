//! `ordermesh feed export`: a log from its database to an archive, also while its server runs.

use std::path::PathBuf;

use clap::Args;
use ordermesh_console::connect::Common;
use ordermesh_console::failure::Failure;
use ordermesh_console::output::Output;
use ordermesh_console::parse::at_least;
use ordermesh_console::progress::Bar;
use ordermesh_feed::archive::{Archived, Range, export};
use ordermesh_service::config::MaskedUrl;
use ordermesh_service::database::{migrations, offline};
use serde_json::{Value, json};

use crate::verbs::store::context;

/// From which database to which file.
#[derive(Debug, Args)]
pub struct Export {
    /// The database of the log: sqlite:PATH or postgres://USER@HOST/DATABASE
    #[arg(long, value_name = "URL")]
    database: String,
    /// The archive to write; must not be there yet
    #[arg(long, value_name = "FILE")]
    to: PathBuf,
    /// The first position; the oldest that the log holds if not given
    #[arg(long, value_name = "N", value_parser = at_least::<1>, allow_negative_numbers = true)]
    from_position: Option<i64>,
}

/// Writes the archive.
pub async fn run(args: Export, common: Common) -> Result<(), Failure> {
    let url = MaskedUrl::from(args.database);
    let db = offline::read_only(&url).await.map_err(Failure::unexpected)?;
    let applied = migrations::applied(&db).await.map_err(Failure::unexpected)?;
    let schema = context::feed_of(context::recognise(&applied, &url)?)?;
    let bar = Bar::over("events");
    let range = Range { from: args.from_position, to: None };
    let progress = |doing: &str, done, total| bar.step(doing, done, total);
    let archived = export(&db, schema.key_description, &args.to, range, &progress).await;
    let archived = archived.map_err(Failure::unexpected)?;
    drop(bar);
    let text = format!("{} is written: {}", args.to.display(), told(&archived));
    answer(&common, &document(&archived), &text)
}

/// What an archive holds, in words.
pub(super) fn told(archived: &Archived) -> String {
    format!(
        "{} events of the feed {}, positions {} to {}",
        archived.count, archived.feed_id, archived.first_position, archived.last_position
    )
}

/// What an archive holds, for programs.
pub(super) fn document(archived: &Archived) -> Value {
    json!({
        "feed_id": archived.feed_id.to_string(),
        "first_position": archived.first_position,
        "last_position": archived.last_position,
        "count": archived.count,
    })
}

/// Prints the result in the form that the person chose.
pub(super) fn answer(common: &Common, document: &Value, text: &str) -> Result<(), Failure> {
    let out = Output::new(common.json, common.show_personal);
    match out.is_json() {
        true => out.document(document),
        false => out.text(text),
    }
}
