//! The read model's tables: entities, migrations, making and swapping them, rows, statements of pages.

pub mod entity;
mod migration;
mod pages;
mod rows;
pub mod tables;
mod views;

use ordermesh_feed::store::{Copied, CopyTable, consumer_tables};

pub use migration::Migrator;
pub use pages::{Listed, customer_orders, listed, orders, timeline};
pub use views::{find_views, load_views, write_skus, write_timeline, write_views};

/// All tables of the database, for a copy of the store; those that a rebuild is filling are left out. A migration that
/// makes a table adds it here.
pub fn all_tables() -> Vec<Box<dyn CopyTable>> {
    let mut tables = consumer_tables();
    tables.extend([
        // Making the tables counts their generation.
        Copied::<entity::projection_generation::Entity>::replaced(),
        Copied::<entity::order_view::Entity>::table(),
        Copied::<entity::order_view_sku::Entity>::table(),
        Copied::<entity::order_timeline::Entity>::table(),
    ]);
    tables
}
