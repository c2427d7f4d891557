//! An order is placed: its pieces are set aside, or it is told that they are not there.

use std::convert::Infallible;

use ordermesh_feed::commit::Command;
use ordermesh_kernel::{OrderId, Timestamp};

use super::Recorded;
use crate::domain::{ReservationId, Wanted};
use crate::store::{StockUnit, Want};

/// Sets an order's pieces aside, all or none.
#[derive(Debug)]
pub struct ReserveOrder {
    /// The order.
    pub order_id: OrderId,
    /// What it wants.
    pub wanted: Vec<Wanted>,
}

impl Command<StockUnit> for ReserveOrder {
    type Answer = Recorded;
    type Refusal = Infallible;

    fn wants(&self) -> Vec<Want> {
        let articles = self.wanted.iter().map(|line| Want::Article(line.sku.clone()));
        articles.chain([Want::Reservation(ReservationId::of(self.order_id))]).collect()
    }

    fn decide(&self, unit: &mut StockUnit, now: Timestamp) -> Result<Recorded, Infallible> {
        unit.ledger.reserve_order(self.order_id, &self.wanted, now);
        Ok(Recorded)
    }
}
