//! The rows of a database: a refusal must not leave any, a rebuild must leave the same.

use std::collections::BTreeMap;
use std::path::Path;

use sea_orm::{ConnectionTrait, DatabaseConnection, DbBackend, DbErr, Statement};

use crate::backend::{Backend, open};

/// Tables that have rows before anybody has written anything: they say what the database is and who has read.
const OWN: [&str; 6] = [
    "consumer_leases",
    "seaql_migrations",
    "log_head",
    "checkpoints",
    "projection_generations",
    "subscribers",
];

/// Rows of each table of a database, but for tables that say what the database itself is and who has read. It is
/// named by its SQLite file, see [`crate::backend`]; any process may have it open.
pub async fn count_rows(file: &Path) -> BTreeMap<String, i64> {
    read(file).await.unwrap_or_else(|error| panic!("{} cannot be read: {error}", file.display()))
}

async fn read(file: &Path) -> Result<BTreeMap<String, i64>, DbErr> {
    let database = open(file).await?;
    let tables = match database.get_database_backend() {
        DbBackend::Postgres => "SELECT tablename AS name FROM pg_tables WHERE schemaname = 'public'",
        _ => "SELECT name FROM sqlite_master WHERE type = 'table' AND name NOT LIKE 'sqlite_%'",
    };
    let mut counts = BTreeMap::new();
    for row in database.query_all_raw(statement(&database, tables)).await? {
        let table: String = row.try_get("", "name")?;
        if !OWN.contains(&table.as_str()) {
            let count = statement(&database, &format!(r#"SELECT COUNT(*) AS count FROM "{table}""#));
            let row = database.query_one_raw(count).await?;
            let rows = row.ok_or_else(|| DbErr::RecordNotFound(table.clone()))?.try_get("", "count")?;
            counts.insert(table, rows);
        }
    }
    database.close().await?;
    Ok(counts)
}

/// Takes the one place of a writer: until the connection is dropped nobody else can write. With PostgreSQL, the lock of
/// the log's head; give the server a short statement time-out to see it.
pub async fn occupy(file: &Path) -> DatabaseConnection {
    let database = open(file).await;
    let database = database.unwrap_or_else(|error| panic!("{} cannot be opened: {error}", file.display()));
    let take = match Backend::of_this_run() {
        Backend::Sqlite => "BEGIN IMMEDIATE",
        Backend::Postgres => "BEGIN; LOCK TABLE log_head IN ACCESS EXCLUSIVE MODE",
    };
    database.execute_unprepared(take).await.expect("nobody else writes");
    database
}

/// All rows of a table as texts, sorted: equal dumps of one backend mean equal rows, column by column.
pub async fn dump_table(file: &Path, table: &str) -> Vec<String> {
    dump(file, table)
        .await
        .unwrap_or_else(|error| panic!("{table} of {} cannot be read: {error}", file.display()))
}

async fn dump(file: &Path, table: &str) -> Result<Vec<String>, DbErr> {
    let database = open(file).await?;
    let rows = match database.get_database_backend() {
        DbBackend::Postgres => format!(r#"SELECT rows::text AS line FROM "{table}" AS rows ORDER BY 1"#),
        _ => {
            let columns = statement(&database, &format!("SELECT name FROM pragma_table_info('{table}')"));
            let columns = database.query_all_raw(columns).await?;
            let columns: Vec<String> =
                columns.iter().map(|row| row.try_get("", "name")).collect::<Result<_, _>>()?;
            let quoted: Vec<_> = columns.iter().map(|column| format!(r#"quote("{column}")"#)).collect();
            format!(r#"SELECT {} AS line FROM "{table}" ORDER BY 1"#, quoted.join(" || ',' || "))
        }
    };
    let rows = database.query_all_raw(statement(&database, &rows)).await?;
    let rows = rows.iter().map(|row| row.try_get("", "line")).collect::<Result<_, _>>()?;
    database.close().await?;
    Ok(rows)
}

fn statement(database: &DatabaseConnection, sql: &str) -> Statement {
    Statement::from_string(database.get_database_backend(), sql)
}
