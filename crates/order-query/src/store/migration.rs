//! Versioned migrations of the read model. Never edited once released: a change is a new one.

use ordermesh_feed::store::{ConsumerMigration, InboxMigration, ParkingMigration};
use sea_orm_migration::prelude::*;

use super::tables;

/// All migrations of order-query's database, oldest first.
#[derive(Debug)]
pub struct Migrator;

impl MigratorTrait for Migrator {
    fn migrations() -> Vec<Box<dyn MigrationTrait>> {
        vec![
            Box::new(ConsumerMigration),
            Box::new(CreateOrderViews),
            Box::new(ParkingMigration),
            Box::new(InboxMigration),
        ]
    }
}

/// Makes the newest shape of the tables, which is the one that rebuilds make too. A later change of the shape is a
/// migration that makes them anew and deletes the checkpoint: the feed fills them again.
struct CreateOrderViews;

impl MigrationName for CreateOrderViews {
    fn name(&self) -> &str {
        "order_query_0001_create_order_views"
    }
}

#[async_trait::async_trait]
impl MigrationTrait for CreateOrderViews {
    fn use_transaction(&self) -> Option<bool> {
        // SQLite too: a process that is killed at its first start must find all or nothing at its second.
        Some(true)
    }

    async fn up(&self, manager: &SchemaManager) -> Result<(), DbErr> {
        manager.create_table(tables::generations()).await?;
        tables::create(manager.get_connection(), "").await
    }
}
