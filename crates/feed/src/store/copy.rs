//! Copies whole tables from one database to another, whatever the two are, in pages by primary key.
//!
//! A context lists its tables once, in its `store::tables()`. A sum over the rows, independent of their order, tells
//! whether what arrived is what was sent: databases sort texts differently.

use async_trait::async_trait;
use sea_orm::sea_query::Iden;
use sea_orm::{
    ActiveModelTrait, ConnectionTrait, DbErr, EntityTrait, FromQueryResult, IntoActiveModel, Iterable,
    ModelTrait, PrimaryKeyToColumn, Statement,
};
use sha2::{Digest, Sha256};

use super::lease_entity::consumer_lease;
use super::{
    Table, WriteTransaction, checkpoint, consumer_group, event, group_delivery, group_member, group_slot,
    idempotency, inbox, log_head, parked_event, parked_key, parked_work, subscriber,
};

/// Rows read at once.
const PAGE_ROWS: usize = 500;

/// What a table holds: how many rows, and a sum over them that does not depend on their order.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Contents {
    /// Number of rows.
    pub rows: u64,
    /// Sum of the rows' hashes.
    pub sum: u128,
}

/// A table that can be copied.
#[async_trait]
pub trait CopyTable: Send + Sync {
    /// Its name.
    fn name(&self) -> String;
    /// Migrations write rows into it; a copy replaces them.
    fn is_filled_by_migrations(&self) -> bool;
    /// Number of its rows.
    async fn count(&self, db: &WriteTransaction) -> Result<u64, DbErr>;
    /// Deletes its rows.
    async fn clear(&self, db: &WriteTransaction) -> Result<(), DbErr>;
    /// Copies all rows to the same, empty table of another database; `progress` is told the number of rows so far.
    async fn copy(
        &self,
        from: &WriteTransaction,
        to: &WriteTransaction,
        progress: &(dyn Fn(u64) + Sync),
    ) -> Result<Contents, DbErr>;
    /// Reads all rows.
    async fn contents(&self, db: &WriteTransaction) -> Result<Contents, DbErr>;
}

/// The table of entity `E`.
#[derive(Debug, Clone)]
pub struct Copied<E> {
    table: Table<E>,
    filled_by_migrations: bool,
}

