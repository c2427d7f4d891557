//! Reactions: what the events of orders have payment do. Every event becomes the one command
//! [`ObserveOrder`](crate::command::observe_order::ObserveOrder); what follows is the domain's business.

mod foreign;
pub mod on_order_event;
