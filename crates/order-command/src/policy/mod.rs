//! What order does when other contexts, or the clock, tell something: the reactions of the process manager, whose state
//! is the order itself and whose steps are the domain's (`domain/process.rs`).
//!
//! - `on_stock`: inventory's feed; `on_payment`: payment's feed; `on_deadline`: the clock
//! - `foreign`: the one place that knows what their events look like

mod foreign;
mod on_deadline;
mod on_payment;
mod on_stock;

pub use on_deadline::PaymentDeadlines;
pub use on_payment::OnPayment;
pub use on_stock::OnStock;
