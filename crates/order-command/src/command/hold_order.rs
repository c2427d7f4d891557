//! HoldOrder: nothing leaves until somebody lets it.

use super::{Target, change_command};

/// Holds an order.
#[derive(Debug)]
pub struct HoldOrder {
    /// The order.
    pub target: Target,
    /// Why, for people.
    pub note: String,
}

change_command!(HoldOrder, Order, |this, change| change
    .hold(this.note.clone())
    .map(|hold| Some(hold.into())));
