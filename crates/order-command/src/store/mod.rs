//! The write model's tables: entities, migrations, and the unit of work that loads and writes them in batches.

pub mod entity;
mod migration;
mod rows;
mod unit;

use ordermesh_feed::store::{Copied, CopyTable, log_tables, parking_tables};

pub use migration::Migrator;
pub use unit::{OrdersUnit, Want};

/// All tables of the database, for a copy of the store. A migration that makes a table adds it here.
pub fn all_tables() -> Vec<Box<dyn CopyTable>> {
    let mut tables = log_tables();
    tables.extend(parking_tables());
    tables.extend([
        Copied::<entity::order::Entity>::table(),
        Copied::<entity::order_terms::Entity>::table(),
        Copied::<entity::order_line::Entity>::table(),
        Copied::<entity::order_discount::Entity>::table(),
        Copied::<entity::order_contact::Entity>::table(),
        Copied::<entity::order_address::Entity>::table(),
    ]);
    tables
}
