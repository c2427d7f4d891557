//! Domain events and answers as stored bytes: the encoded messages of the contract.
//!
//! `event`: what goes into the log; `answer`: what is kept with a request_id; `wire`: the value objects of both.

mod answer;
mod event;
mod wire;

pub use answer::{ChangeResponse, place_order_response};
pub use event::encode_event;
