//! Versioned migrations of payment's database. Never edited once released: a change is a new one.

use ordermesh_feed::store::{
    ConsumerMigration, GroupMigration, InboxMigration, LogMigration, ParkingMigration, RetentionMigration,
};
use sea_orm_migration::prelude::*;

/// All migrations of payment's database, oldest first.
#[derive(Debug)]
pub struct Migrator;

impl MigratorTrait for Migrator {
    fn migrations() -> Vec<Box<dyn MigrationTrait>> {
        vec![
            Box::new(LogMigration),
            Box::new(ConsumerMigration),
            Box::new(CreatePayments),
            Box::new(CreateSandbox),
            Box::new(ParkingMigration),
            Box::new(InboxMigration),
            Box::new(GroupMigration),
            Box::new(RetentionMigration),
        ]
    }
}

struct CreatePayments;

impl MigrationName for CreatePayments {
    fn name(&self) -> &str {
        "payment_0001_create_payments"
    }
}

#[async_trait::async_trait]
impl MigrationTrait for CreatePayments {
    fn use_transaction(&self) -> Option<bool> {
        Some(true)
    }

    async fn up(&self, manager: &SchemaManager) -> Result<(), DbErr> {
        for table in [payments(), attempts(), operations()] {
            manager.create_table(table).await?;
        }
        for (name, table, columns) in [
            ("payments_by_update", "payments", vec!["update_time", "payment_id"]),
            ("payments_by_status", "payments", vec!["status", "update_time", "payment_id"]),
            ("payments_in_need", "payments", vec!["needs_person", "payment_id"]),
            ("payment_attempts_by_reference", "payment_attempts", vec!["provider_reference"]),
            ("payment_operations_due", "payment_operations", vec!["next_try_time"]),
        ] {
            let mut index = Index::create().name(name).table(table).to_owned();
            for column in columns {
                index.col(column);
            }
            manager.create_index(index).await?;
        }
        Ok(())
    }
}

struct CreateSandbox;

impl MigrationName for CreateSandbox {
    fn name(&self) -> &str {
        "payment_0002_create_sandbox"
    }
}

#[async_trait::async_trait]
impl MigrationTrait for CreateSandbox {
    fn use_transaction(&self) -> Option<bool> {
        Some(true)
    }

    async fn up(&self, manager: &SchemaManager) -> Result<(), DbErr> {
        let charges = Table::create()
            .table("sandbox_charges")
            .col(ColumnDef::new("reference").text().not_null().primary_key())
            .col(ColumnDef::new("idempotency_key").text().not_null().unique_key())
            .col(ColumnDef::new("payment_id").text().not_null())
            .col(ColumnDef::new("token").text().not_null())
            .col(ColumnDef::new("amount").big_integer().not_null())
            .col(ColumnDef::new("standing").text().not_null())
            .col(ColumnDef::new("captured").big_integer().not_null())
            .col(ColumnDef::new("tries").integer().not_null())
            .to_owned();
        manager.create_table(charges).await?;
        let calls = Table::create()
            .table("sandbox_calls")
            .col(ColumnDef::new("idempotency_key").text().not_null().primary_key())
            .col(ColumnDef::new("reference").text().not_null())
            .col(ColumnDef::new("kind").text().not_null())
            .col(ColumnDef::new("amount").big_integer().not_null())
            .col(ColumnDef::new("done").boolean().not_null())
            .to_owned();
        manager.create_table(calls).await?;
        let by_charge = Index::create()
            .name("sandbox_calls_by_charge")
            .table("sandbox_calls")
            .col("reference")
            .to_owned();
        manager.create_index(by_charge).await
    }
}

fn payments() -> TableCreateStatement {
    Table::create()
        .table("payments")
        .col(ColumnDef::new("payment_id").uuid().not_null().primary_key())
        .col(ColumnDef::new("revision").big_integer().not_null())
        .col(ColumnDef::new("currency").text().not_null())
        .col(ColumnDef::new("order_revision").big_integer().not_null())
        .col(ColumnDef::new("amount_due").big_integer().not_null())
        .col(ColumnDef::new("phase").text().not_null())
        .col(ColumnDef::new("status").text().not_null())
        .col(ColumnDef::new("attempt").integer().not_null())
        .col(ColumnDef::new("authorized").big_integer().not_null())
        .col(ColumnDef::new("captured").big_integer().not_null())
        .col(ColumnDef::new("refunded").big_integer().not_null())
        .col(ColumnDef::new("operations").integer().not_null())
        .col(ColumnDef::new("open_operation").integer())
        .col(ColumnDef::new("needs_person").boolean().not_null())
        .col(ColumnDef::new("answered").boolean().not_null())
        .col(ColumnDef::new("correlation_id").text().not_null())
        .col(ColumnDef::new("create_time").big_integer().not_null())
        .col(ColumnDef::new("update_time").big_integer().not_null())
        .to_owned()
}

/// A table whose rows are numbered within a payment.
fn part_of_payment(name: &'static str) -> TableCreateStatement {
    Table::create()
        .table(name)
        .col(ColumnDef::new("payment_id").uuid().not_null())
        .col(ColumnDef::new("number").integer().not_null())
        .primary_key(Index::create().col("payment_id").col("number"))
        .to_owned()
}

fn attempts() -> TableCreateStatement {
    part_of_payment("payment_attempts")
        .col(ColumnDef::new("token").text().not_null())
        .col(ColumnDef::new("amount").big_integer().not_null())
        .col(ColumnDef::new("authorized").big_integer().not_null())
        .col(ColumnDef::new("state").text().not_null())
        .col(ColumnDef::new("idempotency_key").text().not_null())
        .col(ColumnDef::new("provider_reference").text())
        .col(ColumnDef::new("first_sent_time").big_integer())
        .col(ColumnDef::new("action_url").text())
        .col(ColumnDef::new("decline_code").text())
        .col(ColumnDef::new("decline_detail").text())
        .col(ColumnDef::new("retryable").boolean().not_null())
        .to_owned()
}

fn operations() -> TableCreateStatement {
    part_of_payment("payment_operations")
        .col(ColumnDef::new("kind").text().not_null())
        .col(ColumnDef::new("attempt").integer().not_null())
        .col(ColumnDef::new("amount").big_integer().not_null())
        .col(ColumnDef::new("idempotency_key").text().not_null())
        .col(ColumnDef::new("round").integer().not_null())
        .col(ColumnDef::new("tries").integer().not_null())
        .col(ColumnDef::new("failures").integer().not_null())
        .col(ColumnDef::new("uncertain").boolean().not_null())
        .col(ColumnDef::new("told").boolean().not_null())
        .col(ColumnDef::new("first_sent_time").big_integer())
        .col(ColumnDef::new("next_try_time").big_integer())
        .col(ColumnDef::new("claim_id").uuid())
        .col(ColumnDef::new("claim_until").big_integer())
        .col(ColumnDef::new("action").text())
        .col(ColumnDef::new("last_error").text())
        .col(ColumnDef::new("last_actor").text())
        .col(ColumnDef::new("last_action").text())
        .col(ColumnDef::new("last_action_time").big_integer())
        .col(ColumnDef::new("create_time").big_integer().not_null())
        .to_owned()
}
