//! The payment server as it runs: orders tell by a real feed, the worker works, the provider is the sandbox.
#![expect(clippy::unwrap_used, reason = "a test may panic, and its helpers too")]

mod cards;
mod crashes;
mod fake_stripe;
mod gates;
mod house;
mod orders;
mod pages;
mod people;
mod replicas;
mod steering;
mod stripe;
