//! Versioned migrations of the tables of a log and of consumers. Never edited once released: a change is a new one.

use sea_orm_migration::prelude::*;

/// Creates the log: events, log_head, idempotency_records.
#[derive(Debug)]
pub struct LogMigration;

impl MigrationName for LogMigration {
    fn name(&self) -> &str {
        "feed_0001_create_log"
    }
}

#[async_trait::async_trait]
impl MigrationTrait for LogMigration {
    fn use_transaction(&self) -> Option<bool> {
        // SQLite too: a process that is killed at its first start must find all or nothing at its second.
        Some(true)
    }

    async fn up(&self, manager: &SchemaManager) -> Result<(), DbErr> {
        let events = Table::create()
            .table("events")
            .col(ColumnDef::new("position").big_integer().not_null().primary_key())
            .col(ColumnDef::new("event_id").uuid().not_null())
            .col(ColumnDef::new("kind").text().not_null())
            .col(ColumnDef::new("schema_version").integer().not_null())
            .col(ColumnDef::new("key").text().not_null())
            .col(ColumnDef::new("key_revision").big_integer().not_null())
            .col(ColumnDef::new("key_hash").big_integer().not_null())
            .col(ColumnDef::new("occurred_time").big_integer().not_null())
            .col(ColumnDef::new("recorded_time").big_integer().not_null())
            .col(ColumnDef::new("correlation_id").text().not_null())
            .col(ColumnDef::new("causation_id").text().not_null())
            .col(ColumnDef::new("traceparent").text().not_null())
            .col(ColumnDef::new("payload").blob().not_null())
            .col(ColumnDef::new("personal").blob())
            .to_owned();
        manager.create_table(events).await?;
        // The last guard against two writers that decide on the same revision of a key.
        let revisions = Index::create()
            .name("events_key_revision")
            .table("events")
            .col("key")
            .col("key_revision")
            .unique()
            .to_owned();
        manager.create_index(revisions).await?;
        let log_head = Table::create()
            .table("log_head")
            .col(ColumnDef::new("id").integer().not_null().primary_key())
            .col(ColumnDef::new("feed_id").uuid().not_null())
            .col(ColumnDef::new("position").big_integer().not_null())
            .col(ColumnDef::new("recorded_time").big_integer().not_null())
            .to_owned();
        manager.create_table(log_head).await?;

        let idempotency = Table::create()
            .table("idempotency_records")
            .col(ColumnDef::new("id").blob().not_null().primary_key())
            .col(ColumnDef::new("request_id").text().not_null())
            .col(ColumnDef::new("fingerprint").blob().not_null())
            .col(ColumnDef::new("answer").blob().not_null())
            .col(ColumnDef::new("event_key").text().not_null())
            .col(ColumnDef::new("event_key_revision").big_integer().not_null())
            .col(ColumnDef::new("recorded_time").big_integer().not_null())
            .to_owned();
        manager.create_table(idempotency).await
    }
}

/// Creates the checkpoints of consumers.
#[derive(Debug)]
pub struct ConsumerMigration;

impl MigrationName for ConsumerMigration {
    fn name(&self) -> &str {
        "feed_0001_create_checkpoints"
    }
}

#[async_trait::async_trait]
impl MigrationTrait for ConsumerMigration {
    fn use_transaction(&self) -> Option<bool> {
        // SQLite too: a process that is killed at its first start must find all or nothing at its second.
        Some(true)
    }

    async fn up(&self, manager: &SchemaManager) -> Result<(), DbErr> {
        let checkpoints = Table::create()
            .table("checkpoints")
            .col(ColumnDef::new("consumer").text().not_null().primary_key())
            .col(ColumnDef::new("feed_id").uuid().not_null())
            .col(ColumnDef::new("position").big_integer().not_null())
            .col(ColumnDef::new("event_id").uuid())
            .to_owned();
        manager.create_table(checkpoints).await
    }
}
