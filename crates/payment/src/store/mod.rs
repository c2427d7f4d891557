//! The tables of payment: entities, migrations, the unit of work of commands, what queries read, the claims of workers.
//! The sandbox's tables are of this database too, and nothing but the sandbox touches them.

mod claim;
pub mod entity;
mod migration;
mod read;
mod rows;
pub mod sandbox;
mod unit;

use ordermesh_feed::store::{Copied, CopyTable, consumer_tables, log_tables};

pub use claim::{Claims, Work};
pub use migration::Migrator;
pub use read::{Listed, PaymentReader, Place, Whole};
pub use unit::PaymentsUnit;

/// All tables of the database, for a copy of the store. A migration that makes a table adds it here.
pub fn all_tables() -> Vec<Box<dyn CopyTable>> {
    let mut tables = log_tables();
    tables.extend(consumer_tables());
    tables.extend([
        Copied::<entity::payment::Entity>::table(),
        Copied::<entity::attempt::Entity>::table(),
        Copied::<entity::operation::Entity>::table(),
        Copied::<sandbox::charge::Entity>::table(),
        Copied::<sandbox::call::Entity>::table(),
    ]);
    tables
}
