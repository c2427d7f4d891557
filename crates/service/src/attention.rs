//! The queue of what needs a person: what no rule of the platform can put right by itself.
//!
//! A context writes an [`AttentionSource`] for each kind of thing that it finds and adds it to its
//! [`Services`](crate::Services); here is the one service over all of them, `ordermesh.attention.v1`. Who did what is the
//! source's to keep; every retry and every resolution is logged with its caller, too.

mod server;

use async_trait::async_trait;
use ordermesh_kernel::Timestamp;
use ordermesh_proto::error::Problem;
use sea_orm::DbErr;

pub use server::AttentionServer;

/// One thing that needs a person.
#[derive(Debug, Clone)]
pub struct AttentionItem {
    /// Identity within its source; those found later sort later.
    pub id: String,
    /// What kind of thing it is, such as `REFUND_FAILED`.
    pub kind: &'static str,
    /// What it is about: an order's id, or the key of a feed.
    pub subject: String,
    /// What is wrong, for people.
    pub detail: String,
    /// Since when.
    pub since: Timestamp,
    /// How often it was tried; 0 when there is nothing to try.
    pub attempts: i32,
    /// When it is tried next by itself.
    pub next_attempt: Option<Timestamp>,
    /// Whether trying again can help.
    pub retryable: bool,
    /// How it may be settled; empty when saying so settles nothing.
    pub resolutions: &'static [&'static str],
    /// Who last did something about it.
    pub last_action: Option<LastAction>,
}

/// What somebody did about an item.
#[derive(Debug, Clone)]
pub struct LastAction {
    /// Who, such as `workload:shop`.
    pub actor: String,
    /// What, for people.
    pub what: String,
    /// When.
    pub time: Timestamp,
}

/// Why an item cannot be retried or settled.
#[derive(Debug, thiserror::Error)]
pub enum AttentionError {
    /// There is no such item, or it is settled already.
    #[error("there is no such item")]
    NotFound,
    /// The item does not take this.
    #[error("the item cannot be {what}")]
    Forbidden {
        /// `tried again`, or `settled as X`.
        what: String,
    },
    /// The store cannot be used.
    #[error(transparent)]
    Store(#[from] DbErr),
    /// The context refuses it, in its own words.
    #[error("refused")]
    Refused(Problem),
}

/// What a person says about an item.
#[derive(Debug, Clone)]
pub struct Settlement {
    /// One of the item's resolutions.
    pub resolution: String,
    /// Why, for people.
    pub note: String,
    /// Who says so, such as `workload:shop`.
    pub actor: String,
}

/// Where things that need a person are found.
#[async_trait]
pub trait AttentionSource: Send + Sync + 'static {
    /// Name of the source without a slash, such as `order-command.holds`.
    fn name(&self) -> &str;
    /// The items after the one of that id, or from the first on when it is empty; oldest first.
    async fn list(&self, after: &str, limit: u64) -> Result<Vec<AttentionItem>, DbErr>;
    /// The item of an id.
    async fn find(&self, id: &str) -> Result<Option<AttentionItem>, DbErr>;
    /// Has an item tried again now. Called only for those that are retryable.
    async fn retry(&self, id: &str, actor: &str) -> Result<(), AttentionError>;
    /// Takes down that an item is settled. Called only with one of its resolutions.
    async fn resolve(&self, id: &str, settlement: &Settlement) -> Result<(), AttentionError>;
}
