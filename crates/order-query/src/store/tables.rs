//! The read model's tables: made empty beside the live ones, and put in their place.
//!
//! Names of indexes are global, and SQLite cannot rename an index. So every making of the tables counts a
//! generation up, and their indexes carry its number: they clash neither with the live ones nor, after a swap,
//! with those of the next rebuild.

use sea_orm::sea_query::{
    ColumnDef, ConditionalStatement, Expr, Index, IndexCreateStatement, OnConflict, SimpleExpr,
    Table as TableStatement, TableCreateStatement,
};
use sea_orm::{ConnectionTrait, DbErr, EntityName, EntityTrait, IntoActiveModel};

use super::entity::{order_timeline, order_view, order_view_sku, projection_generation};
use crate::NAME;

/// The table of generations, made once.
pub(super) fn generations() -> TableCreateStatement {
    TableStatement::create()
        .table(projection_generation::Entity.table_name())
        .col(ColumnDef::new("projection").text().not_null().primary_key())
        .col(ColumnDef::new("generation").big_integer().not_null())
        .to_owned()
}

/// Makes empty tables whose names end in `suffix`, in place of any that are there.
pub async fn create<C: ConnectionTrait>(db: &C, suffix: &str) -> Result<(), DbErr> {
    let generation = next_generation(db).await?;
    for name in names() {
        drop_table(db, format!("{name}{suffix}")).await?;
    }
    for table in [order_views(suffix), order_view_skus(suffix), order_timeline(suffix)] {
        db.execute(&table).await?;
    }
    for index in indexes(suffix, generation) {
        db.execute(&index).await?;
    }
    Ok(())
}

/// Puts the tables of `suffix` in the place of the live ones, which are dropped.
pub async fn swap<C: ConnectionTrait>(db: &C, suffix: &str) -> Result<(), DbErr> {
    for name in names() {
        drop_table(db, name.to_owned()).await?;
        let rename = TableStatement::rename().table(format!("{name}{suffix}"), name).to_owned();
        db.execute(&rename).await?;
    }
    Ok(())
}

fn names() -> [&'static str; 3] {
    [
        order_view::Entity.table_name(),
        order_view_sku::Entity.table_name(),
        order_timeline::Entity.table_name(),
    ]
}

async fn drop_table<C: ConnectionTrait>(db: &C, name: String) -> Result<(), DbErr> {
    db.execute(TableStatement::drop().table(name).if_exists()).await.map(|_| ())
}

/// The number of the newest tables; 0 when none were made.
pub(super) async fn generation<C: ConnectionTrait>(db: &C) -> Result<i64, DbErr> {
    let row = projection_generation::Entity::find_by_id(NAME.to_owned()).one(db).await?;
    Ok(row.map_or(0, |row| row.generation))
}

async fn next_generation<C: ConnectionTrait>(db: &C) -> Result<i64, DbErr> {
    let generation = generation(db).await? + 1;
    let row = projection_generation::Model { projection: NAME.to_owned(), generation };
    let replace = OnConflict::column(projection_generation::Column::Projection)
        .update_column(projection_generation::Column::Generation)
        .to_owned();
    projection_generation::Entity::insert(row.into_active_model()).on_conflict(replace).exec(db).await?;
    Ok(generation)
}

fn order_views(suffix: &str) -> TableCreateStatement {
    let mut table = TableStatement::create()
        .table(format!("order_views{suffix}"))
        .col(ColumnDef::new("order_id").uuid().not_null().primary_key())
        .col(ColumnDef::new("order_reference").text().not_null())
        .col(ColumnDef::new("customer_id").text())
        .col(ColumnDef::new("state").text().not_null())
        .col(ColumnDef::new("currency").text().not_null())
        .col(ColumnDef::new("total_minor").big_integer().not_null())
        .col(ColumnDef::new("placed_time").big_integer().not_null())
        .col(ColumnDef::new("update_time").big_integer().not_null())
        .col(ColumnDef::new("revision").big_integer().not_null())
        .col(ColumnDef::new("body").blob().not_null())
        .col(ColumnDef::new("personal").blob())
        .to_owned();
    for column in life() {
        table.col(column);
    }
    table
}

