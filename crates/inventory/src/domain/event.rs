//! The facts that inventory publishes.

use ordermesh_kernel::Timestamp;

use super::{Actor, ChangeReason, LineTarget, Location, Note, ReservationId, Shortage, Sku, StockItem};

/// So many pieces of an article at a location, for a line of a reservation.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Pieces {
    /// Number of the line, from 1 on.
    pub line_id: i32,
    /// The article.
    pub sku: Sku,
    /// The location.
    pub location: Location,
    /// How many.
    pub quantity: i64,
}

/// What every event about a reservation says.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Stamp {
    /// The reservation.
    pub id: ReservationId,
    /// It is an order's, whose id it has.
    pub of_order: bool,
    /// Number of the event among those of the reservation, from 1 on.
    pub revision: i64,
    /// When it happened.
    pub occurred_time: Timestamp,
}

/// Why nothing is reserved.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum RejectionReason {
    /// Not enough was available.
    Insufficient,
    /// The release came first.
    ReleasedBefore,
}

/// What has happened.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum InventoryEvent {
    /// Every line is reserved.
    Reserved {
        /// The reservation.
        stamp: Stamp,
        /// What is reserved where.
        lines: Vec<Pieces>,
        /// When it ends by itself.
        expire_time: Option<Timestamp>,
    },
    /// Nothing is reserved.
    Rejected {
        /// The reservation.
        stamp: Stamp,
        /// Why.
        reason: RejectionReason,
        /// What was missing.
        shortages: Vec<Shortage>,
    },
    /// Pieces are available again, or there was nothing to release.
    Released {
        /// The reservation.
        stamp: Stamp,
        /// What was released.
        lines: Vec<Pieces>,
        /// Nothing is held any more, and nothing will be.
        whole: bool,
    },
    /// Reserved pieces of an order are lost.
    Shortfall {
        /// The order's reservation.
        stamp: Stamp,
        /// What was lost.
        lines: Vec<Pieces>,
        /// What is still reserved of each of these lines, at all locations.
        remainders: Vec<LineTarget>,
    },
    /// The stock of an item has changed, but for reservations and what becomes of them.
    Adjusted {
        /// The item after it.
        item: StockItem,
        /// Pieces that came or, negative, went.
        change: i64,
        /// Why.
        reason: ChangeReason,
        /// More about it.
        note: Note,
        /// Who caused it.
        actor: Actor,
        /// When.
        occurred_time: Timestamp,
    },
    /// An item has another reorder level.
    ReorderLevelSet {
        /// The item after it.
        item: StockItem,
        /// Who set it.
        actor: Actor,
        /// When.
        occurred_time: Timestamp,
    },
}
