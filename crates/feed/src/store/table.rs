//! Bulk statements over a sea-orm entity: many rows a statement, with few distinct SQL texts.
//!
//! A statement's text depends on the number of its rows. Rows go out in groups of a few fixed sizes, so that
//! each text is prepared once a connection instead of once a batch.

use std::marker::PhantomData;

use sea_orm::sea_query::{Iden, Value};
use sea_orm::{
    ConnectionTrait, DbBackend, DbErr, EntityTrait, FromQueryResult, Iterable, ModelTrait,
    PrimaryKeyToColumn, Statement,
};

/// Rows a statement; the last must be 1.
const GROUPS: [usize; 4] = [128, 32, 8, 1];

/// A table of entity `E`: the one that the entity names, or one of the same columns under another name.
#[derive(Debug, Clone)]
pub struct Table<E> {
    name: String,
    entity: PhantomData<fn() -> E>,
}

impl<E: EntityTrait> Default for Table<E> {
    fn default() -> Self {
        Self::with_suffix("")
    }
}

impl<E: EntityTrait> Table<E> {
    /// The entity's table with a suffix to its name: a rebuild fills tables beside the live ones.
    pub fn with_suffix(suffix: &str) -> Self {
        Self { name: format!("{}{suffix}", E::default().table_name()), entity: PhantomData }
    }

    /// Inserts rows. A row whose key is there already fails the statement.
    pub async fn insert<C: ConnectionTrait>(&self, db: &C, rows: &[E::Model]) -> Result<(), DbErr>
    where
        E::Model: ModelTrait<Entity = E>,
    {
        self.write(db, rows, "").await
    }

    /// Inserts rows, or replaces those whose primary key is there already.
    pub async fn upsert<C: ConnectionTrait>(&self, db: &C, rows: &[E::Model]) -> Result<(), DbErr>
    where
        E::Model: ModelTrait<Entity = E>,
    {
        let key: Vec<_> = E::PrimaryKey::iter().map(|key| key.into_column().to_string()).collect();
        let set: Vec<_> = E::Column::iter()
            .map(|column| column.to_string())
            .filter(|column| !key.contains(column))
            .map(|column| format!(r#""{column}" = excluded."{column}""#))
            .collect();
        let action = match set.is_empty() {
            // All columns are of the key: what is there is the same.
            true => "NOTHING".to_owned(),
            false => format!("UPDATE SET {}", set.join(", ")),
        };
        let conflict = format!(r#" ON CONFLICT ("{}") DO {action}"#, key.join(r#"", ""#));
        self.write(db, rows, &conflict).await
    }

    /// The rows whose `column` has one of the values, in no order. A value given twice finds its rows once.
    pub async fn find_in<C: ConnectionTrait>(
        &self,
        db: &C,
        column: E::Column,
        values: impl IntoIterator<Item = Value>,
    ) -> Result<Vec<E::Model>, DbErr> {
        let backend = db.get_database_backend();
        let mut values: Vec<Value> = values.into_iter().collect();
        let mut found = Vec::new();
        while let Some(last) = values.last().cloned() {
            let group = group(values.len());
            // A group is filled up with a repeated value rather than split further: one round trip for a few keys.
            let take = values.split_off(values.len().saturating_sub(group));
            let filled = take.into_iter().chain(std::iter::repeat(last)).take(group).collect::<Vec<_>>();
            let sql = format!(
                r#"SELECT {} FROM "{}" WHERE "{}" IN ({})"#,
                columns::<E>(),
                self.name,
                column.to_string(),
                placeholders(backend, 1, group)
            );
            let statement = Statement::from_sql_and_values(backend, sql, filled);
            for row in db.query_all_raw(statement).await? {
                found.push(E::Model::from_query_result(&row, "")?);
            }
        }
        Ok(found)
    }

    async fn write<C: ConnectionTrait>(&self, db: &C, rows: &[E::Model], conflict: &str) -> Result<(), DbErr>
    where
        E::Model: ModelTrait<Entity = E>,
    {
        let backend = db.get_database_backend();
        let width = E::Column::iter().count();
        let head = format!(r#"INSERT INTO "{}" ({}) VALUES "#, self.name, columns::<E>());
        let mut rest = rows;
        while !rest.is_empty() {
            let group = GROUPS.into_iter().find(|group| *group <= rest.len()).unwrap_or(1);
            let (rows, after) = rest.split_at(group);
            rest = after;
            let tuples: Vec<_> = (0..group)
                .map(|row| format!("({})", placeholders(backend, row * width + 1, width)))
                .collect();
            let sql = format!("{head}{}{conflict}", tuples.join(", "));
            let values = rows.iter().flat_map(|row| E::Column::iter().map(|column| row.get(column)));
            db.execute_raw(Statement::from_sql_and_values(backend, sql, values)).await?;
        }
        Ok(())
    }
}

/// The smallest group that holds `count`, or the largest there is.
fn group(count: usize) -> usize {
    GROUPS.into_iter().rev().find(|group| *group >= count).unwrap_or(GROUPS[0])
}

fn columns<E: EntityTrait>() -> String {
    let names: Vec<_> = E::Column::iter().map(|column| format!(r#""{}""#, column.to_string())).collect();
    names.join(", ")
}

/// `$3, $4, $5` for (3, 3), or `?, ?, ?` on SQLite: there a numbered parameter has a name, and the driver's
/// look-up of names takes time in the square of their number.
fn placeholders(backend: DbBackend, first: usize, count: usize) -> String {
    let numbers: Vec<_> = match backend {
        DbBackend::Sqlite => vec!["?".to_owned(); count],
        _ => (first..first + count).map(|number| format!("${number}")).collect(),
    };
    numbers.join(", ")
}
