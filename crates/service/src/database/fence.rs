//! A fence around a store that was copied elsewhere: no server opens it any more, so that nobody goes on writing to the
//! half that is no longer the truth.

use sea_orm::{ConnectionTrait, DatabaseConnection, DbBackend, DbErr, Statement};
use sea_orm_migration::SchemaManager;

use super::spelling;
use crate::config::MaskedUrl;

/// The table of the fence; it exists only in a database that was ever fenced, and holds a row while it is.
pub const TABLE: &str = "store_fence";

/// What a fence says.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Fence {
    /// Where the store was copied to, without secrets; a file by its absolute path.
    pub copied_to: String,
    /// When, as text (RFC 3339, UTC).
    pub fenced_time: String,
}

/// Puts a fence up.
pub async fn put<C: ConnectionTrait>(db: &C, to: &MaskedUrl, time: &str) -> Result<(), DbErr> {
    const CREATE: &str = "CREATE TABLE IF NOT EXISTS store_fence \
         (id INTEGER NOT NULL PRIMARY KEY, copied_to TEXT NOT NULL, fenced_time TEXT NOT NULL)";
    const INSERT: &str = "INSERT INTO store_fence (id, copied_to, fenced_time) VALUES (1, $1, $2)";
    db.execute_unprepared(CREATE).await?;
    let values = [spelling::absolute(to).to_string().into(), time.into()];
    db.execute_raw(Statement::from_sql_and_values(db.get_database_backend(), INSERT, values)).await?;
    Ok(())
}

/// Takes the fence away; tells what it said, if there was one.
pub async fn take_away(db: &DatabaseConnection) -> Result<Option<Fence>, DbErr> {
    let fence = find(db).await?;
    if fence.is_some() {
        db.execute_unprepared("DELETE FROM store_fence").await?;
    }
    Ok(fence)
}

/// The fence of a database, if there is one.
pub async fn find(db: &DatabaseConnection) -> Result<Option<Fence>, DbErr> {
    let backend = db.get_database_backend();
    if !SchemaManager::new(db).has_table(TABLE).await? {
        return Ok(None);
    }
    let select = Statement::from_string(backend, "SELECT copied_to, fenced_time FROM store_fence");
    let Some(row) = db.query_one_raw(select).await? else { return Ok(None) };
    Ok(Some(Fence { copied_to: row.try_get("", "copied_to")?, fenced_time: row.try_get("", "fenced_time")? }))
}

/// Names of all tables of a database.
pub async fn tables<C: ConnectionTrait>(db: &C) -> Result<Vec<String>, DbErr> {
    let sql = match db.get_database_backend() {
        DbBackend::Postgres => {
            "SELECT table_name::text AS name FROM information_schema.tables \
             WHERE table_schema = current_schema() AND table_type = 'BASE TABLE'"
        }
        _ => "SELECT name FROM sqlite_master WHERE type = 'table' AND name NOT LIKE 'sqlite_%'",
    };
    let rows = db.query_all_raw(Statement::from_string(db.get_database_backend(), sql)).await?;
    rows.iter().map(|row| row.try_get("", "name")).collect()
}
