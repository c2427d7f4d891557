//! Pieces set aside, for an order or for a while, and what becomes of them.
//!
//! Held → committed → consumed; held or committed → released; rejected from the start. Which of the last two an ended
//! reservation is follows from its pieces: something has left, or nothing has.

use std::collections::BTreeSet;
use std::fmt;

use super::{ItemKey, Location, Pieces, ReservationId, ReturnId, Sku, Stamp};
use ordermesh_kernel::Timestamp;

/// Where a reservation stands.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum ReservationState {
    /// The pieces are set aside.
    Held,
    /// The order is confirmed.
    Committed,
    /// What was not given back or lost has left.
    Consumed,
    /// Nothing is reserved any more and nothing has left.
    Released,
    /// There was not enough.
    Rejected,
}

impl ReservationState {
    /// Every state.
    pub const ALL: [Self; 5] = [Self::Held, Self::Committed, Self::Consumed, Self::Released, Self::Rejected];

    /// Its word.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Held => "held",
            Self::Committed => "committed",
            Self::Consumed => "consumed",
            Self::Released => "released",
            Self::Rejected => "rejected",
        }
    }

    /// The state of a word.
    pub fn parse(word: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|state| state.as_str() == word)
    }
}

impl fmt::Display for ReservationState {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str(self.as_str())
    }
}

/// What became of the pieces of a line at a location: quantity = reserved + consumed + released + lost.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Part {
    /// Number of the line, from 1 on.
    pub line_id: i32,
    /// The article.
    pub sku: Sku,
    /// The location.
    pub location: Location,
    /// Pieces that were set aside.
    pub quantity: i64,
    /// Those that still are.
    pub reserved: i64,
    /// Those that have left.
    pub consumed: i64,
    /// Those given back before they left.
    pub released: i64,
    /// Those lost while they were set aside.
    pub lost: i64,
    /// Those that came back and are stock again: of the consumed ones, and of those lost ones that had left all the same.
    pub restocked: i64,
}

impl Part {
    fn new(pieces: Pieces) -> Self {
        let Pieces { line_id, sku, location, quantity } = pieces;
        Self {
            line_id,
            sku,
            location,
            quantity,
            reserved: quantity,
            consumed: 0,
            released: 0,
            lost: 0,
            restocked: 0,
        }
    }

    /// The item that it is of.
    pub fn key(&self) -> ItemKey {
        ItemKey { sku: self.sku.clone(), location: self.location.clone() }
    }

    /// So many of its pieces.
    pub fn pieces(&self, quantity: i64) -> Pieces {
        Pieces { line_id: self.line_id, sku: self.sku.clone(), location: self.location.clone(), quantity }
    }
}

/// Pieces set aside.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Reservation {
    /// Identity.
    pub id: ReservationId,
    /// It is an order's, whose id it has.
    pub of_order: bool,
    /// Where it stands.
    pub state: ReservationState,
    /// What became of the pieces, in the order in which they were taken.
    pub parts: Vec<Part>,
    /// When it ends by itself; none for an order's, and once it has ended.
    pub expire_time: Option<Timestamp>,
    /// The returns whose pieces are stock again.
    pub restocked_returns: BTreeSet<ReturnId>,
    /// Number of its events so far.
    pub revision: i64,
    /// When it was made.
    pub create_time: Timestamp,
    /// When it last changed.
    pub update_time: Timestamp,
}

impl Reservation {
    /// A reservation of nothing, in a state from which nothing comes: what is refused, or released before it came.
    pub fn ended(id: ReservationId, state: ReservationState, now: Timestamp) -> Self {
        Self {
            id,
            of_order: true,
            state,
            parts: Vec::new(),
            expire_time: None,
            restocked_returns: BTreeSet::new(),
            revision: 0,
            create_time: now,
            update_time: now,
        }
    }

    /// A reservation of these pieces.
    pub fn held(
        id: ReservationId,
        pieces: Vec<Pieces>,
        expire_time: Option<Timestamp>,
        now: Timestamp,
    ) -> Self {
        let parts = pieces.into_iter().map(Part::new).collect();
        let of_order = expire_time.is_none();
        Self { of_order, parts, expire_time, ..Self::ended(id, ReservationState::Held, now) }
    }

    /// Released before it came.
    pub fn is_tombstone(&self) -> bool {
        self.state == ReservationState::Released && self.parts.is_empty()
    }

    /// Pieces are set aside, or may be.
    pub fn is_active(&self) -> bool {
        matches!(self.state, ReservationState::Held | ReservationState::Committed)
    }

    /// Pieces of an item that it has.
    pub fn reserved_of(&self, key: &ItemKey) -> i64 {
        let of_item = |part: &&Part| part.sku == key.sku && part.location == key.location;
        self.parts.iter().filter(of_item).map(|part| part.reserved).sum()
    }

    /// Pieces of a line that it has.
    pub fn reserved_for(&self, line_id: i32) -> i64 {
        self.of_line(line_id).map(|part| part.reserved).sum()
    }

    /// Pieces of a line that have left.
    pub fn consumed_for(&self, line_id: i32) -> i64 {
        self.of_line(line_id).map(|part| part.consumed).sum()
    }

    fn of_line(&self, line_id: i32) -> impl Iterator<Item = &Part> {
        self.parts.iter().filter(move |part| part.line_id == line_id)
    }

    /// Nothing is reserved and nothing has left.
    pub fn is_empty(&self) -> bool {
        self.parts.iter().all(|part| part.reserved == 0 && part.consumed == 0)
    }

    /// The state that its pieces leave it in. An ended one expires no more.
    pub(super) fn settle(&mut self, now: Timestamp) {
        self.update_time = now;
        if self.is_active() && self.parts.iter().all(|part| part.reserved == 0) {
            self.state = match self.is_empty() {
                true => ReservationState::Released,
                false => ReservationState::Consumed,
            };
            self.expire_time = None;
        }
    }

    /// Counts one event more.
    pub(super) fn stamp(&mut self, now: Timestamp) -> Stamp {
        self.revision += 1;
        Stamp { id: self.id, of_order: self.of_order, revision: self.revision, occurred_time: now }
    }

    /// What every change keeps.
    pub fn is_sound(&self) -> bool {
        let sound = |part: &Part| {
            let Part { quantity, reserved, consumed, released, lost, restocked, .. } = *part;
            let counted = [reserved, consumed, released, lost, restocked].iter().all(|pieces| *pieces >= 0);
            counted && restocked <= consumed + lost && quantity == reserved + consumed + released + lost
        };
        let reserved = self.parts.iter().any(|part| part.reserved > 0);
        self.parts.iter().all(sound) && reserved == self.is_active()
    }
}
