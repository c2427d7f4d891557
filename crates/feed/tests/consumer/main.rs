//! The consumer runtime over a scripted feed and a real database file: each event has its effect once, and what makes
//! no sense stops its own key only.
#![expect(clippy::unwrap_used, reason = "in a test a panic is the failure")]

mod following;
mod parking;
mod reacting;
mod rebuilding;
mod replaying;
mod replicas;
mod scripted;
mod shop;
mod silent;
