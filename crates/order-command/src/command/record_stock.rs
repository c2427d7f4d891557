//! RecordStock: what inventory tells about an order; by the process only.

use ordermesh_feed::commit::Command;
use ordermesh_kernel::Timestamp;

use super::{OrderChanged, Refusal, Target};
use crate::domain::StockFact;
use crate::store::{OrdersUnit, Want};

/// Takes note of what inventory tells.
#[derive(Debug)]
pub struct RecordStock {
    /// The order.
    pub target: Target,
    /// What it tells.
    pub fact: StockFact,
}

impl Command<OrdersUnit> for RecordStock {
    type Answer = OrderChanged;
    type Refusal = Refusal;

    fn wants(&self) -> Vec<Want> {
        vec![match self.fact {
            StockFact::Shortfall { .. } => Want::Parts(self.target.order_id),
            _ => Want::Order(self.target.order_id),
        }]
    }

    fn decide(&self, unit: &mut OrdersUnit, now: Timestamp) -> Result<OrderChanged, Refusal> {
        self.target.change(unit, now, |change| change.record_stock(self.fact.clone()).map(|()| None))
    }
}
