//! The tables of a log and of its consumers, and bulk statements over sea-orm entities.
//!
//! Every context that publishes has the tables of [`LogMigration`] and [`GroupMigration`] in its own database, every
//! context that consumes those of [`ConsumerMigration`] and [`InboxMigration`], and either one those of
//! [`ParkingMigration`]; all go into the context's own list of migrations.

mod append;
mod array;
mod connection;
mod consumer_entity;
mod consumer_migration;
mod copy;
mod entity;
mod failure;
mod group_entity;
mod group_migration;
mod lease_entity;
mod migration;
mod parking_entity;
mod parking_migration;
mod patient;
mod retention_migration;
mod table;
mod transaction;
mod transfer;
mod writes;

pub(crate) use append::append;
pub use array::StoreConnection;
pub(crate) use array::query_failed;
pub(crate) use connection::Lent;
pub(crate) use consumer_entity::{inbox, parked_work};
pub use consumer_migration::InboxMigration;
pub use copy::{Contents, Copied, CopyTable, consumer_tables, log_tables, parking_tables};
pub(crate) use entity::{checkpoint, event, idempotency, log_head};
pub use failure::{Failure, is_transient, within};
pub(crate) use failure::{PATIENCE, within_on};
pub(crate) use group_entity::{consumer_group, group_delivery, group_member, group_slot, subscriber};
pub use group_migration::GroupMigration;
pub use migration::{ConsumerMigration, LogMigration};
pub(crate) use parking_entity::{parked_event, parked_key};
pub use parking_migration::ParkingMigration;
pub use patient::PatientConnection;
pub use retention_migration::RetentionMigration;
pub use table::Table;
pub use transaction::WriteTransaction;
pub use transfer::{CopyError, CopyProgress, copy_tables};
pub use writes::Writes;
