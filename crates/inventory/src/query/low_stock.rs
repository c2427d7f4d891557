//! What changes in the stock, for all who watch what is low: one reader of the log and of the changed items a server,
//! however many watch. While nobody does, nothing is read.

use std::collections::BTreeSet;
use std::sync::Arc;
use std::time::Duration;

use ordermesh_feed::log::{EventLog, FeedSource, PageError};
use ordermesh_feed::store::PatientConnection;
use ordermesh_proto::inventory::v1 as wire;
use prost::Message;
use sea_orm::DbErr;
use tokio::sync::broadcast;
use tokio_util::sync::CancellationToken;

use crate::domain::{ItemKey, Location, Sku, StockItem};
use crate::store::read;

/// Batches of changes that a watcher may be behind; who is further behind looks at everything anew.
const BEHIND: usize = 64;
/// Events that are looked at together.
const EVENTS: usize = 1000;
/// Wait after the database could not be read.
const PAUSE: Duration = Duration::from_millis(500);

/// What a watcher is told.
#[derive(Debug, Clone)]
pub enum News {
    /// These items have changed, and are so by now.
    Changed(Arc<Vec<StockItem>>),
    /// Nobody knows what has changed.
    Anything,
}

/// Where watchers listen.
#[derive(Debug, Clone)]
pub struct LowStock {
    news: broadcast::Sender<News>,
}

impl Default for LowStock {
    fn default() -> Self {
        Self { news: broadcast::Sender::new(BEHIND) }
    }
}

impl LowStock {
    /// Listens from now on.
    pub fn listen(&self) -> broadcast::Receiver<News> {
        self.news.subscribe()
    }

    /// Tells what the log says from now on, until the shutdown.
    pub async fn follow(self, log: Arc<EventLog>, db: PatientConnection, shutdown: CancellationToken) {
        let mut head = log.head();
        let mut position = *head.borrow_and_update();
        loop {
            let told = self.tell(log.as_ref(), &db, &mut position);
            let pause = match shutdown.run_until_cancelled(told).await {
                None => return,
                Some(Ok(true)) => continue,
                Some(Ok(false)) => None,
                Some(Err(error)) => {
                    tracing::warn!(%error, "it cannot be read what stock has changed; trying again");
                    Some(tokio::time::sleep(PAUSE))
                }
            };
            tokio::select! {
                () = shutdown.cancelled() => return,
                () = async { match pause { Some(pause) => pause.await, None => std::future::pending().await } } => {}
                changed = head.changed() => if changed.is_err() { return },
            }
        }
    }

    /// Tells what the events after `position` have changed; whether there were any.
    async fn tell(
        &self,
        log: &dyn FeedSource,
        db: &PatientConnection,
        position: &mut i64,
    ) -> Result<bool, DbErr> {
        if self.news.receiver_count() == 0 {
            // Who listens later looks at everything first.
            *position = *log.head().borrow();
            return Ok(false);
        }
        let page = match log.page(*position, EVENTS).await {
            Ok(page) => page,
            Err(PageError::Truncated { .. }) => {
                *position = *log.head().borrow();
                self.send(News::Anything);
                return Ok(true);
            }
            Err(PageError::Store(error)) => return Err(error),
        };
        let Some(last) = page.events.last().map(|event| event.position) else { return Ok(false) };
        let keys: BTreeSet<ItemKey> = page.events.iter().flat_map(|event| keys(&event.bytes)).collect();
        if !keys.is_empty() {
            let skus: BTreeSet<&Sku> = keys.iter().map(|key| &key.sku).collect();
            let mut items = read::items_of(db, skus).await?;
            items.retain(|item| keys.contains(&item.key));
            self.send(News::Changed(Arc::new(items)));
        }
        *position = last;
        Ok(true)
    }

    fn send(&self, news: News) {
        // Those who listened may have left meanwhile.
        let _ = self.news.send(news);
    }
}

/// The items whose available pieces or reorder level an event has changed.
fn keys(event: &[u8]) -> Vec<ItemKey> {
    use wire::inventory_event::Payload;
    let Some(payload) = wire::InventoryEvent::decode(event).ok().and_then(|event| event.payload) else {
        return Vec::new();
    };
    let lines = match payload {
        Payload::StockReserved(reserved) => reserved.lines,
        Payload::StockReleased(released) => released.lines,
        Payload::StockShortfallDetected(shortfall) => shortfall.lines,
        Payload::StockRejected(_) => Vec::new(),
        Payload::StockAdjusted(adjusted) => return key(adjusted.sku, adjusted.location),
        Payload::ReorderLevelSet(set) => return key(set.sku, set.location),
    };
    lines.into_iter().flat_map(|line| key(line.sku, line.location)).collect()
}

fn key(sku: String, location: String) -> Vec<ItemKey> {
    let key = Sku::parse(sku).ok().zip(Location::parse(location).ok());
    key.map(|(sku, location)| ItemKey { sku, location }).into_iter().collect()
}
