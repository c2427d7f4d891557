//! The inventory server beside an order feed that the test writes itself: so every order of events can be had, twice and
//! late ones too.

#![expect(clippy::unwrap_used, reason = "in a test a panic is the failure")]

mod counting;
mod expiring;
mod orders;
mod querying;
mod reacting;
mod replicas;
mod reserving;
mod support;
mod watching;
