//! Pieces are set aside, all that are wanted or none.

use ordermesh_kernel::{OrderId, Timestamp};

use super::allocation::allocate;
use super::{
    InventoryEvent, Ledger, Pieces, Refusal, RejectionReason, Reservation, ReservationId, ReservationState,
    Shortage, Wanted,
};

impl Ledger {
    /// Sets pieces aside until a time, for no order. Tells what is reserved where.
    pub fn hold(
        &mut self,
        id: ReservationId,
        wanted: &[Wanted],
        expire_time: Timestamp,
        now: Timestamp,
    ) -> Result<Vec<Pieces>, Refusal> {
        let pieces = self.allocate(wanted).map_err(Refusal::Insufficient)?;
        self.reserve(id, pieces.clone(), Some(expire_time), now);
        Ok(pieces)
    }

    /// Sets an order's pieces aside, or tells that they are not there. What comes a second time changes nothing; what comes
    /// after its release is rejected.
    pub fn reserve_order(&mut self, order: OrderId, wanted: &[Wanted], now: Timestamp) {
        let id = ReservationId::of(order);
        match self.reservation(id) {
            None => match self.allocate(wanted) {
                Ok(pieces) => self.reserve(id, pieces, None, now),
                Err(shortages) => self.reject(id, RejectionReason::Insufficient, shortages, now),
            },
            Some(known) if known.is_tombstone() => {
                self.reject(id, RejectionReason::ReleasedBefore, Vec::new(), now);
            }
            Some(_) => {}
        }
    }

    fn allocate(&self, wanted: &[Wanted]) -> Result<Vec<Pieces>, Vec<Shortage>> {
        allocate(wanted, |sku| self.available(sku))
    }

    fn reserve(
        &mut self,
        id: ReservationId,
        lines: Vec<Pieces>,
        expire_time: Option<Timestamp>,
        now: Timestamp,
    ) {
        let mut reservation = Reservation::held(id, lines.clone(), expire_time, now);
        let stamp = reservation.stamp(now);
        self.add_reservation(reservation, now);
        self.tell(InventoryEvent::Reserved { stamp, lines, expire_time });
    }

    fn reject(
        &mut self,
        id: ReservationId,
        reason: RejectionReason,
        shortages: Vec<Shortage>,
        now: Timestamp,
    ) {
        if self.reservation(id).is_none() {
            self.add_reservation(Reservation::ended(id, ReservationState::Rejected, now), now);
        }
        let stamp = self.change_reservation(id, |reservation| {
            reservation.state = ReservationState::Rejected;
            reservation.update_time = now;
            reservation.stamp(now)
        });
        let rejected = stamp.map(|stamp| InventoryEvent::Rejected { stamp, reason, shortages });
        rejected.into_iter().for_each(|event| self.tell(event));
    }
}
