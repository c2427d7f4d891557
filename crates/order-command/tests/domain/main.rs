//! The order's rules, without a server or a database.

#![expect(clippy::unwrap_used, reason = "a test may panic, and its helpers too")]

mod arithmetic;
mod cancelling;
mod fulfilling;
mod golden;
mod holding;
mod laws;
mod life;
mod orders_of_facts;
mod owed;
mod paying;
mod placing;
mod states;
mod stocking;
mod support;
mod values;
mod waiting;
mod world;
