//! Stock and reservations: what there is, what is set aside of it, and for whom. Pure functions on a [`Ledger`].
//!
//! # Layout
//! - [`values`]: the words, checked when they are made
//! - [`item`]: the stock of an article at a location
//! - [`reservation`]: pieces set aside, and what becomes of them
//! - [`allocation`]: from which locations a reservation takes its pieces
//! - [`ledger`]: the items and reservations that decisions see and change
//! - [`counting`], [`reserving`], [`fulfilling`], [`losing`]: the decisions
//! - [`event`], [`refusal`]: what they tell, and why they say no

pub mod allocation;
pub mod counting;
pub mod event;
pub mod fulfilling;
pub mod item;
pub mod ledger;
pub mod losing;
pub mod refusal;
pub mod reservation;
pub mod reserving;
pub mod values;

pub use allocation::{Shortage, Wanted};
pub use counting::Change;
pub use event::{InventoryEvent, Pieces, RejectionReason, Stamp};
pub use fulfilling::{LineDispatch, LineTarget};
pub use item::{ItemKey, MAX_ON_HAND, StockItem};
pub use ledger::Ledger;
pub use losing::Loss;
pub use refusal::Refusal;
pub use reservation::{Part, Reservation, ReservationState};
pub use values::{Actor, ChangeReason, Location, Note, ReservationId, ReturnId, Sku};
