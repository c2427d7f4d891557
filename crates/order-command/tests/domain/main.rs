//! The order's rules, without a server or a database.

#![expect(clippy::unwrap_used, reason = "a test may panic, and its helpers too")]

mod arithmetic;
mod cancelling;
mod golden;
mod placing;
mod support;
mod values;
