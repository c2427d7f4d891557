//! CancelOrderLines: pieces of some lines that were not dispatched.

use super::{Target, change_command};
use crate::domain::LineQuantity;

/// Cancels pieces of an order.
#[derive(Debug)]
pub struct CancelOrderLines {
    /// The order.
    pub target: Target,
    /// What to cancel, each line once.
    pub lines: Vec<LineQuantity>,
    /// Why, in the caller's words.
    pub reason: String,
}

change_command!(CancelOrderLines, Parts, |this, change| change
    .cancel_lines(this.lines.clone(), this.reason.clone())
    .map(|()| None));
