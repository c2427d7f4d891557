//! `ordermesh store copy`: a server's whole database to an empty one of any kind, after which the old one is fenced.
//!
//! The source is held from the first look to the fence, so that nothing can be written that the copy does not have.

use clap::Args;
use ordermesh_console::failure::Failure;
use ordermesh_console::output::{Output, note};
use ordermesh_console::progress::Bar;
use ordermesh_feed::store::{CopyError, WriteTransaction, copy_tables};
use ordermesh_kernel::{Clock, SystemClock};
use ordermesh_service::config::MaskedUrl;
use ordermesh_service::database::offline::Alone;
use ordermesh_service::database::spelling::absolute;
use ordermesh_service::database::{Database, fence, migrations};

use super::context;
use crate::contexts::Registration;

/// From where to where.
#[derive(Debug, Args)]
pub struct Copy {
    /// The database to copy: sqlite:PATH or postgres://USER@HOST/DATABASE; no server may use it
    #[arg(long, value_name = "URL")]
    from: String,
    /// The empty database to copy to; its tables are made
    #[arg(long, value_name = "URL")]
    to: String,
}

/// Copies, compares, fences.
pub async fn run(copy: Copy) -> Result<(), Failure> {
    let (from, to) = (MaskedUrl::from(copy.from), absolute(&MaskedUrl::from(copy.to)));
    let source = Alone::open(&from).await.map_err(Failure::unexpected)?;
    if source.is_at(&to).await.map_err(Failure::unexpected)? {
        return Err(Failure::usage("--from and --to are the same database"));
    }
    if let Some(fence) = fence::find(&source.connection).await.map_err(Failure::unexpected)? {
        return Err(Failure::unexpected(format_args!(
            "{from} was copied to {} at {} already; copy from there",
            fence.copied_to, fence.fenced_time
        )));
    }
    let context = recognise(&source, &from).await?;
    let target = (context.open_alone)(&to).await.map_err(Failure::unexpected)?;
    let rows = transfer(&source, &target, context, &to).await.map_err(Failure::unexpected)?;
    // Closed in this order a file of SQLite is complete without its write-ahead log.
    target.close().await.map_err(Failure::unexpected)?;
    source.close().await.map_err(Failure::unexpected)?;
    note(&format!("{from} is fenced: servers refuse to open it"));
    Output::new(false, false)
        .text(&format!("{} is copied: {rows} rows, compared; let its database_url be {to}", context.name))
}

async fn recognise(source: &Alone, from: &MaskedUrl) -> Result<&'static Registration, Failure> {
    let tables = fence::tables(&source.connection).await.map_err(Failure::unexpected)?;
    let applied = migrations::applied(&source.connection).await.map_err(Failure::unexpected)?;
    let context = context::recognise(&applied, from)?;
    context::refuse_unlisted(context, &tables)?;
    Ok(context)
}

async fn transfer(
    source: &Alone,
    target: &Database,
    context: &Registration,
    to: &MaskedUrl,
) -> Result<u64, CopyError> {
    let tx = WriteTransaction::begin(&source.connection).await?;
    let bar = Bar::over("rows");
    let progress = |table: &str, done, total| bar.step(table, done, total);
    let time = SystemClock.now().to_string();
    let fence = async |source: &WriteTransaction| fence::put(source, to, &time).await;
    copy_tables(tx, &target.writer, &(context.tables)(), &progress, fence).await
}
