//! The tables of a log and of its consumers, and bulk statements over sea-orm entities.
//!
//! Every context that publishes has the tables of [`LogMigration`] in its own database, every context that
//! consumes those of [`ConsumerMigration`]; both go into the context's own list of migrations.

mod copy;
mod entity;
mod failure;
mod migration;
mod retention_migration;
mod table;
mod transaction;
mod transfer;

pub use copy::{Contents, Copied, CopyTable, consumer_tables, log_tables};
pub(crate) use entity::{checkpoint, event, idempotency, log_head};
pub use failure::{Failure, is_transient};
pub use migration::{ConsumerMigration, LogMigration};
pub use retention_migration::RetentionMigration;
pub use table::Table;
pub use transaction::WriteTransaction;
pub use transfer::{CopyError, CopyProgress, MIGRATIONS_TABLE, applied_migrations, copy_tables};
