//! Pages of the log read ahead of a subscriber that is far behind.
//!
//! Page by page, the database would wait for the subscriber and the subscriber for the database, in turns. So one page
//! waits while the next one is read: a subscriber holds three at most, with the one that is being sent.

use std::sync::Arc;

use tokio::sync::mpsc;
use tokio_util::task::AbortOnDropHandle;

use crate::log::{FeedSource, Page, PageError};

/// Pages that follow each other, up to the tail in memory, the head, or a failure.
pub(super) struct ReadAhead {
    pages: mpsc::Receiver<Result<Page, PageError>>,
    _reading: AbortOnDropHandle<()>,
}

impl ReadAhead {
    /// Begins to read after a position, pages of at most `limit` events.
    pub fn after(position: i64, limit: usize, source: Arc<dyn FeedSource>) -> Self {
        let (to, pages) = mpsc::channel(1);
        let reading = tokio::spawn(read(position, limit, source, to));
        Self { pages, _reading: AbortOnDropHandle::new(reading) }
    }

    /// The next page; `None` when there are no more to read ahead.
    pub async fn next(&mut self) -> Option<Result<Page, PageError>> {
        self.pages.recv().await
    }
}

async fn read(
    mut position: i64,
    limit: usize,
    source: Arc<dyn FeedSource>,
    to: mpsc::Sender<Result<Page, PageError>>,
) {
    let head = source.head();
    while position < *head.borrow() {
        let page = source.page(position, limit).await;
        let last = page.as_ref().ok().filter(|page| !page.from_tail).and_then(|page| page.events.last());
        let next = last.map(|last| last.position);
        if to.send(page).await.is_err() {
            return;
        }
        let Some(next) = next else { return };
        position = next;
    }
}
