//! Migrations: which a database has had, and that nobody runs their own on somebody else's.

use sea_orm::{ConnectionTrait, DatabaseConnection, DbErr, Statement};
use sea_orm_migration::{MigratorTrait, SchemaManager};

use super::OpenError;
use crate::config::MaskedUrl;

/// The table in which a database keeps which migrations it has had.
pub const TABLE: &str = "seaql_migrations";

/// Names of all migrations of `M`, sorted.
pub fn names<M: MigratorTrait>() -> Vec<String> {
    let mut names: Vec<_> = M::migrations().iter().map(|migration| migration.name().to_owned()).collect();
    names.sort_unstable();
    names
}

/// Names of the migrations that a database has had, sorted; none when it never had any.
pub async fn applied(db: &DatabaseConnection) -> Result<Vec<String>, DbErr> {
    if !SchemaManager::new(db).has_table(TABLE).await? {
        return Ok(Vec::new());
    }
    let select = Statement::from_string(db.get_database_backend(), format!("SELECT version FROM {TABLE}"));
    let rows = db.query_all_raw(select).await?;
    let mut names: Vec<String> =
        rows.iter().map(|row| row.try_get("", "version")).collect::<Result<_, _>>()?;
    names.sort_unstable();
    Ok(names)
}

/// Runs the migrations of `M` that a database has not had, unless it has had others.
pub(super) async fn run<M: MigratorTrait>(db: &DatabaseConnection, url: &MaskedUrl) -> Result<(), OpenError> {
    let failed = |error| OpenError::Database { url: url.clone(), error };
    let applied = applied(db).await.map_err(failed)?;
    refuse_unknown(&applied, &names::<M>(), url)?;
    M::up(db, None).await.map_err(failed)
}

/// Refuses a database that has had migrations which are not among `known`.
pub fn refuse_unknown(applied: &[String], known: &[String], url: &MaskedUrl) -> Result<(), OpenError> {
    match applied.iter().find(|name| !known.contains(name)) {
        Some(unknown) => Err(OpenError::Unknown {
            url: url.clone(),
            migration: unknown.clone(),
            applied: applied.to_vec(),
        }),
        None => Ok(()),
    }
}
