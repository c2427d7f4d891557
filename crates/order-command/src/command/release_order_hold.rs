//! ReleaseOrderHold: the order goes on where it was held.

use ordermesh_kernel::HoldId;

use super::{Target, change_command};

/// Releases a hold.
#[derive(Debug)]
pub struct ReleaseOrderHold {
    /// The order.
    pub target: Target,
    /// The hold.
    pub hold_id: HoldId,
    /// Why, for people.
    pub note: String,
}

change_command!(ReleaseOrderHold, Order, |this, change| {
    change.release_hold(this.hold_id, this.note.clone())?;
    Ok(Some(this.hold_id.into()))
});
