//! payment
pub mod domain;
