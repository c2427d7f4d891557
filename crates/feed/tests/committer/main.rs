//! The committer's promises, and those of reactions that go through it.
#![expect(clippy::unwrap_used, reason = "in a test a panic is the failure")]

mod committing;
mod house;
mod reacting;
#[path = "../consumer/scripted.rs"]
#[expect(dead_code, reason = "other tests ask more of it")]
mod scripted;
