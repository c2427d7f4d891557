//! The shared kernel: the few words that mean the same in every context.
//!
//! It owns money and its arithmetic, typed ids and validated texts, and the clock. It knows no I/O, no wire
//! format and no storage, and depends on nothing else of ours.
//!
//! # Layout
//! - [`currency`]: an active ISO 4217 currency
//! - [`money`]: amounts in minor units, checked sums, named rounding and allocation
//! - [`text`]: validated texts and enums with words, the macros that declare them, and the error that says the rule
//! - [`ids`]: ids that cannot be mixed up
//! - [`clock`]: time as an argument

pub mod clock;
pub mod currency;
pub mod ids;
pub mod money;
pub mod text;

pub use clock::{
    Clock, ManualClock, SkewedClock, SystemClock, TimeOutOfRange, Timestamp, from_micros, to_micros,
};
pub use currency::Currency;
pub use ids::{
    BillingAccountId, CustomerId, EventId, HoldId, NoteId, OrderId, OrderReference, PaymentMethodToken,
    RequestId, ReturnId, ShipmentId,
};
pub use money::{Money, MoneyError, allocate_largest_remainder, fraction_half_even};
pub use text::TextError;
