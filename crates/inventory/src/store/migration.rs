//! Versioned migrations of inventory's database. Never edited once released: a change is a new one.

use ordermesh_feed::store::{
    ConsumerMigration, GroupMigration, InboxMigration, LogMigration, ParkingMigration, RetentionMigration,
};
use sea_orm_migration::prelude::*;

/// All migrations of inventory's database, oldest first.
#[derive(Debug)]
pub struct Migrator;

impl MigratorTrait for Migrator {
    fn migrations() -> Vec<Box<dyn MigrationTrait>> {
        vec![
            Box::new(LogMigration),
            Box::new(ConsumerMigration),
            Box::new(CreateStock),
            Box::new(ParkingMigration),
            Box::new(GroupMigration),
            Box::new(RetentionMigration),
            Box::new(InboxMigration),
        ]
    }
}

struct CreateStock;

impl MigrationName for CreateStock {
    fn name(&self) -> &str {
        "inventory_0001_create_stock"
    }
}

/// Partial indices: of the many rows that have ended none is in them.
const INDICES: [&str; 5] = [
    "CREATE INDEX stock_items_low ON stock_items (sku, location) WHERE low",
    "CREATE INDEX reservations_state ON reservations (state, reservation_id)",
    "CREATE INDEX reservations_expire_time ON reservations (expire_time) WHERE expire_time IS NOT NULL",
    "CREATE INDEX reservation_parts_sku ON reservation_parts (sku, reservation_id)",
    "CREATE INDEX reservation_parts_holders ON reservation_parts (sku, location) WHERE reserved > 0",
];

#[async_trait::async_trait]
impl MigrationTrait for CreateStock {
    fn use_transaction(&self) -> Option<bool> {
        Some(true)
    }

    async fn up(&self, manager: &SchemaManager) -> Result<(), DbErr> {
        for table in [articles(), items(), reservations(), parts(), restocked_returns()] {
            manager.create_table(table).await?;
        }
        for index in INDICES {
            manager.get_connection().execute_unprepared(index).await?;
        }
        Ok(())
    }
}

fn articles() -> TableCreateStatement {
    Table::create()
        .table("stock_articles")
        .col(ColumnDef::new("sku").text().not_null().primary_key())
        .to_owned()
}

fn items() -> TableCreateStatement {
    Table::create()
        .table("stock_items")
        .col(ColumnDef::new("sku").text().not_null())
        .col(ColumnDef::new("location").text().not_null())
        .col(ColumnDef::new("on_hand").big_integer().not_null())
        .col(ColumnDef::new("reserved").big_integer().not_null())
        .col(ColumnDef::new("reorder_level").big_integer())
        .col(ColumnDef::new("low").boolean().not_null())
        .col(ColumnDef::new("revision").big_integer().not_null())
        .col(ColumnDef::new("update_time").big_integer().not_null())
        .primary_key(Index::create().col("sku").col("location"))
        // The last guard: whatever else went wrong, nothing is sold that is not there.
        .check(Expr::col("reserved").gte(0))
        .check(Expr::col("on_hand").gte(Expr::col("reserved")))
        .to_owned()
}

fn reservations() -> TableCreateStatement {
    Table::create()
        .table("reservations")
        .col(ColumnDef::new("reservation_id").uuid().not_null().primary_key())
        .col(ColumnDef::new("of_order").boolean().not_null())
        .col(ColumnDef::new("state").text().not_null())
        .col(ColumnDef::new("expire_time").big_integer())
        .col(ColumnDef::new("revision").big_integer().not_null())
        .col(ColumnDef::new("create_time").big_integer().not_null())
        .col(ColumnDef::new("update_time").big_integer().not_null())
        .to_owned()
}

fn parts() -> TableCreateStatement {
    let mut table = Table::create()
        .table("reservation_parts")
        .col(ColumnDef::new("reservation_id").uuid().not_null())
        .col(ColumnDef::new("number").integer().not_null())
        .col(ColumnDef::new("line_id").integer().not_null())
        .col(ColumnDef::new("sku").text().not_null())
        .col(ColumnDef::new("location").text().not_null())
        .primary_key(Index::create().col("reservation_id").col("number"))
        .to_owned();
    for pieces in ["quantity", "reserved", "consumed", "released", "lost", "restocked"] {
        table.col(ColumnDef::new(pieces).big_integer().not_null());
    }
    table
}

fn restocked_returns() -> TableCreateStatement {
    Table::create()
        .table("restocked_returns")
        .col(ColumnDef::new("reservation_id").uuid().not_null())
        .col(ColumnDef::new("return_id").uuid().not_null())
        .primary_key(Index::create().col("reservation_id").col("return_id"))
        .to_owned()
}
