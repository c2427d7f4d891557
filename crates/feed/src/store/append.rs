//! The last step of a commit: the head moves, and the events get the positions that it has passed.
//!
//! The head's row lock lives from here to the commit. On PostgreSQL both are one statement, so that no round trip lies
//! within it.

use sea_orm::sqlx::Arguments;
use sea_orm::{ConnectionTrait, DbBackend, DbErr, EntityName, FromQueryResult, Iterable, Statement};

use super::array::{StoreConnection, query_failed};
use super::writes::{Arrays, Part};
use super::{Table, WriteTransaction, event, log_head};

/// Where a log stands after its head has moved.
#[derive(Debug, FromQueryResult)]
pub(crate) struct Head {
    /// Position of the newest event.
    pub position: i64,
    /// When it was recorded.
    pub recorded_time: i64,
}

/// Appends events. Their positions are counted from 1 on and become those after the head; their time becomes the head's,
/// which is `now`, and never goes back, whatever the clock does.
pub(crate) async fn append(tx: &WriteTransaction, now: i64, rows: Vec<event::Model>) -> Result<Head, DbErr> {
    let head = match tx.get_database_backend() {
        DbBackend::Postgres => at_once(tx, now, rows).await?,
        _ => step_by_step(tx, now, rows).await?,
    };
    head.ok_or_else(|| DbErr::RecordNotFound("log_head has no row".to_owned()))
}

/// `WHERE` and what follows are the same for both databases; so are the parameters, count and time.
fn advance() -> String {
    format!(
        "UPDATE {} SET position = position + $1, \
         recorded_time = CASE WHEN recorded_time > $2 THEN recorded_time ELSE $2 END \
         WHERE id = 1 RETURNING position, recorded_time",
        log_head::Entity.table_name()
    )
}

async fn at_once(tx: &WriteTransaction, now: i64, rows: Vec<event::Model>) -> Result<Option<Head>, DbErr> {
    let mut arrays = Arrays::default();
    for number in [rows.len() as i64, now] {
        let added = arrays.arguments.add(number);
        added.map_err(|error| query_failed(sea_orm::sqlx::Error::Encode(error)))?;
        arrays.count += 1;
    }
    let part = Part::new(&Table::<event::Entity>::default(), rows, String::new())?;
    let columns: Vec<_> = event::Column::iter().collect();
    let insert = part.array_insert(&mut arrays, "head, ", |index, value| match columns[index] {
        event::Column::Position => format!("head.position - $1 + {value}"),
        event::Column::RecordedTime => "head.recorded_time".to_owned(),
        _ => value,
    })?;
    let sql = format!(
        "WITH head AS ({}), written AS ({insert}) SELECT position, recorded_time FROM head",
        advance()
    );
    let rows = tx.query_arrays(sql, arrays.arguments).await?;
    rows.first().map(|row| Head::from_query_result(row, "")).transpose()
}

async fn step_by_step(
    tx: &WriteTransaction,
    now: i64,
    mut rows: Vec<event::Model>,
) -> Result<Option<Head>, DbErr> {
    let count = rows.len() as i64;
    let backend = tx.get_database_backend();
    let statement = Statement::from_sql_and_values(backend, advance(), [count.into(), now.into()]);
    let Some(row) = tx.query_one_raw(statement).await? else { return Ok(None) };
    let head = Head::from_query_result(&row, "")?;
    for row in &mut rows {
        row.position += head.position - count;
        row.recorded_time = head.recorded_time;
    }
    Table::<event::Entity>::default().insert(tx, &rows).await?;
    Ok(Some(head))
}
