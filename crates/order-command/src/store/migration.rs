//! Versioned migrations of the write model. Never edited once released: a change is a new one.

mod life;

use ordermesh_feed::store::{
    ConsumerMigration, GroupMigration, InboxMigration, LogMigration, ParkingMigration, RetentionMigration,
};
use sea_orm_migration::prelude::*;

/// All migrations of order-command's database, oldest first.
#[derive(Debug)]
pub struct Migrator;

impl MigratorTrait for Migrator {
    fn migrations() -> Vec<Box<dyn MigrationTrait>> {
        vec![
            Box::new(LogMigration),
            Box::new(CreateOrders),
            Box::new(ParkingMigration),
            Box::new(GroupMigration),
            Box::new(RetentionMigration),
            Box::new(life::OrderLife),
            // What inventory and payment tell is followed.
            Box::new(ConsumerMigration),
            Box::new(InboxMigration),
        ]
    }
}

struct CreateOrders;

impl MigrationName for CreateOrders {
    fn name(&self) -> &str {
        "order_command_0001_create_orders"
    }
}

#[async_trait::async_trait]
impl MigrationTrait for CreateOrders {
    fn use_transaction(&self) -> Option<bool> {
        Some(true)
    }

    async fn up(&self, manager: &SchemaManager) -> Result<(), DbErr> {
        for table in
            [orders(), order_terms(), order_lines(), order_discounts(), order_contacts(), order_addresses()]
        {
            manager.create_table(table).await?;
        }
        let references = Index::create()
            .name("order_terms_order_reference")
            .table("order_terms")
            .col("order_reference")
            .unique()
            .to_owned();
        manager.create_index(references).await
    }
}

fn orders() -> TableCreateStatement {
    Table::create()
        .table("orders")
        .col(ColumnDef::new("order_id").uuid().not_null().primary_key())
        .col(ColumnDef::new("state").text().not_null())
        .col(ColumnDef::new("revision").big_integer().not_null())
        .col(ColumnDef::new("currency").text().not_null())
        .col(ColumnDef::new("amount_due").big_integer().not_null())
        .col(ColumnDef::new("cancel_reason").text())
        .col(ColumnDef::new("update_time").big_integer().not_null())
        .to_owned()
}

fn order_terms() -> TableCreateStatement {
    Table::create()
        .table("order_terms")
        .col(ColumnDef::new("order_id").uuid().not_null().primary_key())
        .col(ColumnDef::new("order_reference").text().not_null())
        .col(ColumnDef::new("customer_id").text())
        .col(ColumnDef::new("billing_account_id").text())
        .col(ColumnDef::new("payment_method_token").text())
        .col(ColumnDef::new("prices_include_tax").boolean().not_null())
        .col(ColumnDef::new("shipping_amount").big_integer())
        .col(ColumnDef::new("shipping_tax_rate_ppm").integer())
        .col(ColumnDef::new("goods").big_integer().not_null())
        .col(ColumnDef::new("discount").big_integer().not_null())
        .col(ColumnDef::new("shipping").big_integer().not_null())
        .col(ColumnDef::new("tax").big_integer().not_null())
        .col(ColumnDef::new("total").big_integer().not_null())
        .col(ColumnDef::new("placed_time").big_integer().not_null())
        .to_owned()
}

/// A table whose rows belong to an order and are numbered or named within it.
fn part_of_order(name: &'static str, within: ColumnDef) -> TableCreateStatement {
    let column = within.get_column_name().to_string();
    Table::create()
        .table(name)
        .col(ColumnDef::new("order_id").uuid().not_null())
        .col(within)
        .primary_key(Index::create().col("order_id").col(column))
        .to_owned()
}

fn order_lines() -> TableCreateStatement {
    part_of_order("order_lines", ColumnDef::new("line_id").integer().not_null().to_owned())
        .col(ColumnDef::new("sku").text().not_null())
        .col(ColumnDef::new("title").text().not_null())
        .col(ColumnDef::new("quantity").integer().not_null())
        .col(ColumnDef::new("unit_price").big_integer().not_null())
        .col(ColumnDef::new("tax_rate_ppm").integer().not_null())
        .col(ColumnDef::new("amount").big_integer().not_null())
        .col(ColumnDef::new("discount").big_integer().not_null())
        .col(ColumnDef::new("tax").big_integer().not_null())
        .to_owned()
}

fn order_discounts() -> TableCreateStatement {
    part_of_order("order_discounts", ColumnDef::new("number").integer().not_null().to_owned())
        .col(ColumnDef::new("code").text().not_null())
        .col(ColumnDef::new("amount").big_integer().not_null())
        .to_owned()
}

fn order_contacts() -> TableCreateStatement {
    Table::create()
        .table("order_contacts")
        .col(ColumnDef::new("order_id").uuid().not_null().primary_key())
        .col(ColumnDef::new("email").text().not_null())
        .col(ColumnDef::new("name").text())
        .col(ColumnDef::new("locale").text())
        .to_owned()
}

fn order_addresses() -> TableCreateStatement {
    part_of_order("order_addresses", ColumnDef::new("role").text().not_null().to_owned())
        .col(ColumnDef::new("recipient").text().not_null())
        .col(ColumnDef::new("address_lines").text().not_null())
        .col(ColumnDef::new("locality").text().not_null())
        .col(ColumnDef::new("administrative_area").text())
        .col(ColumnDef::new("postal_code").text())
        .col(ColumnDef::new("country_code").text().not_null())
        .to_owned()
}
