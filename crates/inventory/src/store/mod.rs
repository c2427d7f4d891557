//! The tables of inventory: entities, migrations, the unit of work that loads and writes them in batches, and what
//! queries read.

pub mod entity;
mod migration;
pub mod read;
mod rows;
mod unit;

use ordermesh_feed::store::{Copied, CopyTable, consumer_tables, log_tables};

pub use migration::Migrator;
pub use unit::{StockUnit, Want};

/// All tables of the database, for a copy of the store. A migration that makes a table adds it here.
pub fn all_tables() -> Vec<Box<dyn CopyTable>> {
    let mut tables = log_tables();
    tables.extend(consumer_tables());
    tables.extend([
        Copied::<entity::article::Entity>::table(),
        Copied::<entity::item::Entity>::table(),
        Copied::<entity::reservation::Entity>::table(),
        Copied::<entity::part::Entity>::table(),
        Copied::<entity::restocked_return::Entity>::table(),
    ]);
    tables
}
