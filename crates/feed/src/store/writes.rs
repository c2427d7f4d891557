//! Rows of several tables, written together.
//!
//! PostgreSQL takes them in one statement: a part a table, each column an array, so that a transaction's rows cost one
//! round trip whatever their number and the statement has few texts. SQLite, which has no arrays and no round
//! trips, gets them table by table.

use sea_orm::sea_query::{ArrayType, Value};
use sea_orm::{
    ActiveModelTrait, ActiveValue, ColumnTrait, ConnectionTrait, DbBackend, DbErr, EntityTrait,
    IntoActiveModel, Iterable, Statement,
};

use super::table::{Element, GROUPS, Table, placeholders};

/// What is to be written, in order.
#[derive(Debug, Default)]
pub struct Writes {
    parts: Vec<Part>,
}

/// The rows of one table.
#[derive(Debug)]
struct Part {
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
    nullable: bool,
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
        if rows.is_empty() {
            return Ok(());
        }
        let count = rows.len();
        let mut columns = E::Column::iter()
            .map(|column| {
                let values = Vec::with_capacity(count);
                Ok(Column { element: Element::of(column)?, nullable: column.def().is_null(), values })
            })
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
        self.parts.push(Part { head: table.insert_head(), conflict, columns, rows: count });
        Ok(())
    }

    /// Writes everything.
    pub async fn run<C: ConnectionTrait>(self, db: &C) -> Result<(), DbErr> {
        match db.get_database_backend() {
            DbBackend::Postgres if self.parts.is_empty() => Ok(()),
            DbBackend::Postgres => self.run_at_once(db).await,
            _ => self.run_by_table(db).await,
        }
    }

    async fn run_at_once<C: ConnectionTrait>(self, db: &C) -> Result<(), DbErr> {
        let mut values = Vec::new();
        let mut parts: Vec<_> =
            self.parts.into_iter().map(|part| part.into_array_insert(&mut values)).collect();
        let last = parts.pop().unwrap_or_default();
        let others: Vec<_> =
            parts.iter().enumerate().map(|(number, part)| format!("w{number} AS ({part})")).collect();
        let sql = match others.is_empty() {
            true => last,
            false => format!("WITH {} {last}", others.join(", ")),
        };
        db.execute_raw(Statement::from_sql_and_values(DbBackend::Postgres, sql, values)).await?;
        Ok(())
    }

    async fn run_by_table<C: ConnectionTrait>(self, db: &C) -> Result<(), DbErr> {
        for part in self.parts {
            part.run_in_groups(db).await?;
        }
        Ok(())
    }
}

impl Part {
    /// The statement, its parameters numbered after those already in `values`, to which its own are added.
    fn into_array_insert(self, values: &mut Vec<Value>) -> String {
        let (mut arrays, mut names, mut selected) = (Vec::new(), Vec::new(), Vec::new());
        for (index, column) in self.columns.into_iter().enumerate() {
            let Column { element, nullable, values: column } = column;
            let (array, name) = (element.array.clone(), element.name);
            arrays.push(format!("${}::{name}[]", values.len() + 1));
            names.push(format!("c{index}"));
            if !nullable {
                selected.push(format!("c{index}"));
                values.push(Value::Array(array, Some(Box::new(column))));
                continue;
            }
            // The driver's arrays hold no NULL: a second array tells where one belongs.
            arrays.push(format!("${}::bool[]", values.len() + 2));
            names.push(format!("n{index}"));
            selected.push(format!("CASE WHEN n{index} THEN NULL ELSE c{index} END"));
            let nulls = column.iter().map(|value| Value::from(!value.is_some())).collect();
            let filled = column.into_iter().map(|value| element.or_zero(value)).collect();
            values.push(Value::Array(array, Some(Box::new(filled))));
            values.push(Value::Array(ArrayType::Bool, Some(Box::new(nulls))));
        }
        format!(
            "{}SELECT {} FROM unnest({}) AS rows({}){}",
            self.head,
            selected.join(", "),
            arrays.join(", "),
            names.join(", "),
            self.conflict
        )
    }

    async fn run_in_groups<C: ConnectionTrait>(self, db: &C) -> Result<(), DbErr> {
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
