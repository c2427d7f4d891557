//! The tables of consumer groups and registered subscribers. Never edited once released: a change is a new migration.

use sea_orm_migration::prelude::*;

/// Creates consumer_groups, group_members, group_slots, group_deliveries and subscribers.
#[derive(Debug)]
pub struct GroupMigration;

impl MigrationName for GroupMigration {
    fn name(&self) -> &str {
        "feed_0002_create_groups"
    }
}

#[async_trait::async_trait]
impl MigrationTrait for GroupMigration {
    fn use_transaction(&self) -> Option<bool> {
        // SQLite too: a process that is killed at its first start must find all or nothing at its second.
        Some(true)
    }

    async fn up(&self, manager: &SchemaManager) -> Result<(), DbErr> {
        for table in [groups(), members(), slots(), deliveries(), subscribers()] {
            manager.create_table(table).await?;
        }
        let by_epoch = Index::create()
            .name("group_deliveries_epoch")
            .table("group_deliveries")
            .col("group_name")
            .col("epoch")
            .to_owned();
        manager.create_index(by_epoch).await
    }
}

fn groups() -> TableCreateStatement {
    Table::create()
        .table("consumer_groups")
        .col(ColumnDef::new("name").text().not_null().primary_key())
        .col(ColumnDef::new("feed_id").uuid().not_null())
        .col(ColumnDef::new("terms").blob().not_null())
        .col(ColumnDef::new("epoch").big_integer().not_null())
        .col(ColumnDef::new("created_time").big_integer().not_null())
        .col(ColumnDef::new("stopped_reason").text().not_null())
        .to_owned()
}

fn members() -> TableCreateStatement {
    Table::create()
        .table("group_members")
        .col(ColumnDef::new("group_name").text().not_null())
        .col(ColumnDef::new("member").text().not_null())
        .col(ColumnDef::new("epoch").big_integer().not_null())
        .col(ColumnDef::new("lease_until").big_integer().not_null())
        .primary_key(Index::create().col("group_name").col("member"))
        .to_owned()
}

fn slots() -> TableCreateStatement {
    Table::create()
        .table("group_slots")
        .col(ColumnDef::new("group_name").text().not_null())
        .col(ColumnDef::new("slot").integer().not_null())
        .col(ColumnDef::new("epoch").big_integer().not_null())
        .col(ColumnDef::new("position").big_integer().not_null())
        .col(ColumnDef::new("event_id").uuid())
        .primary_key(Index::create().col("group_name").col("slot"))
        .to_owned()
}

fn deliveries() -> TableCreateStatement {
    Table::create()
        .table("group_deliveries")
        .col(ColumnDef::new("group_name").text().not_null())
        .col(ColumnDef::new("position").big_integer().not_null())
        .col(ColumnDef::new("slot").integer().not_null())
        .col(ColumnDef::new("key").text().not_null())
        .col(ColumnDef::new("event_id").uuid().not_null())
        .col(ColumnDef::new("epoch").big_integer().not_null())
        .col(ColumnDef::new("state").text().not_null())
        .col(ColumnDef::new("attempt").integer().not_null())
        .col(ColumnDef::new("due_time").big_integer().not_null())
        .col(ColumnDef::new("last_error").text().not_null())
        .col(ColumnDef::new("replay").boolean().not_null())
        .primary_key(Index::create().col("group_name").col("position"))
        .to_owned()
}

fn subscribers() -> TableCreateStatement {
    Table::create()
        .table("subscribers")
        .col(ColumnDef::new("name").text().not_null().primary_key())
        .col(ColumnDef::new("position").big_integer().not_null())
        .col(ColumnDef::new("event_id").uuid())
        .col(ColumnDef::new("reported_time").big_integer().not_null())
        .to_owned()
}
