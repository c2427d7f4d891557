//! The gateway: the port to whoever moves the money. Behind it stand the sandbox, which keeps what a provider would keep
//! in tables of its own, and Stripe.
//!
//! Every call says what has become of it in the domain's words; that a call was not answered is an outcome like others. A call
//! under a key that the provider knows has the first call's answer.

pub mod sandbox;
pub mod stripe;

use async_trait::async_trait;
use ordermesh_kernel::{Money, OrderId, PaymentMethodToken};

use crate::domain::{ActionResult, Outcome};

/// What a call is about.
#[derive(Debug, Clone)]
pub struct Charge {
    /// The payment.
    pub payment_id: OrderId,
    /// Number of the attempt.
    pub attempt: i32,
    /// The key of the operation.
    pub key: String,
    /// The provider's id; empty before there is one.
    pub reference: String,
    /// The means of payment.
    pub token: PaymentMethodToken,
    /// How much the operation is about.
    pub amount: Money,
}

/// Whoever moves the money.
#[async_trait]
pub trait Gateway: Send + Sync {
    /// Whether what the customer has made of an action comes by us. Otherwise the customer acts at the provider.
    fn is_told_of_actions(&self) -> bool;

    /// Has the provider give an id to what is to be authorized. No money moves: `Prepared`, `NotNow` or `Failed`.
    async fn prepare(&self, charge: &Charge) -> Outcome;
    /// Sets the money aside.
    async fn authorize(&self, charge: &Charge) -> Outcome;
    /// Tells what has become of the charge, and perhaps the provider what the customer has done.
    async fn inquire(&self, charge: &Charge, action: Option<ActionResult>) -> Outcome;
    /// Takes the amount and sets the rest free.
    async fn capture(&self, charge: &Charge) -> Outcome;
    /// Gives up what was set aside, or is about to be.
    async fn void(&self, charge: &Charge) -> Outcome;
    /// Gives the amount back.
    async fn refund(&self, charge: &Charge) -> Outcome;
    /// Tells whether the refund of the key was made: `Refunded`, `NotStarted`, or that it cannot be told now.
    async fn find_refund(&self, charge: &Charge) -> Outcome;
}
