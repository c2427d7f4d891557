//! `ordermesh stock level`: at how few available pieces an article is to be ordered anew.

use clap::Args;
use ordermesh_console::connect::{Common, Session};
use ordermesh_console::failure::Failure;
use ordermesh_proto::inventory::v1::{SetReorderLevelRequest, SetReorderLevelResponse};

use super::change::{Key, change};
use super::{commands, show};

/// Which article, and the level.
#[derive(Debug, Args)]
pub struct Level {
    /// The article
    sku: String,
    /// At or below so many available pieces the article is low
    #[arg(required_unless_present = "never", allow_negative_numbers = true)]
    level: Option<i64>,
    /// It is never low
    #[arg(long, conflicts_with = "level")]
    never: bool,
    /// Where
    #[arg(long, default_value = "main")]
    location: String,
    #[command(flatten)]
    key: Key,
}

/// Asks and prints.
pub async fn run(level: Level, common: Common) -> Result<(), Failure> {
    let session = Session::open(common).await?;
    let request_id = level.key.or_new();
    let request = SetReorderLevelRequest {
        request_id: request_id.clone(),
        sku: level.sku,
        location: level.location,
        reorder_level: level.level,
    };
    let ask = async |request| commands(&session).set_reorder_level(request).await;
    change(&session, &request_id, request, ask, |answer: &SetReorderLevelResponse| {
        (show::items(&answer.item), answer.replayed, answer.consistency_token.clone())
    })
    .await
}
