//! The read model's tables: entities, migrations, making and swapping them, rows, statements of pages.

pub mod entity;
mod migration;
mod pages;
mod rows;
pub mod tables;
mod views;

pub use migration::Migrator;
pub use pages::{Listed, customer_orders, listed, orders, timeline};
pub use views::{find_views, load_views, write_skus, write_timeline, write_views};
