//! `ordermesh order retry-payment`: tries another means of payment.

use clap::Args;
use ordermesh_console::connect::Common;
use ordermesh_console::failure::Failure;
use ordermesh_proto::order::v1::RetryPaymentRequest;

use super::change::{Target, change};

/// Which order and which means of payment.
#[derive(Debug, Args)]
pub struct RetryPayment {
    #[command(flatten)]
    target: Target,
    /// The payment provider's token for the means of payment
    #[arg(long, value_name = "TOKEN")]
    payment_token: String,
}

/// Asks and prints.
pub async fn run(verb: RetryPayment, common: Common) -> Result<(), Failure> {
    let request_id = verb.target.request_id();
    let request = RetryPaymentRequest {
        request_id: request_id.clone(),
        order_id: verb.target.id,
        expected_revision: verb.target.expected_revision,
        payment_method_token: verb.payment_token,
    };
    change(common, request_id, request, async |mut client, request| client.retry_payment(request).await).await
}
