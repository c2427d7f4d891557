//! The write model's tables: entities, migrations, and the unit of work that loads and writes them in batches.

pub mod entity;
mod migration;
mod rows;
mod unit;

pub use migration::Migrator;
pub use unit::{OrdersUnit, Want};
