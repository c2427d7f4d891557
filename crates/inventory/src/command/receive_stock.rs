//! ReceiveStock: goods came in.

use ordermesh_feed::commit::Command;
use ordermesh_kernel::Timestamp;

use super::ItemChanged;
use crate::domain::{Change, Refusal};
use crate::store::{StockUnit, Want};

/// Takes goods in.
#[derive(Debug)]
pub struct ReceiveStock {
    /// Where, and who says so.
    pub change: Change,
    /// How many pieces came.
    pub quantity: i64,
}

impl Command<StockUnit> for ReceiveStock {
    type Answer = ItemChanged;
    type Refusal = Refusal;

    fn wants(&self) -> Vec<Want> {
        vec![Want::Article(self.change.key.sku.clone())]
    }

    fn decide(&self, unit: &mut StockUnit, now: Timestamp) -> Result<ItemChanged, Refusal> {
        let item = unit.ledger.receive(self.change.clone(), self.quantity, now)?;
        Ok(ItemChanged { item })
    }
}
