//! Rows of several tables, written together.
//!
//! PostgreSQL takes them in one statement: a part a table, each column an array, so that a transaction's rows cost one
//! round trip whatever their number and the statement has few texts. SQLite, which has no arrays and no round
//! trips, gets them table by table.

use sea_orm::sea_query::Value;
use sea_orm::sqlx::postgres::PgArguments;
use sea_orm::{
    ActiveModelTrait, ActiveValue, DbBackend, DbErr, EntityTrait, IntoActiveModel, Iterable, Statement,
};

use super::array::{self, Element, StoreConnection};
use super::table::{GROUPS, Table, placeholders};

/// What is to be written, in order.
#[derive(Debug, Default)]
pub struct Writes {
    parts: Vec<Part>,
}

/// The rows of one table.
#[derive(Debug)]
pub(super) struct Part {
    /// `INSERT INTO "t" ("a", "b") `.
    head: String,
    /// ` ON CONFLICT …`, or nothing.
    conflict: String,
    columns: Vec<Column>,
    rows: usize,
}

/// The values of one column, one a row.
#[derive(Debug)]
struct Column {
    element: Element,
    values: Vec<Value>,
}

impl Writes {
    /// Rows to insert. One whose key is there already fails the whole.
    pub fn insert<E: EntityTrait>(&mut self, table: &Table<E>, rows: Vec<E::Model>) -> Result<(), DbErr>
    where
        E::Model: IntoActiveModel<E::ActiveModel>,
        E::ActiveModel: ActiveModelTrait<Entity = E>,
    {
        self.add(table, rows, String::new())
    }

    /// Rows to insert, or to put in the place of those with the same primary key.
    pub fn upsert<E: EntityTrait>(&mut self, table: &Table<E>, rows: Vec<E::Model>) -> Result<(), DbErr>
    where
        E::Model: IntoActiveModel<E::ActiveModel>,
        E::ActiveModel: ActiveModelTrait<Entity = E>,
    {
        self.add(table, rows, table.replace_on_conflict())
    }

    fn add<E: EntityTrait>(
        &mut self,
        table: &Table<E>,
        rows: Vec<E::Model>,
        conflict: String,
    ) -> Result<(), DbErr>
    where
        E::Model: IntoActiveModel<E::ActiveModel>,
        E::ActiveModel: ActiveModelTrait<Entity = E>,
    {
        if !rows.is_empty() {
            self.parts.push(Part::new(table, rows, conflict)?);
        }
        Ok(())
    }

    /// Writes everything.
    pub async fn run<C: StoreConnection>(self, db: &C) -> Result<(), DbErr> {
        match db.get_database_backend() {
            DbBackend::Postgres if self.parts.is_empty() => Ok(()),
            DbBackend::Postgres => self.run_at_once(db).await,
            _ => self.run_by_table(db).await,
        }
    }

    async fn run_at_once<C: StoreConnection>(self, db: &C) -> Result<(), DbErr> {
        let mut arrays = Arrays::default();
        let mut inserts = Vec::with_capacity(self.parts.len());
        for part in &self.parts {
            inserts.push(part.array_insert(&mut arrays, "", |_, value| value)?);
        }
        // PostgreSQL runs the main statement first, then the others from the last to the first. In this order they run in ours,
        // so that what is claimed is claimed before anything else is written.
        let mut inserts = inserts.into_iter();
        let first = inserts.next().unwrap_or_default();
        let later: Vec<_> =
            inserts.rev().enumerate().map(|(number, insert)| format!("w{number} AS ({insert})")).collect();
        let sql = match later.is_empty() {
            true => first,
            false => format!("WITH {} {first}", later.join(", ")),
        };
        db.query_arrays(sql, arrays.arguments).await.map(drop)
    }

    async fn run_by_table<C: StoreConnection>(self, db: &C) -> Result<(), DbErr> {
        for part in self.parts {
            part.run_in_groups(db).await?;
        }
        Ok(())
    }
}

/// Parameters of a statement over arrays, counted.
#[derive(Default)]
pub(super) struct Arrays {
    pub arguments: PgArguments,
    pub count: usize,
}

impl Part {
    pub fn new<E: EntityTrait>(table: &Table<E>, rows: Vec<E::Model>, conflict: String) -> Result<Self, DbErr>
    where
        E::Model: IntoActiveModel<E::ActiveModel>,
        E::ActiveModel: ActiveModelTrait<Entity = E>,
    {
        let count = rows.len();
        let mut columns = E::Column::iter()
            .map(|column| Ok(Column { element: Element::of(column)?, values: Vec::with_capacity(count) }))
            .collect::<Result<Vec<_>, DbErr>>()?;
        for row in rows {
            let mut row = row.into_active_model();
            for (column, to) in E::Column::iter().zip(&mut columns) {
                match row.take(column) {
                    ActiveValue::Set(value) | ActiveValue::Unchanged(value) => to.values.push(value),
                    ActiveValue::NotSet => return Err(DbErr::Type("a row without a value".to_owned())),
                }
            }
        }
        Ok(Self { head: table.insert_head(), conflict, columns, rows: count })
    }

    /// The statement, its arrays added to those already in `arrays`. `from` names other tables to select from, each
    /// followed by a comma; `selected` makes of a column's index and its value what is written.
    pub fn array_insert(
        &self,
        arrays: &mut Arrays,
        from: &str,
        selected: impl Fn(usize, String) -> String,
    ) -> Result<String, DbErr> {
        let (mut unnested, mut names, mut values) = (Vec::new(), Vec::new(), Vec::new());
        for (index, column) in self.columns.iter().enumerate() {
            array::add(&mut arrays.arguments, column.element, &column.values)?;
            arrays.count += 1;
            unnested.push(format!("${}::{}[]", arrays.count, column.element.name()));
            names.push(format!("c{index}"));
            values.push(selected(index, format!("c{index}")));
        }
        let (head, conflict, values) = (&self.head, &self.conflict, values.join(", "));
        let (unnested, names) = (unnested.join(", "), names.join(", "));
        Ok(format!("{head}SELECT {values} FROM {from}unnest({unnested}) AS rows({names}){conflict}"))
    }

    pub async fn run_in_groups<C: StoreConnection>(self, db: &C) -> Result<(), DbErr> {
        let tuple = format!("({})", placeholders(self.columns.len()));
        let mut columns: Vec<_> = self.columns.into_iter().map(|column| column.values.into_iter()).collect();
        let mut rest = self.rows;
        while rest > 0 {
            let group = GROUPS.into_iter().find(|group| *group <= rest).unwrap_or(1);
            rest -= group;
            let sql = format!("{}VALUES {}{}", self.head, vec![&*tuple; group].join(", "), self.conflict);
            let mut values = Vec::with_capacity(group * columns.len());
            for _ in 0..group {
                values.extend(columns.iter_mut().filter_map(Iterator::next));
            }
            db.execute_raw(Statement::from_sql_and_values(db.get_database_backend(), sql, values)).await?;
        }
        Ok(())
    }
}
