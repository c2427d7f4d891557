//! The commands of order, one file each: what to load, how to decide, what to answer.

pub mod add_order_note;
pub mod approve_return;
pub mod cancel_order;
pub mod cancel_order_lines;
pub mod confirm_shipment_delivery;
pub mod dispatch_shipment;
pub mod expire_order;
pub mod hold_order;
pub mod place_order;
pub mod receive_return;
pub mod record_payment;
pub mod record_stock;
pub mod reject_return;
pub mod release_order_hold;
pub mod report_shipment_loss;
pub mod request_return;
pub mod retry_payment;

use ordermesh_kernel::{Money, OrderId, OrderReference, Timestamp};
use uuid::Uuid;

use crate::domain::{self, Actor, Change, OrderHead, OrderState};
use crate::store::OrdersUnit;

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

/// Which order a command is about, on which condition, and who asks.
#[derive(Debug, Clone)]
pub struct Target {
    /// The order.
    pub order_id: OrderId,
    /// Refuse unless the order has this revision.
    pub expected_revision: Option<i64>,
    /// Who asks.
    pub actor: Actor,
}

/// An order that has changed.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct OrderChanged {
    /// The order.
    pub order_id: OrderId,
    /// Number of the order's newest event.
    pub revision: i64,
    /// Where the order stands.
    pub state: OrderState,
    /// What the customer owes; none in answers that an earlier version kept.
    pub amount_due: Option<Money>,
    /// The hold, shipment, return or note that the command was about.
    pub part: Option<Uuid>,
}

impl Target {
    /// Changes the order as `decide` says; answers the part that it was about, if it was about one.
    fn change(
        &self,
        unit: &mut OrdersUnit,
        now: Timestamp,
        decide: impl FnOnce(&mut Change) -> Result<Option<Uuid>, domain::Refusal>,
    ) -> Result<OrderChanged, Refusal> {
        let change = unit.begin(self.order_id, self.actor.clone(), now);
        let mut change = change.ok_or(Refusal::OrderNotFound(self.order_id))?;
        // The revision first: a caller who decided on an old order should hear that before anything else.
        change.expect_revision(self.expected_revision)?;
        let part = decide(&mut change)?;
        Ok(OrderChanged::of(unit.take(change), part))
    }
}

impl OrderChanged {
    /// An order as a command leaves it.
    const fn of(head: &OrderHead, part: Option<Uuid>) -> Self {
        let (order_id, revision, state) = (head.id, head.revision, head.state);
        Self { order_id, revision, state, amount_due: Some(head.amount_due), part }
    }
}

/// A command that changes one order.
macro_rules! change_command {
    ($command:ident, $want:ident, |$this:ident, $change:ident| $decide:expr) => {
        impl ordermesh_feed::commit::Command<crate::store::OrdersUnit> for $command {
            type Answer = crate::command::OrderChanged;
            type Refusal = crate::command::Refusal;

            fn wants(&self) -> Vec<crate::store::Want> {
                vec![crate::store::Want::$want(self.target.order_id)]
            }

            fn decide(
                &self,
                unit: &mut crate::store::OrdersUnit,
                now: ordermesh_kernel::Timestamp,
            ) -> Result<Self::Answer, Self::Refusal> {
                let $this = self;
                self.target.change(unit, now, |$change| $decide)
            }
        }
    };
}
use change_command;
