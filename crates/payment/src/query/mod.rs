//! The queries of payment, one file each. They read where payments are written, and so are never stale.

pub mod get_payment;
pub mod list_payments;
mod page;

use ordermesh_kernel::OrderId;
use sea_orm::DbErr;

/// Why a query has no answer.
#[derive(Debug, thiserror::Error)]
pub enum QueryError {
    /// There is no such payment.
    #[error("there is no payment {0}")]
    PaymentNotFound(OrderId),
    /// The page token is none, or of another question.
    #[error("{reason}")]
    InvalidPageToken {
        /// What is wrong with it.
        reason: &'static str,
    },
    /// The database cannot be read.
    #[error(transparent)]
    Store(#[from] DbErr),
}
