//! Goods of an order came back and can be sold again.

use std::convert::Infallible;

use super::Recorded;
use crate::domain::{Actor, LineTarget, ReservationId, ReturnId};
use crate::store::{StockUnit, Want};
use ordermesh_feed::commit::Command;
use ordermesh_kernel::{OrderId, Timestamp};

/// Puts pieces back to where they were taken from.
#[derive(Debug)]
pub struct RestockReturn {
    /// The order.
    pub order_id: OrderId,
    /// The return, which counts once.
    pub return_id: ReturnId,
    /// How many pieces of its lines are stock again.
    pub back: Vec<LineTarget>,
    /// Who puts them back.
    pub actor: Actor,
}

impl Command<StockUnit> for RestockReturn {
    type Answer = Recorded;
    type Refusal = Infallible;

    fn wants(&self) -> Vec<Want> {
        vec![Want::Reservation(ReservationId::of(self.order_id))]
    }

    fn decide(&self, unit: &mut StockUnit, now: Timestamp) -> Result<Recorded, Infallible> {
        let Self { order_id, return_id, back, actor } = self;
        unit.ledger.restock_of_order(*order_id, *return_id, back, actor, now);
        Ok(Recorded)
    }
}
