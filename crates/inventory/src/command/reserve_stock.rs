//! ReserveStock: pieces are set aside for a while, for no order.

use std::time::Duration;

use ordermesh_feed::commit::Command;
use ordermesh_kernel::{Timestamp, from_micros, to_micros};

use crate::domain::{Pieces, Refusal, ReservationId, Wanted};
use crate::store::{StockUnit, Want};

/// Sets pieces aside, all or none.
#[derive(Debug)]
pub struct ReserveStock {
    /// What is wanted.
    pub wanted: Vec<Wanted>,
    /// For how long.
    pub hold: Duration,
}

/// Pieces that are set aside.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct StockHeld {
    /// The reservation.
    pub id: ReservationId,
    /// What is reserved where.
    pub lines: Vec<Pieces>,
    /// When it ends by itself.
    pub expire_time: Timestamp,
}

impl Command<StockUnit> for ReserveStock {
    type Answer = StockHeld;
    type Refusal = Refusal;

    fn wants(&self) -> Vec<Want> {
        self.wanted.iter().map(|line| Want::Article(line.sku.clone())).collect()
    }

    fn decide(&self, unit: &mut StockUnit, now: Timestamp) -> Result<StockHeld, Refusal> {
        let id = ReservationId::new_v7(now);
        let hold = i64::try_from(self.hold.as_micros()).unwrap_or(i64::MAX);
        let expire_time = from_micros(to_micros(now).saturating_add(hold)).unwrap_or(Timestamp::MAX);
        let lines = unit.ledger.hold(id, &self.wanted, expire_time, now)?;
        Ok(StockHeld { id, lines, expire_time })
    }
}
