//! WatchLowStock: all that is low, then what gets there.

use std::collections::BTreeSet;

use ordermesh_feed::store::PatientConnection;
use tokio::sync::broadcast::error::RecvError;
use tokio::sync::{broadcast, mpsc};
use tokio_util::sync::CancellationToken;

use super::QueryError;
use super::low_stock::{LowStock, News};
use crate::domain::{ItemKey, Location, StockItem};
use crate::store::read::{self, ItemFilter};

/// Items that are read and sent together.
const PAGE: usize = 200;
/// Batches that wait for a slow client.
const WAITING: usize = 4;

/// Asks to be told.
#[derive(Debug)]
pub struct WatchLowStock {
    /// Of this location only.
    pub location: Option<Location>,
}

/// What a watcher sees.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Sight {
    /// These are low: from the start, or by now.
    Low(Vec<StockItem>),
    /// All that was low at the start is told.
    CaughtUp,
}

/// What a watcher gets; it ends with the error, if any.
pub type Sights = mpsc::Receiver<Result<Sight, QueryError>>;

impl WatchLowStock {
    /// Watches on a task of its own, until the receiver is dropped or the server ends.
    pub fn run(self, db: PatientConnection, stock: &LowStock, shutdown: CancellationToken) -> Sights {
        let (to, sights) = mpsc::channel(WAITING);
        // Before anything is read: what changes in between is told twice rather than never.
        let news = stock.listen();
        let filter = ItemFilter { location: self.location, low_only: true };
        let watcher = Watcher { db, filter, low: BTreeSet::new(), to };
        tokio::spawn(watcher.watch(news, shutdown));
        sights
    }
}

/// The client has left.
struct Left;

struct Watcher {
    db: PatientConnection,
    filter: ItemFilter,
    /// What the client knows to be low.
    low: BTreeSet<ItemKey>,
    to: mpsc::Sender<Result<Sight, QueryError>>,
}

impl Watcher {
    async fn watch(mut self, mut news: broadcast::Receiver<News>, shutdown: CancellationToken) {
        let to = self.to.clone();
        let error = tokio::select! {
            () = to.closed() => return,
            () = shutdown.cancelled() => QueryError::ShuttingDown,
            ended = self.tell(&mut news) => match ended {
                Ok(Left) => return,
                Err(error) => error,
            },
        };
        // Who has left needs no reason.
        let _ = to.send(Err(error)).await;
    }

    async fn tell(&mut self, news: &mut broadcast::Receiver<News>) -> Result<Left, QueryError> {
        let mut told = self.tell_all().await?;
        if told.is_ok() {
            told = self.send(Sight::CaughtUp).await;
        }
        while told.is_ok() {
            told = match news.recv().await {
                Ok(News::Changed(items)) => self.tell_changed(&items).await,
                Ok(News::Anything) | Err(RecvError::Lagged(_)) => self.tell_all().await?,
                Err(RecvError::Closed) => return Err(QueryError::ShuttingDown),
            };
        }
        Ok(Left)
    }

    /// Reads all that is low, and tells what the client does not know.
    async fn tell_all(&mut self) -> Result<Result<(), Left>, QueryError> {
        let mut low = BTreeSet::new();
        let mut after = None;
        loop {
            let page = read::items(&self.db, &self.filter, after.as_ref(), PAGE as u64).await?;
            let more = page.len() == PAGE;
            after = page.last().map(|item| item.key.clone());
            low.extend(page.iter().map(|item| item.key.clone()));
            let unknown = page.into_iter().filter(|item| !self.low.contains(&item.key)).collect();
            if self.send_items(unknown).await.is_err() {
                return Ok(Err(Left));
            }
            if !more {
                self.low = low;
                return Ok(Ok(()));
            }
        }
    }

    async fn tell_changed(&mut self, items: &[StockItem]) -> Result<(), Left> {
        let mut got_there = Vec::new();
        for item in items {
            let watched = self.filter.location.as_ref().is_none_or(|location| *location == item.key.location);
            if !item.is_low() {
                self.low.remove(&item.key);
            } else if watched && self.low.insert(item.key.clone()) {
                got_there.push(item.clone());
            }
        }
        self.send_items(got_there).await
    }

    async fn send_items(&self, items: Vec<StockItem>) -> Result<(), Left> {
        match items.is_empty() {
            true => Ok(()),
            false => self.send(Sight::Low(items)).await,
        }
    }

    async fn send(&self, sight: Sight) -> Result<(), Left> {
        self.to.send(Ok(sight)).await.map_err(|_| Left)
    }
}
