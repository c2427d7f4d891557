//! ExpireOrder: the payment deadline has passed; by the process only.

use ordermesh_feed::commit::Command;
use ordermesh_kernel::{OrderId, Timestamp};

use super::{OrderChanged, Target};
use crate::store::{OrdersUnit, Want};

/// Expires an order whose payment was not there in time.
#[derive(Debug)]
pub struct ExpireOrder {
    /// The order.
    pub target: Target,
}

/// Why an order does not expire.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum NotExpired {
    /// There is no such order.
    #[error("there is no order {0}")]
    OrderNotFound(OrderId),
    /// Its payment is there, or there is time left. Refused, so that it is not kept under the request_id: what is not
    /// due by now, or by this clock, may become so, and the deadline is the same then.
    #[error("the order {0} does not wait for a payment that is late")]
    NotDue(OrderId),
}

impl Command<OrdersUnit> for ExpireOrder {
    type Answer = OrderChanged;
    type Refusal = NotExpired;

    fn wants(&self) -> Vec<Want> {
        vec![Want::Order(self.target.order_id)]
    }

    fn decide(&self, unit: &mut OrdersUnit, now: Timestamp) -> Result<OrderChanged, NotExpired> {
        let Target { order_id, ref actor, .. } = self.target;
        let change = unit.begin(order_id, actor.clone(), now);
        let mut change = change.ok_or(NotExpired::OrderNotFound(order_id))?;
        match change.expire() {
            true => Ok(OrderChanged::of(unit.take(change), None)),
            false => Err(NotExpired::NotDue(order_id)),
        }
    }
}
