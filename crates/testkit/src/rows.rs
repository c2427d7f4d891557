//! The rows of a database: a refusal must not leave any, a rebuild must leave the same.

use std::collections::BTreeMap;
use std::path::Path;

use sea_orm::{ConnectOptions, ConnectionTrait, Database, DatabaseConnection, DbErr, Statement};

/// Tables that have rows before anybody has written anything: they say what the database is and who has read.
const OWN: [&str; 4] = ["seaql_migrations", "log_head", "checkpoints", "projection_generations"];

/// Rows of each table of a SQLite file, but for tables that say what the database itself is and who has read. Any
/// process may have the file open.
pub async fn count_rows(file: &Path) -> BTreeMap<String, i64> {
    read(file).await.unwrap_or_else(|error| panic!("{} cannot be read: {error}", file.display()))
}

async fn read(file: &Path) -> Result<BTreeMap<String, i64>, DbErr> {
    let database = Database::connect(format!("sqlite://{}?mode=ro", file.display())).await?;
    const TABLES: &str = "SELECT name FROM sqlite_master WHERE type = 'table' AND name NOT LIKE 'sqlite_%'";
    let mut counts = BTreeMap::new();
    for row in database.query_all_raw(statement(&database, TABLES)).await? {
        let table: String = row.try_get("", "name")?;
        if !OWN.contains(&table.as_str()) {
            let count = statement(&database, &format!(r#"SELECT COUNT(*) AS rows FROM "{table}""#));
            let row = database.query_one_raw(count).await?;
            let rows = row.ok_or_else(|| DbErr::RecordNotFound(table.clone()))?.try_get("", "rows")?;
            counts.insert(table, rows);
        }
    }
    database.close().await?;
    Ok(counts)
}

/// Takes the one place of a writer in a SQLite file: until the connection is dropped nobody else can write.
pub async fn occupy(file: &Path) -> DatabaseConnection {
    let mut options = ConnectOptions::new(format!("sqlite://{}?mode=rw", file.display()));
    let database = Database::connect(options.max_connections(1).clone()).await;
    let database = database.unwrap_or_else(|error| panic!("{} cannot be opened: {error}", file.display()));
    database.execute_unprepared("BEGIN IMMEDIATE").await.expect("nobody else writes");
    database
}

/// All rows of a table of a SQLite file as texts, sorted: equal dumps mean equal rows, column by column.
pub async fn dump_table(file: &Path, table: &str) -> Vec<String> {
    dump(file, table)
        .await
        .unwrap_or_else(|error| panic!("{table} of {} cannot be read: {error}", file.display()))
}

async fn dump(file: &Path, table: &str) -> Result<Vec<String>, DbErr> {
    let database = Database::connect(format!("sqlite://{}?mode=ro", file.display())).await?;
    let columns = statement(&database, &format!("SELECT name FROM pragma_table_info('{table}')"));
    let columns = database.query_all_raw(columns).await?;
    let columns: Vec<String> = columns.iter().map(|row| row.try_get("", "name")).collect::<Result<_, _>>()?;
    let quoted: Vec<_> = columns.iter().map(|column| format!(r#"quote("{column}")"#)).collect();
    let rows = format!(r#"SELECT {} AS row FROM "{table}" ORDER BY 1"#, quoted.join(" || ',' || "));
    let rows = database.query_all_raw(statement(&database, &rows)).await?;
    let rows = rows.iter().map(|row| row.try_get("", "row")).collect::<Result<_, _>>()?;
    database.close().await?;
    Ok(rows)
}

fn statement(database: &DatabaseConnection, sql: &str) -> Statement {
    Statement::from_string(database.get_database_backend(), sql)
}
