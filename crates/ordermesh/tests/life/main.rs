//! The life of an order in the real processes: order, inventory and payment together, through every failure. After each,
//! the checker of all invariants finds nothing.

#![expect(clippy::unwrap_used, reason = "a test may panic, and its helpers too")]

mod chaos;
mod failures;
mod first_order;
mod hot_sku;
mod servers;

const BINARY: &str = env!("CARGO_BIN_EXE_ordermesh");
