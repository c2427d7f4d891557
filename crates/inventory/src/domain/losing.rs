//! Fewer pieces are there than are reserved: who loses them.
//!
//! Reservations without order first, then held ones, then committed ones, the newest first: who has waited longest and is
//! furthest keeps its pieces. A reservation without order just ends, and what is left of it is available again; an
//! order keeps what is left and is told what is not.

use std::cmp::Reverse;
use std::collections::BTreeSet;

use ordermesh_kernel::Timestamp;

use super::ledger::Fate;
use super::{InventoryEvent, ItemKey, Ledger, LineTarget, Refusal, ReservationId, ReservationState};

/// What a reservation has lost.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Loss {
    /// The reservation.
    pub id: ReservationId,
    /// It is an order's, whose id it has.
    pub of_order: bool,
    /// How many pieces.
    pub quantity: i64,
}

impl Ledger {
    /// Takes from reservations what `gone` pieces of an item leave missing. Tells each order; the item's own event is
    /// the caller's.
    pub(super) fn lose(&mut self, key: &ItemKey, gone: i64, now: Timestamp) -> Result<Vec<Loss>, Refusal> {
        let Some(item) = self.item(key).filter(|item| item.available() < gone) else { return Ok(Vec::new()) };
        let mut missing = gone - item.available();
        if !self.is_complete(key) {
            return Err(Refusal::HoldersNeeded(key.clone()));
        }
        let mut losses = Vec::new();
        for id in self.holders(key) {
            if missing <= 0 {
                break;
            }
            losses.extend(self.lose_of(id, key, &mut missing, now));
        }
        Ok(losses)
    }

    /// The reservations with pieces of an item, in the order in which they lose them.
    fn holders(&self, key: &ItemKey) -> Vec<ReservationId> {
        let mut holders: Vec<_> =
            self.reservations().filter(|reservation| reservation.reserved_of(key) > 0).collect();
        holders.sort_by_key(|holder| {
            let committed = holder.state == ReservationState::Committed;
            (holder.of_order, committed, Reverse((holder.create_time, holder.id)))
        });
        holders.into_iter().map(|holder| holder.id).collect()
    }

    fn lose_of(
        &mut self,
        id: ReservationId,
        key: &ItemKey,
        missing: &mut i64,
        now: Timestamp,
    ) -> Option<Loss> {
        let of_order = self.reservation(id)?.of_order;
        let mut left = *missing;
        let lost = self.move_reserved(id, Fate::Lost, now, |_, part| {
            let here = part.sku == key.sku && part.location == key.location;
            let pieces = if here { part.reserved.min(left) } else { 0 };
            left -= pieces;
            pieces
        });
        let quantity = *missing - left;
        *missing = left;
        let event = match of_order {
            true => {
                let (stamp, remainders) = self.change_reservation(id, |reservation| {
                    let lines: BTreeSet<i32> = lost.iter().map(|pieces| pieces.line_id).collect();
                    let left = |line_id| LineTarget { line_id, quantity: reservation.reserved_for(line_id) };
                    let remainders = lines.into_iter().map(left).collect();
                    (reservation.stamp(now), remainders)
                })?;
                InventoryEvent::Shortfall { stamp, lines: lost, remainders }
            }
            false => {
                let lines = self.move_reserved(id, Fate::Released, now, |_, part| part.reserved);
                let stamp = self.change_reservation(id, |reservation| reservation.stamp(now))?;
                InventoryEvent::Released { stamp, lines, whole: true }
            }
        };
        self.tell(event);
        Some(Loss { id, of_order, quantity })
    }
}
