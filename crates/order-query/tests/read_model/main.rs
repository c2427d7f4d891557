//! The read model over a real database, asked through its gRPC service: events in, answers out.

#![expect(clippy::unwrap_used, reason = "a test may panic, and its helpers too")]

mod histories;
mod life;
mod listing;
mod orders;
mod parked;
mod projecting;
mod random;
mod rebuilding;
mod support;
mod upgrading;
mod watching;
