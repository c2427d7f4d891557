//! RetryPayment: another means of payment, after a decline.

use ordermesh_kernel::PaymentMethodToken;

use super::{Target, change_command};

/// Tries another means of payment.
#[derive(Debug)]
pub struct RetryPayment {
    /// The order.
    pub target: Target,
    /// The provider's token for it.
    pub token: PaymentMethodToken,
}

change_command!(RetryPayment, Order, |this, change| change.retry_payment(this.token.clone()).map(|()| None));
