//! GetPayment: one payment with its attempts and operations.

use ordermesh_kernel::OrderId;

use super::QueryError;
use crate::store::{PaymentReader, Whole};

/// Asks for one payment.
#[derive(Debug)]
pub struct GetPayment {
    /// The payment.
    pub payment_id: OrderId,
}

impl GetPayment {
    /// Reads it.
    pub async fn run(self, reader: &PaymentReader) -> Result<Whole, QueryError> {
        reader.get(self.payment_id).await?.ok_or(QueryError::PaymentNotFound(self.payment_id))
    }
}
