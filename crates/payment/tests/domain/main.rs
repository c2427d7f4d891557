//! The payment's rules, without a database: single stories, and random ones against a provider of the test's own.
#![expect(clippy::unwrap_used, reason = "a test may panic, and its helpers too")]

mod interleavings;
mod provider;
mod stories;
mod support;
