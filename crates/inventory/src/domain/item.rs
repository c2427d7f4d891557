//! The stock of an article at a location: on hand = available + reserved, and nothing of it negative.

use std::fmt;

use ordermesh_kernel::Timestamp;

use super::{Location, Sku};

/// So many pieces an item may have: far more than any warehouse, and sums of all locations still fit.
pub const MAX_ON_HAND: i64 = 1_000_000_000_000;

/// What identifies an item, shown as `SKU@location`.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct ItemKey {
    /// The article.
    pub sku: Sku,
    /// The location.
    pub location: Location,
}

impl fmt::Display for ItemKey {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(formatter, "{}@{}", self.sku, self.location)
    }
}

/// The stock of an article at a location.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct StockItem {
    /// Article and location.
    pub key: ItemKey,
    /// Pieces that are there.
    pub on_hand: i64,
    /// Those of them that belong to reservations.
    pub reserved: i64,
    /// At or below so many available pieces it is low; none: never.
    pub reorder_level: Option<i64>,
    /// Number of its events so far.
    pub revision: i64,
    /// When it last changed.
    pub update_time: Timestamp,
}

impl StockItem {
    /// Nothing yet.
    pub fn new(key: ItemKey, now: Timestamp) -> Self {
        Self { key, on_hand: 0, reserved: 0, reorder_level: None, revision: 0, update_time: now }
    }

    /// Pieces that belong to nobody.
    pub const fn available(&self) -> i64 {
        self.on_hand - self.reserved
    }

    /// Whether it is to be ordered anew.
    pub fn is_low(&self) -> bool {
        self.reorder_level.is_some_and(|level| self.available() <= level)
    }

    /// What every change keeps.
    pub const fn is_sound(&self) -> bool {
        0 <= self.reserved && self.reserved <= self.on_hand
    }
}
