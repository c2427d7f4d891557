//! SetReorderLevel: at how few available pieces an article is to be ordered anew.

use std::convert::Infallible;

use ordermesh_feed::commit::Command;
use ordermesh_kernel::Timestamp;

use super::ItemChanged;
use crate::domain::{Actor, ItemKey};
use crate::store::{StockUnit, Want};

/// Sets or unsets a reorder level.
#[derive(Debug)]
pub struct SetReorderLevel {
    /// The item.
    pub key: ItemKey,
    /// The level; none: it is never low.
    pub level: Option<i64>,
    /// Who sets it.
    pub actor: Actor,
}

impl Command<StockUnit> for SetReorderLevel {
    type Answer = ItemChanged;
    type Refusal = Infallible;

    fn wants(&self) -> Vec<Want> {
        vec![Want::Article(self.key.sku.clone())]
    }

    fn decide(&self, unit: &mut StockUnit, now: Timestamp) -> Result<ItemChanged, Infallible> {
        let item = unit.ledger.set_reorder_level(&self.key, self.level, self.actor.clone(), now);
        Ok(ItemChanged { item })
    }
}
