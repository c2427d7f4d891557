//! The order: what it consists of, what may be decided about it, and what follows from a decision.
//!
//! Pure functions of state and command to events or a refusal; time and ids are arguments. An [`Order`] is
//! its [`OrderHead`], what every event changes, and its [`OrderTerms`], what was agreed when it was placed.
//! Decisions on an order that exists are methods of the head alone, so that a command loads one row and no
//! lines. What an event does to an order is said once, in `OrderHead::apply`, which every fold goes through.

mod actor;
mod draft;
mod event;
mod head;
mod line;
mod order;
mod personal;
mod refusal;
mod totals;

pub use actor::Actor;
pub use draft::{Buyer, Discount, DiscountCode, MAX_DISCOUNTS, MAX_LINES, OrderDraft, Shipping};
pub use event::{OrderCancellationRequested, OrderCancelled, OrderCreated, OrderEvent, Stamp};
pub use head::{OrderHead, OrderState};
pub use line::{Line, NewLine, Quantity, RangeError, Sku, TaxRate, Title};
pub use order::{Order, OrderTerms};
pub use personal::{
    Address, AddressLine, AddressLines, AdministrativeArea, Contact, ContactName, CountryCode, Email, Locale,
    Locality, PersonalData, PostalCode, Recipient,
};
pub use refusal::{Field, Refusal};
pub use totals::Totals;
