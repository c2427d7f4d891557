//! `ordermesh store unfence`: takes back that a database was copied elsewhere.

use clap::Args;
use ordermesh_console::failure::Failure;
use ordermesh_console::output::{Output, note};
use ordermesh_service::config::MaskedUrl;
use ordermesh_service::database::fence;
use ordermesh_service::database::offline::Alone;

/// Which database.
#[derive(Debug, Args)]
pub struct Unfence {
    /// The database: sqlite:PATH or postgres://USER@HOST/DATABASE
    #[arg(long, value_name = "URL")]
    database: String,
}

/// Takes the fence away.
pub async fn run(unfence: Unfence) -> Result<(), Failure> {
    let url = MaskedUrl::from(unfence.database);
    let alone = Alone::open(&url).await.map_err(Failure::unexpected)?;
    let found = fence::take_away(&alone.connection).await.map_err(Failure::unexpected)?;
    alone.close().await.map_err(Failure::unexpected)?;
    match found {
        Some(fence) => {
            note(&format!(
                "what the copy at {} has taken since {} is not here",
                fence.copied_to, fence.fenced_time
            ));
            Output::new(false, false).text(&format!("{url} can be opened by servers again"))
        }
        None => Err(Failure::unexpected(format_args!("{url} is not fenced"))),
    }
}