/// The columns that came with the life of an order. Their defaults are what they are for orders of which earlier versions
/// alone have told, but for the payment of those that cost nothing.
pub(super) fn life() -> [ColumnDef; 6] {
    let word = |name: &'static str, word: &'static str| {
        ColumnDef::new(name).text().not_null().default(word).to_owned()
    };
    [
        ColumnDef::new("note_texts").blob().to_owned(),
        word("payment", "PENDING"),
        word("stock", "PENDING"),
        word("fulfilment", "NONE"),
        ColumnDef::new("held").boolean().not_null().default(false).to_owned(),
        ColumnDef::new("waiting_for").big_integer().not_null().default(0i64).to_owned(),
    ]
}

fn order_view_skus(suffix: &str) -> TableCreateStatement {
    TableStatement::create()
        .table(format!("order_view_skus{suffix}"))
        .col(ColumnDef::new("sku").text().not_null())
        .col(ColumnDef::new("order_id").uuid().not_null())
        .col(ColumnDef::new("placed_time").big_integer().not_null())
        .primary_key(Index::create().col("sku").col("order_id"))
        .to_owned()
}

fn order_timeline(suffix: &str) -> TableCreateStatement {
    TableStatement::create()
        .table(format!("order_timeline{suffix}"))
        .col(ColumnDef::new("order_id").uuid().not_null())
        .col(ColumnDef::new("revision").big_integer().not_null())
        .col(ColumnDef::new("position").big_integer().not_null())
        .col(ColumnDef::new("event_id").uuid().not_null())
        .col(ColumnDef::new("kind").text().not_null())
        .col(ColumnDef::new("occurred_time").big_integer().not_null())
        .col(ColumnDef::new("actor_kind").text().not_null())
        .col(ColumnDef::new("actor_name").text().not_null())
        .col(ColumnDef::new("causation_id").text().not_null())
        .col(ColumnDef::new("summary").text().not_null())
        .col(ColumnDef::new("state").text().not_null())
        .primary_key(Index::create().col("order_id").col("revision"))
        .to_owned()
}

/// One index an order of pages, and one a filter that leaves few orders. Those of filters, but for the reference, end
/// with the time of placing: a page of one filter in that order costs the same however many orders meet it. Several
/// filters, or one sorted by the total, cost what one of them leaves, which `pages` chooses where it knows better than
/// the database. How far the goods are has no index: a page of any of its three values is found soon in the order of
/// placing, or among the orders of a state.
fn indexes(suffix: &str, generation: i64) -> impl Iterator<Item = IndexCreateStatement> {
    let columns: [(&str, &str, &[&'static str]); 7] = [
        ("order_views", "placed", &["placed_time", "order_id"]),
        ("order_views", "total", &["currency", "total_minor", "order_id"]),
        ("order_views", "currency", &["currency", "placed_time", "order_id"]),
        ("order_views", "customer", &["customer_id", "placed_time", "order_id"]),
        ("order_views", "state", &["state", "placed_time", "order_id"]),
        ("order_views", "reference", &["order_reference"]),
        ("order_view_skus", "placed", &["sku", "placed_time", "order_id"]),
    ];
    let suffix = suffix.to_owned();
    let first = columns.map(|(table, name, columns)| index(table, &suffix, (name, generation), columns));
    first.into_iter().chain(life_indexes(&suffix, generation))
}

/// The indexes that came with the life of an order. Few orders are held, and only open ones wait for something: these
/// two hold no others.
pub(super) fn life_indexes(suffix: &str, generation: i64) -> [IndexCreateStatement; 4] {
    let of_views = |name, columns| index("order_views", suffix, (name, generation), columns);
    let mut held = of_views("held", &["placed_time", "order_id"]);
    held.and_where(is_held());
    let mut waiting = of_views("waiting", &["placed_time", "order_id"]);
    waiting.and_where(waits());
    [
        of_views("payment", &["payment", "placed_time", "order_id"]),
        of_views("stock", &["stock", "placed_time", "order_id"]),
        held,
        waiting,
    ]
}

/// Which orders the index of held ones has. SQLite takes it for a statement that says the same in the same words.
pub(super) fn is_held() -> SimpleExpr {
    Expr::cust(r#""held""#)
}

/// Which orders the index of waiting ones has.
pub(super) fn waits() -> SimpleExpr {
    Expr::cust(r#""waiting_for" <> 0"#)
}

fn index(
    table: &str,
    suffix: &str,
    (name, generation): (&str, i64),
    columns: &[&'static str],
) -> IndexCreateStatement {
    let mut index = Index::create();
    index.name(format!("{table}_{name}_{generation}")).table(format!("{table}{suffix}"));
    for column in columns {
        index.col(*column);
    }
    index
}
