//! ReceiveReturn: the goods are back.

use ordermesh_kernel::ReturnId;

use super::{Target, change_command};
use crate::domain::ReceivedLine;

/// Says what came back.
#[derive(Debug)]
pub struct ReceiveReturn {
    /// The order.
    pub target: Target,
    /// The return.
    pub return_id: ReturnId,
    /// What came back, each line and condition once.
    pub received: Vec<ReceivedLine>,
}

change_command!(ReceiveReturn, Parts, |this, change| {
    change.receive_return(this.return_id, this.received.clone())?;
    Ok(Some(this.return_id.into()))
});
