//! What becomes of reserved pieces: they are committed, released, leave, or come back.
//!
//! What an order says counts absolutely: how many pieces of a line may stay, how many have left by now. So what comes
//! twice, late or for nothing changes nothing, and nothing here refuses.

use std::collections::BTreeMap;

use super::ledger::Fate;
use super::{
    Actor, Change, ChangeReason, InventoryEvent, ItemKey, Ledger, Note, Pieces, Refusal, Reservation,
    ReservationId, ReservationState, ReturnId,
};
use ordermesh_kernel::{OrderId, Timestamp};

/// A number of pieces of a line.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct LineTarget {
    /// The line.
    pub line_id: i32,
    /// How many.
    pub quantity: i64,
}

/// How far a line is dispatched.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct LineDispatch {
    /// The line.
    pub line_id: i32,
    /// How many pieces have left by now.
    pub shipped: i64,
    /// How many are to leave yet.
    pub open: i64,
}

impl Ledger {
    /// The order is confirmed: its pieces will leave.
    pub fn commit_order(&mut self, order: OrderId, now: Timestamp) {
        let id = ReservationId::of(order);
        if self.reservation(id).is_some_and(|known| known.state == ReservationState::Held) {
            self.change_reservation(id, |reservation| {
                reservation.state = ReservationState::Committed;
                reservation.update_time = now;
            });
        }
    }

    /// The order needs nothing any more. Always answered; of an order that is not known yet a tombstone stays.
    pub fn release_order(&mut self, order: OrderId, now: Timestamp) {
        let id = ReservationId::of(order);
        if self.reservation(id).is_none() {
            self.add_reservation(Reservation::ended(id, ReservationState::Released, now), now);
        }
        self.release(id, now);
    }

    /// Of each line no more than so many pieces stay reserved. Tells what is released, if anything is.
    pub fn keep_of_order(&mut self, order: OrderId, keep: &[LineTarget], now: Timestamp) {
        let id = ReservationId::of(order);
        let Some(reservation) = self.reservation(id) else { return };
        let surplus = |target: &LineTarget| {
            (target.line_id, reservation.reserved_for(target.line_id) - target.quantity)
        };
        let mut surplus: BTreeMap<i32, i64> = keep.iter().map(surplus).collect();
        // What was taken last is given back first: the line stays at as few locations as can be.
        let mut give = vec![0; reservation.parts.len()];
        for (index, part) in reservation.parts.iter().enumerate().rev() {
            if let Some(left) = surplus.get_mut(&part.line_id) {
                give[index] = part.reserved.min(*left).max(0);
                *left -= give[index];
            }
        }
        let lines = self.move_reserved(id, Fate::Released, now, |index, _| give[index]);
        if !lines.is_empty() {
            self.tell_released(id, lines, now);
        }
    }

    /// Of each line so many pieces have left by now, and so many will.
    ///
    /// What is to leave yet stays reserved, as far as it is there: where pieces were missed while others were already on their
    /// way, those that were missed are those that left, and of the others none is taken.
    pub fn consume_of_order(&mut self, order: OrderId, lines: &[LineDispatch], now: Timestamp) {
        let id = ReservationId::of(order);
        let Some(reservation) = self.reservation(id) else { return };
        let leaving = |line: &LineDispatch| {
            let surplus = reservation.reserved_for(line.line_id) - line.open;
            (line.line_id, surplus.min(line.shipped - reservation.consumed_for(line.line_id)))
        };
        let mut leaving: BTreeMap<i32, i64> = lines.iter().map(leaving).collect();
        self.move_reserved(id, Fate::Consumed, now, |_, part| {
            let Some(left) = leaving.get_mut(&part.line_id) else { return 0 };
            let leave = part.reserved.min(*left).max(0);
            *left -= leave;
            leave
        });
    }

    /// Pieces that had left are back and are stock again, where they were taken from; each return counts once.
    pub fn restock_of_order(
        &mut self,
        order: OrderId,
        return_id: ReturnId,
        back: &[LineTarget],
        actor: &Actor,
        now: Timestamp,
    ) {
        let id = ReservationId::of(order);
        let known = self.reservation(id).is_some_and(|known| !known.restocked_returns.contains(&return_id));
        if !known {
            return;
        }
        let restocked = self.change_reservation(id, |reservation| {
            reservation.restocked_returns.insert(return_id);
            reservation.update_time = now;
            restock(reservation, back)
        });
        for (key, quantity) in restocked.into_iter().flatten() {
            let (reason, note, actor) = (ChangeReason::Returned, Note::none(), actor.clone());
            self.count(Change { key, reason, note, actor }, quantity, now);
        }
    }

    /// Ends a reservation that belongs to no order, at somebody's wish. Tells what is released.
    pub fn release_hold(&mut self, id: ReservationId, now: Timestamp) -> Result<Vec<Pieces>, Refusal> {
        let reservation = self.reservation(id).ok_or(Refusal::ReservationNotFound(id))?;
        if reservation.of_order {
            return Err(Refusal::ReservationOfOrder(id));
        }
        if !reservation.is_active() {
            return Err(Refusal::ReservationEnded { id, state: reservation.state });
        }
        Ok(self.release(id, now))
    }

    /// Ends a reservation whose time is over, and says so. One that has ended, or that has more time by now, stays as it is.
    pub fn expire_hold(&mut self, id: ReservationId, now: Timestamp) -> bool {
        let due =
            |known: &Reservation| known.is_active() && known.expire_time.is_some_and(|time| time <= now);
        let is_due = self.reservation(id).is_some_and(due);
        if is_due {
            self.release(id, now);
        }
        is_due
    }

    fn release(&mut self, id: ReservationId, now: Timestamp) -> Vec<Pieces> {
        let lines = self.move_reserved(id, Fate::Released, now, |_, part| part.reserved);
        let stamp = self.change_reservation(id, |reservation| reservation.stamp(now));
        let released =
            stamp.map(|stamp| InventoryEvent::Released { stamp, lines: lines.clone(), whole: true });
        released.into_iter().for_each(|event| self.tell(event));
        lines
    }

    /// Tells that pieces are available again; `whole` when nothing is reserved and nothing has left.
    fn tell_released(&mut self, id: ReservationId, lines: Vec<Pieces>, now: Timestamp) {
        let told =
            self.change_reservation(id, |reservation| (reservation.stamp(now), reservation.is_empty()));
        let released = told.map(|(stamp, whole)| InventoryEvent::Released { stamp, lines, whole });
        released.into_iter().for_each(|event| self.tell(event));
    }
}

/// Counts pieces as restocked, how many by item: of those that have left, and then of those that were missed and have left
/// all the same.
fn restock(reservation: &mut Reservation, back: &[LineTarget]) -> BTreeMap<ItemKey, i64> {
    let mut restocked = BTreeMap::new();
    for target in back {
        let mut left = target.quantity;
        for missed_too in [false, true] {
            for part in reservation.parts.iter_mut().filter(|part| part.line_id == target.line_id) {
                let gone = part.consumed + if missed_too { part.lost } else { 0 };
                let pieces = left.min(gone - part.restocked);
                if pieces > 0 {
                    part.restocked += pieces;
                    left -= pieces;
                    *restocked.entry(part.key()).or_default() += pieces;
                }
            }
        }
    }
    restocked
}
