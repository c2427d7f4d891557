//! What a log and its tables let go of: old events by an explicit truncation, old records by their age.
//!
//! # Layout
//! - [`truncate`]: archives, verifies, then deletes events below the slowest registered subscriber
//! - [`slowest_subscriber`]: who that is
//! - [`Pruner`]: deletes what is older than it is kept, in a running server

mod prune;
mod slowest;
mod truncate;

pub use prune::{Kept, Pruner, prune};
pub use slowest::{Holder, Subscriber, slowest_subscriber};
pub use truncate::{TruncateError, Truncated, truncate};
