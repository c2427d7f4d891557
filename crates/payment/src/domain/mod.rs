//! The payment: how the money of one order is steered towards what the order owes.
//!
//! Pure functions of state, what has happened and the time, to events; the state is changed nowhere else. What orders
//! tell comes in by [`Payment::observe`], what the provider tells by [`Payment::record`], what people say by
//! [`Payment::retry`], [`Payment::resolve`], [`Payment::complete_action`] and [`Payment::hint`]. All end in the one
//! steering function, [`next_operation`]: at most one operation is open at a time, and it never makes a second charge.

mod attempt;
mod event;
mod fact;
mod observe;
mod operation;
mod outcome;
mod payment;
mod person;
mod record;
mod refusal;
mod steer;
mod step;
mod terms;

pub use attempt::{Attempt, AttemptState, Decline};
pub use event::{Amounts, PaymentEvent, Stamp, What};
pub use fact::{OrderFact, OrderFactKind};
pub use operation::{ActionResult, Claim, Deed, Operation, OperationKind};
pub use outcome::{Outcome, Report};
pub use payment::{Over, Payment, PaymentStatus, Phase};
pub use person::Resolution;
pub use refusal::Refusal;
pub use steer::{Next, next_operation};
pub use step::Step;
pub use terms::Terms;
