//! The life of an order: its facets, holds, shipments, returns and notes.

use std::time::Duration;

use ordermesh_kernel::{Clock, SystemClock, to_micros};
use sea_orm_migration::prelude::*;
use sea_orm_migration::sea_orm::DbBackend;

use super::part_of_order;

pub(super) struct OrderLife;

impl MigrationName for OrderLife {
    fn name(&self) -> &str {
        "order_command_0002_order_life"
    }
}

/// What orders of earlier versions begin with: nothing was known of stock and payment.
const FROM_BEFORE: &str = "UPDATE orders SET state_since = update_time, stock_since = update_time, \
    payment_since = update_time, goods_since = update_time, due_since = update_time, \
    ordered = COALESCE((SELECT SUM(quantity) FROM order_lines WHERE order_lines.order_id = orders.order_id), 0)";

/// Of a payment that was never owed nobody will tell.
const NEVER_OWED: &str = "UPDATE orders SET payment = 'not_required', attempt = 0 \
    WHERE order_id IN (SELECT order_id FROM order_terms WHERE total = 0)";

/// A replica of the version before, which knows nothing of pieces, must not place an order that seems to have none: without
/// a default its rows are refused. On SQLite there is no other replica.
const NOT_FROM_BEFORE: &str = "ALTER TABLE orders ALTER COLUMN ordered DROP DEFAULT";

/// How long orders of earlier versions may take for their payment, from the migration on.
const WINDOW: Duration = Duration::from_secs(24 * 3600);

/// Deadlines are looked up by their time; an order that has none is not in the index.
const DUE: &str = "CREATE INDEX orders_due_time ON orders (due_time) WHERE due_time IS NOT NULL";
const HELD: &str = "CREATE INDEX order_holds_in_force ON order_holds (hold_id) WHERE released_time IS NULL";

#[async_trait::async_trait]
impl MigrationTrait for OrderLife {
    fn use_transaction(&self) -> Option<bool> {
        Some(true)
    }

    async fn up(&self, manager: &SchemaManager) -> Result<(), DbErr> {
        // SQLite adds one column a statement.
        for column in columns() {
            manager.alter_table(Table::alter().table("orders").add_column(column).to_owned()).await?;
        }
        for table in [progress(), holds(), notes(), shipments(), returns()] {
            manager.create_table(table).await?;
        }
        for table in [
            lines_of("order_shipment_lines", "shipment_id"),
            lines_of("order_return_lines", "return_id"),
            receipts(),
        ] {
            manager.create_table(table).await?;
        }
        let connection = manager.get_connection();
        let deadline = to_micros(SystemClock.now()) + WINDOW.as_micros() as i64;
        let waiting = format!(
            "UPDATE orders SET payment_deadline = {deadline}, due_time = {deadline} \
             WHERE state = 'placed' AND payment = 'pending'"
        );
        for sql in [FROM_BEFORE, NEVER_OWED, waiting.as_str(), DUE, HELD] {
            connection.execute_unprepared(sql).await?;
        }
        if connection.get_database_backend() == DbBackend::Postgres {
            connection.execute_unprepared(NOT_FROM_BEFORE).await?;
        }
        Ok(())
    }
}

fn columns() -> Vec<ColumnDef> {
    let count = |name: &'static str| ColumnDef::new(name).big_integer().not_null().default(0).to_owned();
    let small =
        |name: &'static str, value: i32| ColumnDef::new(name).integer().not_null().default(value).to_owned();
    let word = |name: &'static str| ColumnDef::new(name).text().not_null().default("pending").to_owned();
    let time = |name: &'static str| ColumnDef::new(name).big_integer().to_owned();
    let counts =
        ["authorized", "captured", "refunded", "ordered", "cancelled", "shipped", "delivered", "lost"];
    let since = ["state_since", "stock_since", "payment_since", "goods_since", "due_since"];
    let mut columns = vec![word("stock"), word("payment"), time("payment_deadline"), time("due_time")];
    columns.extend([small("attempt", 1), small("holds", 0), small("notes", 0)]);
    columns.extend(counts.into_iter().chain(since).map(count));
    columns
}

fn progress() -> TableCreateStatement {
    let pieces = |name: &'static str| ColumnDef::new(name).integer().not_null().to_owned();
    part_of_order("order_line_progress", ColumnDef::new("line_id").integer().not_null().to_owned())
        .col(pieces("cancelled"))
        .col(pieces("shipped"))
        .col(pieces("delivered"))
        .col(pieces("lost"))
        .col(pieces("returned"))
        .to_owned()
}

/// A table whose rows belong to an order and have an id of their own.
fn named_part(name: &'static str, id: &'static str) -> TableCreateStatement {
    part_of_order(name, ColumnDef::new(id).uuid().not_null().to_owned())
}

fn holds() -> TableCreateStatement {
    named_part("order_holds", "hold_id")
        .col(ColumnDef::new("reason").text().not_null())
        .col(ColumnDef::new("note").text().not_null())
        .col(ColumnDef::new("actor_kind").text().not_null())
        .col(ColumnDef::new("actor_name").text().not_null())
        .col(ColumnDef::new("placed_time").big_integer().not_null())
        .col(ColumnDef::new("released_time").big_integer())
        .col(ColumnDef::new("released_by").text())
        .col(ColumnDef::new("release_note").text())
        .to_owned()
}

fn notes() -> TableCreateStatement {
    named_part("order_notes", "note_id")
        .col(ColumnDef::new("text").text().not_null())
        .col(ColumnDef::new("actor_kind").text().not_null())
        .col(ColumnDef::new("actor_name").text().not_null())
        .col(ColumnDef::new("added_time").big_integer().not_null())
        .to_owned()
}

fn shipments() -> TableCreateStatement {
    named_part("order_shipments", "shipment_id")
        .col(ColumnDef::new("carrier").text())
        .col(ColumnDef::new("tracking_number").text())
        .col(ColumnDef::new("state").text().not_null())
        .col(ColumnDef::new("dispatched_time").big_integer().not_null())
        .col(ColumnDef::new("ended_time").big_integer())
        .to_owned()
}

fn returns() -> TableCreateStatement {
    named_part("order_returns", "return_id")
        .col(ColumnDef::new("reason").text().not_null())
        .col(ColumnDef::new("state").text().not_null())
        .col(ColumnDef::new("rejection_reason").text().not_null())
        .col(ColumnDef::new("requested_time").big_integer().not_null())
        .to_owned()
}

fn lines_of(name: &'static str, id: &'static str) -> TableCreateStatement {
    Table::create()
        .table(name)
        .col(ColumnDef::new("order_id").uuid().not_null())
        .col(ColumnDef::new(id).uuid().not_null())
        .col(ColumnDef::new("line_id").integer().not_null())
        .col(ColumnDef::new("quantity").integer().not_null())
        .primary_key(Index::create().col("order_id").col(id).col("line_id"))
        .to_owned()
}

fn receipts() -> TableCreateStatement {
    Table::create()
        .table("order_return_receipts")
        .col(ColumnDef::new("order_id").uuid().not_null())
        .col(ColumnDef::new("return_id").uuid().not_null())
        .col(ColumnDef::new("line_id").integer().not_null())
        .col(ColumnDef::new("condition").text().not_null())
        .col(ColumnDef::new("accepted").integer().not_null())
        .primary_key(Index::create().col("order_id").col("return_id").col("line_id").col("condition"))
        .to_owned()
}
