//! Queries: one file each, and what they share.

pub mod batch_get_orders;
pub mod consistency;
pub mod filter;
pub mod get_order;
pub mod get_order_timeline;
pub mod list_customer_orders;
pub mod list_orders;
pub mod order_by;
pub mod page;
pub mod page_reader;
mod parked;
pub mod reader;
pub mod watch_order;

use std::sync::Arc;
use std::time::Duration;

use ordermesh_feed::consume::{BlockedKeys, Progress};
use ordermesh_kernel::OrderId;
use sea_orm::DbErr;
use tokio::sync::watch;
use tokio_util::sync::CancellationToken;

use crate::projection::Changes;
use consistency::{Consistency, Freshness};
use page_reader::PageReader;
use reader::Reader;

/// What queries read from.
#[derive(Debug)]
pub struct ReadModel {
    /// Orders by id.
    pub reader: Reader,
    /// Pages of orders and of timelines.
    pub pages: PageReader,
    /// How far the read model is.
    pub progress: watch::Receiver<Progress>,
    /// Orders whose newer events are parked.
    pub blocked: BlockedKeys,
    /// Tells which orders have changed.
    pub changes: Arc<Changes>,
    /// How long a query waits for its `at_least`.
    pub at_least_wait: Duration,
    /// Ends streams.
    pub shutdown: CancellationToken,
}

impl ReadModel {
    /// Waits until the read model is as new as demanded.
    async fn reach(&self, consistency: &Consistency) -> Result<Freshness, QueryError> {
        consistency.wait(&self.progress, self.at_least_wait).await
    }
}

/// A query's answer and how old it is.
#[derive(Debug, Clone, PartialEq)]
pub struct Answer<T> {
    /// The answer.
    pub value: T,
    /// How old it is.
    pub freshness: Freshness,
}

/// A page of an answer.
#[derive(Debug, Clone, PartialEq)]
pub struct Rows<T> {
    /// The rows of the page.
    pub rows: Vec<T>,
    /// Asks for the next page; empty on the last one.
    pub next_page_token: String,
}

/// Why a query has no answer.
#[derive(Debug, thiserror::Error)]
pub enum QueryError {
    /// There is no such order.
    #[error("there is no order {0}")]
    OrderNotFound(OrderId),
    /// The order's events are parked from the first one on: whether it exists is known, what it is is not.
    #[error("the order {order_id} cannot be shown: its events are parked ({reason})")]
    Parked {
        /// The order.
        order_id: OrderId,
        /// What is wrong with the first of them.
        reason: String,
    },
    /// The page token is none, or of another question.
    #[error("{reason}")]
    InvalidPageToken {
        /// What is wrong with it.
        reason: &'static str,
    },
    /// The read model has not reached the demanded place in time.
    #[error("the read model is at position {reached}, not yet at {}", wanted.map_or("its feed".to_owned(), |position| position.to_string()))]
    Behind {
        /// The demanded position; `None` while the read model does not know its feed, or has another history than it.
        wanted: Option<i64>,
        /// The position of the read model.
        reached: i64,
    },
    /// The consistency token is of another history of the same log.
    #[error(
        "another event stands at position {position}: at_least is of a history that this log no longer has"
    )]
    Diverged {
        /// The position.
        position: i64,
    },
    /// The database refuses.
    #[error(transparent)]
    Store(#[from] DbErr),
}
