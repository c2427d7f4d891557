//! RejectReturn: the goods may not come back.

use ordermesh_kernel::ReturnId;

use super::{Target, change_command};

/// Does not let goods be sent back.
#[derive(Debug)]
pub struct RejectReturn {
    /// The order.
    pub target: Target,
    /// The return.
    pub return_id: ReturnId,
    /// Why, for people.
    pub reason: String,
}

change_command!(RejectReturn, Parts, |this, change| {
    change.reject_return(this.return_id, this.reason.clone())?;
    Ok(Some(this.return_id.into()))
});
