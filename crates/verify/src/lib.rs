//! Checks the invariants of the platform on a running system, over gRPC alone, and names what breaks them.
//!
//! Every server is asked for what it publishes and for what it answers; nothing is looked up in a database. The system
//! may be at work meanwhile: contexts hear of each other later, so what two of them disagree on counts only when it is
//! still so after they had time. Who has just been read while it changed is looked at again.
//!
//! # Layout
//! - [`snapshot`]: what a system says about itself at one time, as plain data; [`collect`]: reads it
//! - [`shown`]: what the events of an order say that the read server shows
//! - [`judge`]: the invariants, a file a subject; pure
//! - [`looks`]: what several looks come to
//! - [`verify`]: reads and judges until nothing is left, or what is left stays

pub mod collect;
pub mod judge;
pub mod looks;
pub mod shown;
pub mod snapshot;
mod verify;

pub use collect::{CollectError, Endpoints};
pub use judge::{Offence, Question, Verdict, judge};
pub use looks::Looks;
pub use snapshot::Snapshot;
pub use verify::verify;
