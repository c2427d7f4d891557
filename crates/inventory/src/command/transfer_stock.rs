//! TransferStock: available pieces go to another location.

use ordermesh_feed::commit::Command;
use ordermesh_kernel::Timestamp;

use crate::domain::{Change, Location, Refusal, StockItem};
use crate::store::{StockUnit, Want};

/// Moves pieces.
#[derive(Debug)]
pub struct TransferStock {
    /// From where, and who says so.
    pub change: Change,
    /// Where they go.
    pub to: Location,
    /// How many.
    pub quantity: i64,
}

/// Both items after it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct StockTransferred {
    /// The one that they left.
    pub from: StockItem,
    /// The one that they came to.
    pub to: StockItem,
}

impl Command<StockUnit> for TransferStock {
    type Answer = StockTransferred;
    type Refusal = Refusal;

    fn wants(&self) -> Vec<Want> {
        vec![Want::Article(self.change.key.sku.clone())]
    }

    fn decide(&self, unit: &mut StockUnit, now: Timestamp) -> Result<StockTransferred, Refusal> {
        let (change, to) = (self.change.clone(), self.to.clone());
        let (from, to) = unit.ledger.transfer(change, to, self.quantity, now)?;
        Ok(StockTransferred { from, to })
    }
}