impl<E: EntityTrait> Copied<E>
where
    E::Model: ModelTrait<Entity = E> + IntoActiveModel<E::ActiveModel> + Sync,
    E::ActiveModel: ActiveModelTrait<Entity = E> + Send,
{
    /// A table that is empty in a new database.
    pub fn table() -> Box<dyn CopyTable> {
        Box::new(Self { table: Table::default(), filled_by_migrations: false })
    }

    /// A table that has rows in a new database, of which the copy is to keep none.
    pub fn replaced() -> Box<dyn CopyTable> {
        Box::new(Self { table: Table::default(), filled_by_migrations: true })
    }

    /// The next rows in the order of the primary key.
    async fn page(&self, db: &WriteTransaction, last: Option<&E::Model>) -> Result<Vec<E::Model>, DbErr> {
        let key: Vec<E::Column> = E::PrimaryKey::iter().map(|key| key.into_column()).collect();
        let names: Vec<_> = key.iter().map(|column| format!(r#""{}""#, column.to_string())).collect();
        let names = names.join(", ");
        let columns: Vec<_> =
            E::Column::iter().map(|column| format!(r#""{}""#, column.to_string())).collect();
        let (condition, values) = match last {
            None => (String::new(), Vec::new()),
            Some(last) => {
                let places: Vec<_> = (1..=key.len()).map(|number| format!("${number}")).collect();
                let condition = format!("WHERE ({names}) > ({})", places.join(", "));
                (condition, key.iter().map(|column| last.get(*column)).collect())
            }
        };
        let sql = format!(
            r#"SELECT {} FROM "{}" {condition} ORDER BY {names} LIMIT {PAGE_ROWS}"#,
            columns.join(", "),
            self.table.name()
        );
        let statement = Statement::from_sql_and_values(db.get_database_backend(), sql, values);
        let rows = db.query_all_raw(statement).await?;
        rows.iter().map(|row| E::Model::from_query_result(row, "")).collect()
    }
}

impl Contents {
    fn add<M: ModelTrait>(&mut self, row: &M) {
        let values: Vec<_> =
            <M::Entity as EntityTrait>::Column::iter().map(|column| row.get(column)).collect();
        let digest = Sha256::digest(format!("{values:?}"));
        let hash = digest[..16].iter().fold(0_u128, |hash, byte| hash << 8 | u128::from(*byte));
        self.rows += 1;
        self.sum = self.sum.wrapping_add(hash);
    }
}

#[async_trait]
impl<E: EntityTrait> CopyTable for Copied<E>
where
    E::Model: ModelTrait<Entity = E> + IntoActiveModel<E::ActiveModel> + Sync,
    E::ActiveModel: ActiveModelTrait<Entity = E> + Send,
{
    fn name(&self) -> String {
        self.table.name().to_owned()
    }

    fn is_filled_by_migrations(&self) -> bool {
        self.filled_by_migrations
    }

    async fn count(&self, db: &WriteTransaction) -> Result<u64, DbErr> {
        let sql = format!(r#"SELECT COUNT(*) AS rows FROM "{}""#, self.table.name());
        let row = db.query_one_raw(Statement::from_string(db.get_database_backend(), sql)).await?;
        let row = row.ok_or_else(|| DbErr::RecordNotFound(self.name()))?;
        Ok(row.try_get::<i64>("", "rows")?.unsigned_abs())
    }

    async fn clear(&self, db: &WriteTransaction) -> Result<(), DbErr> {
        db.execute_unprepared(&format!(r#"DELETE FROM "{}""#, self.table.name())).await.map(drop)
    }

    async fn copy(
        &self,
        from: &WriteTransaction,
        to: &WriteTransaction,
        progress: &(dyn Fn(u64) + Sync),
    ) -> Result<Contents, DbErr> {
        let mut contents = Contents::default();
        let mut rows = self.page(from, None).await?;
        while let Some(last) = rows.last() {
            self.table.insert(to, &rows).await?;
            rows.iter().for_each(|row| contents.add(row));
            progress(contents.rows);
            rows = self.page(from, Some(last)).await?;
        }
        Ok(contents)
    }

    async fn contents(&self, db: &WriteTransaction) -> Result<Contents, DbErr> {
        let mut contents = Contents::default();
        let mut rows = self.page(db, None).await?;
        while let Some(last) = rows.last() {
            rows.iter().for_each(|row| contents.add(row));
            rows = self.page(db, Some(last)).await?;
        }
        Ok(contents)
    }
}

/// The tables of a log and of the consumer groups that follow it.
pub fn log_tables() -> Vec<Box<dyn CopyTable>> {
    vec![
        Copied::<log_head::Entity>::table(),
        Copied::<event::Entity>::table(),
        Copied::<idempotency::Entity>::table(),
        Copied::<consumer_group::Entity>::table(),
        Copied::<group_member::Entity>::table(),
        Copied::<group_slot::Entity>::table(),
        Copied::<group_delivery::Entity>::table(),
        Copied::<subscriber::Entity>::table(),
    ]
}

/// The tables of consumers, their parking among them.
pub fn consumer_tables() -> Vec<Box<dyn CopyTable>> {
    let mut tables = parking_tables();
    tables.extend([
        Copied::<checkpoint::Entity>::table(),
        Copied::<inbox::Entity>::table(),
        Copied::<consumer_lease::Entity>::table(),
        Copied::<parked_work::Entity>::table(),
    ]);
    tables
}

/// The tables of the parking.
pub fn parking_tables() -> Vec<Box<dyn CopyTable>> {
    vec![Copied::<parked_key::Entity>::table(), Copied::<parked_event::Entity>::table()]
}
