//! The commands of inventory, one file each: what to load, how to decide, what to answer. The last ones come of what the
//! order feed tells; they refuse nothing.

pub mod adjust_stock;
pub mod commit_order;
pub mod consume_shipment;
pub mod expire_hold;
pub mod keep_order_lines;
pub mod receive_stock;
pub mod release_order;
pub mod release_reservation;
pub mod reserve_order;
pub mod reserve_stock;
pub mod restock_return;
pub mod set_reorder_level;
pub mod transfer_stock;

use crate::domain::StockItem;

/// The answer of a command that nobody asked for: it is done.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Recorded;

/// An item after a command.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ItemChanged {
    /// The item.
    pub item: StockItem,
}
