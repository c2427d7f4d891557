//! Why inventory says no: a decision refused by a rule of the business, never a failure of the machine.

use super::{ItemKey, ReservationId, ReservationState, Shortage};

/// Why a command is refused.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum Refusal {
    /// There is less than is wanted; at least one shortage.
    #[error("{}", shortages(.0))]
    Insufficient(Vec<Shortage>),
    /// Less is there than is to be taken away.
    #[error("{wanted} pieces of {key} are to be taken away, but {on_hand} are there")]
    LessOnHand {
        /// Where.
        key: ItemKey,
        /// How many are to go.
        wanted: i64,
        /// How many are there.
        on_hand: i64,
    },
    /// More pieces than can be counted.
    #[error("{0} would have more pieces than can be counted")]
    Overflow(ItemKey),
    /// There is no such reservation.
    #[error("there is no reservation {0}")]
    ReservationNotFound(ReservationId),
    /// The reservation is an order's.
    #[error("the reservation {0} is an order's, which alone decides on it")]
    ReservationOfOrder(ReservationId),
    /// The reservation has ended already.
    #[error("the reservation {id} is {state} already")]
    ReservationEnded {
        /// The reservation.
        id: ReservationId,
        /// Where it stands.
        state: ReservationState,
    },
    /// Reservations would lose pieces, and they were not loaded: the command is to be tried anew with them. No caller sees it.
    #[error("reservations of {0} lose pieces")]
    HoldersNeeded(ItemKey),
}

fn shortages(shortages: &[Shortage]) -> String {
    let one = |shortage: &Shortage| {
        format!("{} of {} wanted, {} available", shortage.requested, shortage.sku, shortage.available)
    };
    format!("not enough in stock: {}", shortages.iter().map(one).collect::<Vec<_>>().join("; "))
}
