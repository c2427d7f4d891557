//! `ordermesh stock low`: what is low, then what gets there, across broken connections, until the person has seen enough.

use std::collections::BTreeSet;

use clap::Args;
use ordermesh_console::connect::{Common, Session};
use ordermesh_console::failure::Failure;
use ordermesh_console::resume::{Broken, Ended, Follower, follow};
use ordermesh_proto::inventory::v1::{StockItem, WatchLowStockRequest};

use super::queries;

/// Where, and until when.
#[derive(Debug, Args)]
pub struct Low {
    /// At this location only
    #[arg(long, default_value = "", hide_default_value = true)]
    location: String,
    /// End when all that is low now is shown
    #[arg(long)]
    once: bool,
}

/// Follows until Ctrl-C.
pub async fn run(low: Low, common: Common) -> Result<(), Failure> {
    let session = Session::open(common).await?;
    let mut watching = Watching { low, session, shown: BTreeSet::new(), frames: 0 };
    tokio::select! {
        result = follow(&mut watching) => result,
        _ = tokio::signal::ctrl_c() => Ok(()),
    }
}

struct Watching {
    low: Low,
    session: Session,
    /// What was shown since the stream broke last: a new one starts with all that is low.
    shown: BTreeSet<(String, String)>,
    frames: u64,
}

impl Follower for Watching {
    async fn stream(&mut self) -> Result<Ended, Broken> {
        let request = WatchLowStockRequest { location: self.low.location.clone() };
        let mut frames = queries(&self.session).watch_low_stock(request).await?.into_inner();
        let known = std::mem::take(&mut self.shown);
        let mut caught_up = false;
        while let Some(response) = frames.message().await? {
            self.frames += 1;
            for item in &response.items {
                let place = (item.sku.clone(), item.location.clone());
                let repeated = !caught_up && known.contains(&place);
                self.shown.insert(place);
                if !repeated {
                    self.session.out.item(item, line)?;
                }
            }
            caught_up |= response.caught_up;
            if caught_up && self.low.once {
                return Ok(Ended::Complete);
            }
        }
        Ok(Ended::Interrupted("the stream ended".to_owned()))
    }

    fn frames(&self) -> u64 {
        self.frames
    }
}

fn line(item: &StockItem) -> String {
    let level = item.reorder_level.unwrap_or_default();
    format!("{}@{}  {} available, reorder at {level}", item.sku, item.location, item.available)
}
