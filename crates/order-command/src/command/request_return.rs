//! RequestReturn: may these goods come back?

use super::{Target, change_command};
use crate::domain::LineQuantity;

/// Asks to send goods back.
#[derive(Debug)]
pub struct RequestReturn {
    /// The order.
    pub target: Target,
    /// What is to come back, each line once.
    pub lines: Vec<LineQuantity>,
    /// Why, in the caller's words.
    pub reason: String,
}

change_command!(RequestReturn, Parts, |this, change| {
    let (lines, reason) = (this.lines.clone(), this.reason.clone());
    change.request_return(lines, reason).map(|goods| Some(goods.into()))
});
