//! The order: what it consists of, what may be decided about it, and what follows from a decision.
//!
//! Pure functions of state and command to events or a refusal; time and ids are arguments. An [`Order`] is
//! its [`OrderHead`], what every event changes, its [`OrderTerms`], what was agreed when it was placed, and its
//! [`Parts`], what has become of its pieces. Decisions on an order that exists are methods of a [`Change`], which
//! needs the parts only where they are about pieces: most commands load one row. What an event does to an order is said
//! once, in `OrderHead::take_in` and `Parts::apply`, which every fold goes through.
//!
//! # Layout
//! - `draft`, `line`, `personal`, `totals`, `order`: what is asked for and agreed, and its arithmetic
//! - `status`, `waiting`, `hold`, `parts`, `head`: an order under way
//! - `change`: a decision; `cancelling`, `holding`, `fulfilling`: what people decide; `process`: what inventory, payment
//!   and the clock tell; `owed`: what is owed once pieces are gone
//! - `event`, `refusal`, `actor`: what comes out

mod actor;
mod cancelling;
mod change;
mod draft;
mod event;
mod fulfilling;
mod head;
mod hold;
mod holding;
mod line;
mod order;
mod owed;
mod parts;
mod personal;
mod process;
mod refusal;
mod status;
mod totals;
mod waiting;

pub use actor::Actor;
pub use change::Change;
pub use draft::{Buyer, Discount, DiscountCode, MAX_DISCOUNTS, MAX_LINES, OrderDraft, Shipping};
pub use event::{Fact, LinesCancelReason, NoteText, OrderEvent, RejectionReason, Stamp};
pub use head::{OrderHead, Pieces};
pub use hold::{Hold, HoldReason, MAX_HOLDS};
pub use line::{Line, NewLine, Quantity, RangeError, Sku, TaxRate, Title};
pub use order::{Order, OrderTerms};
pub use parts::{
    Carrier, LineInProgress, LineProgress, LineQuantity, MAX_PARTS, Parts, Progress, ReceivedLine, Return,
    ReturnCondition, ReturnState, Shipment, ShipmentState, TrackingNumber,
};
pub use personal::{
    Address, AddressLine, AddressLines, AdministrativeArea, Contact, ContactName, CountryCode, Email, Locale,
    Locality, PersonalData, PostalCode, Recipient,
};
pub use process::{PaymentFact, PaymentNews, StockFact};
pub use refusal::{Field, Part, Refusal};
pub use status::{FulfilmentStatus, OrderState, PaymentAmounts, PaymentStatus, Status, StockStatus};
pub use totals::Totals;
pub use waiting::{Since, Waiting, WaitingFor};
