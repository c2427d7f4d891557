//! CancelOrder: the whole order, at the wish of whoever may.

use super::{Target, change_command};

/// Cancels an order.
#[derive(Debug)]
pub struct CancelOrder {
    /// The order.
    pub target: Target,
    /// Why, in the caller's words.
    pub reason: String,
}

change_command!(CancelOrder, PartsIfShipped, |this, change| change
    .cancel(this.reason.clone())
    .map(|()| None));
