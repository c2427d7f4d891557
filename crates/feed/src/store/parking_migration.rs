//! The tables of the parking. Never edited once released: a change is a new migration.

use sea_orm_migration::prelude::*;

/// Creates the parking: parked_keys and parked_events.
#[derive(Debug)]
pub struct ParkingMigration;

impl MigrationName for ParkingMigration {
    fn name(&self) -> &str {
        "feed_0002_create_parking"
    }
}

#[async_trait::async_trait]
impl MigrationTrait for ParkingMigration {
    fn use_transaction(&self) -> Option<bool> {
        // SQLite too: a process that is killed at its first start must find all or nothing at its second.
        Some(true)
    }

    async fn up(&self, manager: &SchemaManager) -> Result<(), DbErr> {
        let keys = Table::create()
            .table("parked_keys")
            .col(ColumnDef::new("consumer").text().not_null())
            .col(ColumnDef::new("key").text().not_null())
            .col(ColumnDef::new("state").text().not_null())
            .col(ColumnDef::new("reason").text().not_null())
            .col(ColumnDef::new("attempts").integer().not_null())
            .col(ColumnDef::new("parked_time").big_integer().not_null())
            .primary_key(Index::create().col("consumer").col("key"))
            .to_owned();
        manager.create_table(keys).await?;
        let events = Table::create()
            .table("parked_events")
            .col(ColumnDef::new("consumer").text().not_null())
            .col(ColumnDef::new("position").big_integer().not_null())
            .col(ColumnDef::new("key").text().not_null())
            .col(ColumnDef::new("event_id").uuid().not_null())
            .col(ColumnDef::new("kind").text().not_null())
            .col(ColumnDef::new("recorded_time").big_integer().not_null())
            .col(ColumnDef::new("parked_time").big_integer().not_null())
            .col(ColumnDef::new("bytes").blob().not_null())
            .primary_key(Index::create().col("consumer").col("position"))
            .to_owned();
        manager.create_table(events).await?;
        let by_key = Index::create()
            .name("parked_events_key")
            .table("parked_events")
            .col("consumer")
            .col("key")
            .col("position")
            .to_owned();
        manager.create_index(by_key).await
    }
}
