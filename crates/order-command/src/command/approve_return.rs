//! ApproveReturn: the goods may come back.

use ordermesh_kernel::ReturnId;

use super::{Target, change_command};

/// Lets goods be sent back.
#[derive(Debug)]
pub struct ApproveReturn {
    /// The order.
    pub target: Target,
    /// The return.
    pub return_id: ReturnId,
}

change_command!(ApproveReturn, Parts, |this, change| {
    change.approve_return(this.return_id)?;
    Ok(Some(this.return_id.into()))
});
