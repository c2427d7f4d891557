//! PostgreSQL's arrays: a column of many rows, or many keys, as one parameter.
//!
//! Values go straight into the driver's buffer. The query builder's own arrays are copied three times on their way there,
//! and hold no NULL.

use async_trait::async_trait;
use sea_orm::sea_query::{ColumnType, Value};
use sea_orm::sqlx::encode::IsNull;
use sea_orm::sqlx::error::BoxDynError;
use sea_orm::sqlx::postgres::{PgArgumentBuffer, PgArguments, PgTypeInfo};
use sea_orm::sqlx::{Arguments, AssertSqlSafe, Encode, Executor, IntoArguments, Postgres, Type, query_with};
use sea_orm::{ColumnTrait, ConnectionTrait, DatabaseConnection, DbBackend, DbErr, QueryResult, RuntimeErr};

/// A connection, or a transaction, that takes arrays where it is PostgreSQL's.
#[async_trait]
pub trait StoreConnection: ConnectionTrait {
    /// Runs a statement over arrays, and tells what it returns. An error on another database than PostgreSQL.
    async fn query_arrays(&self, sql: String, arrays: PgArguments) -> Result<Vec<QueryResult>, DbErr>;
}

#[async_trait]
impl StoreConnection for DatabaseConnection {
    async fn query_arrays(&self, sql: String, arrays: PgArguments) -> Result<Vec<QueryResult>, DbErr> {
        if self.get_database_backend() != DbBackend::Postgres {
            return Err(no_arrays());
        }
        fetch(self.get_postgres_connection_pool(), sql, arrays).await
    }
}

/// What a statement returns, as sea-orm has it.
pub(super) async fn fetch<'c, A: IntoArguments<Postgres> + Send>(
    connection: impl Executor<'c, Database = Postgres>,
    sql: String,
    arguments: A,
) -> Result<Vec<QueryResult>, DbErr> {
    let rows = query_with(AssertSqlSafe(sql), arguments).fetch_all(connection).await.map_err(query_failed)?;
    Ok(rows.into_iter().map(QueryResult::from).collect())
}

/// An error of the driver as sea-orm has it.
pub(crate) fn query_failed(error: sea_orm::sqlx::Error) -> DbErr {
    DbErr::Query(RuntimeErr::SqlxError(error.into()))
}

/// Array statements are PostgreSQL's.
pub(super) fn no_arrays() -> DbErr {
    DbErr::Type("a statement over arrays on a database that has none".to_owned())
}

/// What an array of a column's values is made of.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Element {
    Bool,
    Int4,
    Int8,
    Text,
    Uuid,
    Bytea,
}

impl Element {
    pub fn of(column: impl ColumnTrait) -> Result<Self, DbErr> {
        Ok(match column.def().get_column_type() {
            ColumnType::Boolean => Self::Bool,
            ColumnType::Integer => Self::Int4,
            ColumnType::BigInteger => Self::Int8,
            ColumnType::String(_) | ColumnType::Text => Self::Text,
            ColumnType::Uuid => Self::Uuid,
            ColumnType::Blob | ColumnType::VarBinary(_) | ColumnType::Binary(_) => Self::Bytea,
            other => {
                let name = column.to_string();
                return Err(DbErr::Type(format!("no array of {other:?}, the type of column {name}")));
            }
        })
    }

    /// Its name in SQL.
    pub fn name(self) -> &'static str {
        match self {
            Self::Bool => "bool",
            Self::Int4 => "int4",
            Self::Int8 => "int8",
            Self::Text => "text",
            Self::Uuid => "uuid",
            Self::Bytea => "bytea",
        }
    }

    /// Its number in PostgreSQL's catalogue, the same in every installation.
    fn oid(self) -> u32 {
        match self {
            Self::Bool => 16,
            Self::Bytea => 17,
            Self::Int8 => 20,
            Self::Int4 => 23,
            Self::Text => 25,
            Self::Uuid => 2950,
        }
    }

    fn array(self) -> PgTypeInfo {
        match self {
            Self::Bool => <Vec<bool> as Type<Postgres>>::type_info(),
            Self::Int4 => <Vec<i32> as Type<Postgres>>::type_info(),
            Self::Int8 => <Vec<i64> as Type<Postgres>>::type_info(),
            Self::Text => <Vec<String> as Type<Postgres>>::type_info(),
            Self::Uuid => <Vec<uuid::Uuid> as Type<Postgres>>::type_info(),
            Self::Bytea => <Vec<Vec<u8>> as Type<Postgres>>::type_info(),
        }
    }
}

/// Adds an array to a statement's parameters.
pub(super) fn add(arguments: &mut PgArguments, element: Element, values: &[Value]) -> Result<(), DbErr> {
    let added = arguments.add(Array { element, values });
    added.map_err(|error| query_failed(sea_orm::sqlx::Error::Encode(error)))
}

struct Array<'a> {
    element: Element,
    values: &'a [Value],
}

impl Type<Postgres> for Array<'_> {
    fn type_info() -> PgTypeInfo {
        // `produces` tells the type of each one.
        Element::Text.array()
    }
}

impl<'a> Encode<'a, Postgres> for Array<'_> {
    fn produces(&self) -> Option<PgTypeInfo> {
        Some(self.element.array())
    }

    /// PostgreSQL's binary form: dimensions, a flag for NULLs, the element's type, length and lower bound, then each
    /// value behind its length in bytes, which is -1 for NULL.
    fn encode_by_ref(&self, buffer: &mut PgArgumentBuffer) -> Result<IsNull, BoxDynError> {
        let length = i32::try_from(self.values.len())?;
        for number in [1, 1, self.element.oid().cast_signed(), length, 1] {
            buffer.extend_from_slice(&number.to_be_bytes());
        }
        for value in self.values {
            put(self.element, value, buffer)?;
        }
        Ok(IsNull::No)
    }
}

fn put(element: Element, value: &Value, buffer: &mut PgArgumentBuffer) -> Result<(), BoxDynError> {
    let mut field = |bytes: &[u8]| -> Result<(), BoxDynError> {
        buffer.extend_from_slice(&i32::try_from(bytes.len())?.to_be_bytes());
        buffer.extend_from_slice(bytes);
        Ok(())
    };
    match (element, value) {
        (Element::Bool, Value::Bool(Some(value))) => field(&[u8::from(*value)]),
        (Element::Int4, Value::Int(Some(value))) => field(&value.to_be_bytes()),
        (Element::Int8, Value::BigInt(Some(value))) => field(&value.to_be_bytes()),
        (Element::Text, Value::String(Some(value))) => field(value.as_bytes()),
        (Element::Uuid, Value::Uuid(Some(value))) => field(value.as_bytes()),
        (Element::Bytea, Value::Bytes(Some(value))) => field(value),
        (
            _,
            Value::Bool(None)
            | Value::Int(None)
            | Value::BigInt(None)
            | Value::String(None)
            | Value::Uuid(None)
            | Value::Bytes(None),
        ) => {
            buffer.extend_from_slice(&(-1_i32).to_be_bytes());
            Ok(())
        }
        (element, value) => Err(format!("{value:?} is no {}", element.name()).into()),
    }
}
