//! Migration for truncated, imported and pruned logs. Never edited once released: a change is a new one.

use sea_orm_migration::prelude::*;

/// Gives the log's head the boundary of a truncation and the mark of an import, and the idempotency records an index by
/// age. Goes after [`LogMigration`](super::LogMigration).
#[derive(Debug)]
pub struct RetentionMigration;

impl MigrationName for RetentionMigration {
    fn name(&self) -> &str {
        "feed_0003_truncation"
    }
}

#[async_trait::async_trait]
impl MigrationTrait for RetentionMigration {
    fn use_transaction(&self) -> Option<bool> {
        // SQLite too: a process that is killed in the middle must find all or nothing the next time.
        Some(true)
    }

    async fn up(&self, manager: &SchemaManager) -> Result<(), DbErr> {
        let columns = [
            ColumnDef::new("truncated_position").big_integer().not_null().default(0).to_owned(),
            ColumnDef::new("truncated_event_id").uuid().to_owned(),
            ColumnDef::new("truncated_time").big_integer().to_owned(),
            ColumnDef::new("imported_position").big_integer().to_owned(),
        ];
        for column in columns {
            // SQLite adds one column a statement.
            manager.alter_table(Table::alter().table("log_head").add_column(column).to_owned()).await?;
        }
        let ages = Index::create()
            .name("idempotency_records_recorded_time")
            .table("idempotency_records")
            .col("recorded_time")
            .to_owned();
        manager.create_index(ages).await
    }
}
