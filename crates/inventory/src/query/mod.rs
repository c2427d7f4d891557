//! The queries of inventory, one file each. They read what commands write, fresh.

pub mod check_availability;
pub mod get_reservation;
pub mod get_stock;
pub mod list_reservations;
pub mod list_stock;
pub mod low_stock;
pub mod page;
pub mod watch_low_stock;

use sea_orm::DbErr;

use crate::domain::{ReservationId, Sku};

/// Why a query has no answer.
#[derive(Debug, thiserror::Error)]
pub enum QueryError {
    /// Inventory has never had the article.
    #[error("there is no stock of {0}, and there never was")]
    StockNotFound(Sku),
    /// There is no such reservation.
    #[error("there is no reservation {0}")]
    ReservationNotFound(ReservationId),
    /// The page token cannot be used.
    #[error("{reason}")]
    InvalidPageToken {
        /// Why not.
        reason: &'static str,
    },
    /// The server ends.
    #[error("the server is shutting down")]
    ShuttingDown,
    /// The database does not answer.
    #[error("the database cannot be read: {0}")]
    Store(#[from] DbErr),
}
