//! The write model's tables: entities, migrations, and the unit of work that loads and writes them in batches.

mod due;
pub mod entity;
mod holds;
mod migration;
mod rows;
mod unit;

use ordermesh_feed::store::{Copied, CopyTable, consumer_tables, log_tables, parking_tables};

pub use due::due_orders;
pub use holds::{hold_in_force, holds_in_force};
pub use migration::Migrator;
pub use unit::{OrdersUnit, Want};

/// All tables of the database, for a copy of the store. A migration that makes a table adds it here.
pub fn all_tables() -> Vec<Box<dyn CopyTable>> {
    let mut tables = log_tables();
    tables.extend(parking_tables());
    tables.extend(consumer_tables());
    tables.extend([
        Copied::<entity::order::Entity>::table(),
        Copied::<entity::order_terms::Entity>::table(),
        Copied::<entity::order_line::Entity>::table(),
        Copied::<entity::order_discount::Entity>::table(),
        Copied::<entity::order_contact::Entity>::table(),
        Copied::<entity::order_address::Entity>::table(),
        Copied::<entity::order_line_progress::Entity>::table(),
        Copied::<entity::order_hold::Entity>::table(),
        Copied::<entity::order_note::Entity>::table(),
        Copied::<entity::order_shipment::Entity>::table(),
        Copied::<entity::order_shipment_line::Entity>::table(),
        Copied::<entity::order_return::Entity>::table(),
        Copied::<entity::order_return_line::Entity>::table(),
        Copied::<entity::order_return_receipt::Entity>::table(),
    ]);
    tables
}
