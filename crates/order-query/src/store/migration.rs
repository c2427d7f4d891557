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
            Box::new(OrderLife),
        ]
    }
}

/// Makes the newest shape of the tables, which is the one that rebuilds make too. A later change of the shape is a
/// migration of its own, which finds nothing to do in a database that began with that shape.
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

/// Adds what is found by now that orders have a life. The rows that are there keep their bodies: whoever reads one
/// completes it, and the defaults of the columns are what it is completed by. So no rebuild is needed, which would
/// ask for a whole log, and a replica of the version before may go on meanwhile.
struct OrderLife;

/// The one default that is wrong for some.
const NOTHING_OWED: &str = "UPDATE order_views SET payment = 'NOT_REQUIRED' WHERE total_minor = 0";

impl MigrationName for OrderLife {
    fn name(&self) -> &str {
        "order_query_0002_order_life"
    }
}

#[async_trait::async_trait]
impl MigrationTrait for OrderLife {
    fn use_transaction(&self) -> Option<bool> {
        Some(true)
    }

    async fn up(&self, manager: &SchemaManager) -> Result<(), DbErr> {
        if manager.has_column("order_views", "waiting_for").await? {
            return Ok(());
        }
        // SQLite adds one column a statement.
        for column in tables::life() {
            manager.alter_table(Table::alter().table("order_views").add_column(column).to_owned()).await?;
        }
        let connection = manager.get_connection();
        connection.execute_unprepared(NOTHING_OWED).await?;
        for index in tables::life_indexes("", tables::generation(connection).await?) {
            manager.create_index(index).await?;
        }
        Ok(())
    }
}
