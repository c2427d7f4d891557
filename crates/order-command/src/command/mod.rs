//! The commands of order, one file each: what to load, how to decide, what to answer.

pub mod cancel_order;
pub mod place_order;

use ordermesh_kernel::{OrderId, OrderReference};

use crate::domain;

/// Why a command is refused.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum Refusal {
    /// A rule of the order says no.
    #[error(transparent)]
    Rule(#[from] domain::Refusal),
    /// There is no such order.
    #[error("there is no order {0}")]
    OrderNotFound(OrderId),
    /// The shop's number is another order's already.
    #[error("the order reference {reference} is taken by the order {order_id}")]
    OrderReferenceTaken {
        /// The shop's number.
        reference: OrderReference,
        /// The order that has it.
        order_id: OrderId,
    },
}
