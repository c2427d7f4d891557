//! The read model over a real database, asked through its gRPC service: events in, answers out.

#![expect(clippy::unwrap_used, reason = "a test may panic, and its helpers too")]

mod listing;
mod orders;
mod parked;
mod projecting;
mod rebuilding;
mod support;
mod watching;
