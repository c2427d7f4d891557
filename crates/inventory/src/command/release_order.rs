//! An order needs nothing any more: what is left of its reservation is available again.

use std::convert::Infallible;

use ordermesh_feed::commit::Command;
use ordermesh_kernel::{OrderId, Timestamp};

use super::Recorded;
use crate::domain::ReservationId;
use crate::store::{StockUnit, Want};

/// Releases an order's reservation, or sees to it that none is made later.
#[derive(Debug)]
pub struct ReleaseOrder {
    /// The order.
    pub order_id: OrderId,
}

impl Command<StockUnit> for ReleaseOrder {
    type Answer = Recorded;
    type Refusal = Infallible;

    fn wants(&self) -> Vec<Want> {
        vec![Want::Reservation(ReservationId::of(self.order_id))]
    }

    fn decide(&self, unit: &mut StockUnit, now: Timestamp) -> Result<Recorded, Infallible> {
        unit.ledger.release_order(self.order_id, now);
        Ok(Recorded)
    }
}
