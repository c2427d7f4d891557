//! Decisions on the ledger, without any database.

#![expect(clippy::unwrap_used, reason = "in a test a panic is the failure")]

mod allocating;
mod fulfilling;
mod histories;
mod losing;
mod support;
