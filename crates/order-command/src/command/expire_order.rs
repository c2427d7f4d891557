//! ExpireOrder: the payment deadline has passed; by the process only.

use super::{Target, change_command};

/// Expires an order whose payment was not there in time; one that has it by now is left as it is.
#[derive(Debug)]
pub struct ExpireOrder {
    /// The order.
    pub target: Target,
}

change_command!(ExpireOrder, Order, |_this, change| {
    change.expire();
    Ok(None)
});
