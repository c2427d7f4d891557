//! A table of a sea-orm entity: many rows or keys a statement, with few distinct SQL texts.
//!
//! PostgreSQL takes many keys as one array, so a statement has one text whatever their number. SQLite knows no arrays:
//! there keys go out in groups of a few fixed sizes. Either way a text is prepared once a connection instead of
//! once a batch.

use std::collections::HashSet;
use std::marker::PhantomData;

use sea_orm::sea_query::{Iden, Value};
use sea_orm::sqlx::postgres::PgArguments;
use sea_orm::{
    ActiveModelTrait, DbBackend, DbErr, EntityTrait, FromQueryResult, IntoActiveModel, Iterable,
    PrimaryKeyToColumn, Statement,
};

use super::array::{self, Element, StoreConnection};
use super::writes::Writes;

/// Rows a statement of SQLite; the last must be 1.
pub(super) const GROUPS: [usize; 4] = [128, 32, 8, 1];

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

    /// Its name.
    pub fn name(&self) -> &str {
        &self.name
    }

    /// Inserts rows. A row whose key is there already fails the statement.
    pub async fn insert<C: StoreConnection>(&self, db: &C, rows: &[E::Model]) -> Result<(), DbErr>
    where
        E::Model: IntoActiveModel<E::ActiveModel>,
        E::ActiveModel: ActiveModelTrait<Entity = E>,
    {
        let mut writes = Writes::default();
        writes.insert(self, rows.to_vec())?;
        writes.run(db).await
    }

    /// Inserts rows, or replaces those whose primary key is there already.
    pub async fn upsert<C: StoreConnection>(&self, db: &C, rows: &[E::Model]) -> Result<(), DbErr>
    where
        E::Model: IntoActiveModel<E::ActiveModel>,
        E::ActiveModel: ActiveModelTrait<Entity = E>,
    {
        let mut writes = Writes::default();
        writes.upsert(self, rows.to_vec())?;
        writes.run(db).await
    }

    /// `INSERT INTO "t" ("a", "b") `.
    pub(super) fn insert_head(&self) -> String {
        format!(r#"INSERT INTO "{}" ({}) "#, self.name, columns::<E>())
    }

    /// ` ON CONFLICT (key) DO …`, replacing what is there.
    pub(super) fn replace_on_conflict(&self) -> String {
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
        format!(r#" ON CONFLICT ("{}") DO {action}"#, key.join(r#"", ""#))
    }

    /// The rows whose `column` has one of the values, in no order. A value given twice finds its rows once.
    pub async fn find_in<C: StoreConnection>(
        &self,
        db: &C,
        column: E::Column,
        values: impl IntoIterator<Item = Value>,
    ) -> Result<Vec<E::Model>, DbErr> {
        self.find(db, column, values, "").await
    }

    /// The same, and no other transaction changes the rows before this one ends. They are locked in the order of
    /// the column, so that transactions which want the same rows cannot wait for each other. (SQLite's writer is
    /// alone anyway.)
    pub async fn find_in_and_lock<C: StoreConnection>(
        &self,
        db: &C,
        column: E::Column,
        values: impl IntoIterator<Item = Value>,
    ) -> Result<Vec<E::Model>, DbErr> {
        let lock = match db.get_database_backend() {
            DbBackend::Postgres => format!(r#" ORDER BY "{}" FOR UPDATE"#, column.to_string()),
            _ => String::new(),
        };
        self.find(db, column, values, &lock).await
    }

    async fn find<C: StoreConnection>(
        &self,
        db: &C,
        column: E::Column,
        values: impl IntoIterator<Item = Value>,
        lock: &str,
    ) -> Result<Vec<E::Model>, DbErr> {
        let mut values: Vec<Value> = values.into_iter().collect();
        if values.len() > GROUPS[0] {
            // In one statement a value may stand twice; in two it would find its rows twice.
            let mut seen = HashSet::with_capacity(values.len());
            values.retain(|value| seen.insert(value.clone()));
        }
        let (columns, name, key) = (columns::<E>(), &self.name, column.to_string());
        let select = format!(r#"SELECT {columns} FROM "{name}" WHERE "{key}""#);
        let mut rows = Vec::new();
        if db.get_database_backend() == DbBackend::Postgres && !values.is_empty() {
            let element = Element::of(column)?;
            let mut arguments = PgArguments::default();
            array::add(&mut arguments, element, &values)?;
            values.clear();
            rows =
                db.query_arrays(format!("{select} = ANY($1::{}[]){lock}", element.name()), arguments).await?;
        }
        while let Some(last) = values.last().cloned() {
            let group = group(values.len());
            // A group is filled up with a repeated value rather than split further: one statement for a few keys.
            let take = values.split_off(values.len().saturating_sub(group));
            let filled: Vec<_> = take.into_iter().chain(std::iter::repeat(last)).take(group).collect();
            let sql = format!("{select} IN ({})", placeholders(group));
            let statement = Statement::from_sql_and_values(db.get_database_backend(), sql, filled);
            rows.append(&mut db.query_all_raw(statement).await?);
        }
        rows.iter().map(|row| E::Model::from_query_result(row, "")).collect()
    }
}

/// The smallest group that holds `count`, or the largest there is.
fn group(count: usize) -> usize {
    GROUPS.into_iter().rev().find(|group| *group >= count).unwrap_or(GROUPS[0])
}

pub(super) fn columns<E: EntityTrait>() -> String {
    let names: Vec<_> = E::Column::iter().map(|column| format!(r#""{}""#, column.to_string())).collect();
    names.join(", ")
}

/// `?, ?, ?` for 3. Without numbers: to SQLite a numbered parameter has a name, and the driver's look-up of names takes
/// time in the square of their number.
pub(super) fn placeholders(count: usize) -> String {
    vec!["?"; count].join(", ")
}
