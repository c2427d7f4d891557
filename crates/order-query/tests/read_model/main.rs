//! The read model over a real database, asked through its gRPC service: events in, answers out.

#![allow(missing_docs, reason = "tests say what they do by their names")]

mod listing;
mod orders;
mod projecting;
mod rebuilding;
mod support;
mod watching;
