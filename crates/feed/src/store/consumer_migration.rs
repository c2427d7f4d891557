//! The migration of the consumer runtime: inbox, leases, due work on parked keys.

use sea_orm_migration::prelude::*;

/// Creates inbox, consumer_leases and parked_work.
#[derive(Debug)]
pub struct InboxMigration;

impl MigrationName for InboxMigration {
    fn name(&self) -> &str {
        "feed_0002_create_inbox"
    }
}

#[async_trait::async_trait]
impl MigrationTrait for InboxMigration {
    fn use_transaction(&self) -> Option<bool> {
        // SQLite too: a process that is killed at its first start must find all or nothing at its second.
        Some(true)
    }

    async fn up(&self, manager: &SchemaManager) -> Result<(), DbErr> {
        let inbox = Table::create()
            .table("inbox")
            .col(ColumnDef::new("consumer").text().not_null())
            .col(ColumnDef::new("event_id").uuid().not_null())
            .col(ColumnDef::new("recorded_time").big_integer().not_null())
            .primary_key(Index::create().col("consumer").col("event_id"))
            .to_owned();
        manager.create_table(inbox).await?;
        let ages = Index::create().name("inbox_recorded_time").table("inbox").col("recorded_time").to_owned();
        manager.create_index(ages).await?;

        let leases = Table::create()
            .table("consumer_leases")
            .col(ColumnDef::new("consumer").text().not_null().primary_key())
            .col(ColumnDef::new("holder").uuid().not_null())
            .col(ColumnDef::new("epoch").big_integer().not_null())
            .col(ColumnDef::new("expires_time").big_integer().not_null())
            .to_owned();
        manager.create_table(leases).await?;

        let work = Table::create()
            .table("parked_work")
            .col(ColumnDef::new("consumer").text().not_null())
            .col(ColumnDef::new("key").text().not_null())
            .col(ColumnDef::new("due_time").big_integer().not_null())
            .col(ColumnDef::new("tries").integer().not_null())
            .col(ColumnDef::new("suppress_effects").boolean().not_null())
            .primary_key(Index::create().col("consumer").col("key"))
            .to_owned();
        manager.create_table(work).await?;
        let due = Index::create()
            .name("parked_work_due_time")
            .table("parked_work")
            .col("consumer")
            .col("due_time")
            .to_owned();
        manager.create_index(due).await
    }
}
