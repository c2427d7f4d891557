//! The tables of a log and of its consumers, and bulk statements over sea-orm entities.
//!
//! Every context that publishes has the tables of [`LogMigration`] in its own database, every context that
//! consumes those of [`ConsumerMigration`], [`ParkingMigration`] and [`InboxMigration`]; they go into the context's own
//! list of migrations.

mod consumer_entity;
mod consumer_migration;
mod entity;
mod migration;
mod parking_entity;
mod parking_migration;
mod table;
mod transaction;

pub(crate) use consumer_entity::{inbox, parked_work};
pub use consumer_migration::InboxMigration;
pub(crate) use entity::{checkpoint, event, idempotency, log_head};
pub use migration::{ConsumerMigration, LogMigration};
pub(crate) use parking_entity::{parked_event, parked_key};
pub use parking_migration::ParkingMigration;
pub use table::Table;
pub use transaction::WriteTransaction;

use sea_orm::DbErr;

/// True when the same work may succeed later: the database is away, full or busy. Anything else is a fault of
/// ours or of the data.
pub fn is_transient(error: &DbErr) -> bool {
    use sea_orm::RuntimeErr::SqlxError;
    use sea_orm::sqlx::Error;
    match error {
        DbErr::ConnectionAcquire(_) | DbErr::Conn(_) => true,
        DbErr::Exec(SqlxError(error)) | DbErr::Query(SqlxError(error)) => match error.as_ref() {
            Error::Io(_) | Error::PoolTimedOut | Error::PoolClosed | Error::WorkerCrashed | Error::Tls(_) => {
                true
            }
            // SQLite's primary codes: busy 5, locked 6, read-only 8, I/O error 10, full 13, cannot open 14.
            Error::Database(error) => error
                .code()
                .and_then(|code| code.parse::<u32>().ok())
                .is_some_and(|code| matches!(code & 0xff, 5 | 6 | 8 | 10 | 13 | 14)),
            _ => false,
        },
        _ => false,
    }
}
