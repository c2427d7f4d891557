//! A whole store from one database to another: all tables or nothing, compared before it counts.

use sea_orm::{ConnectionTrait, DatabaseConnection, DbBackend, DbErr};

use super::{Contents, CopyTable, WriteTransaction};

/// Why a store is not copied. But for [`Unfinished`](Self::Unfinished), the target is left empty and the source as it
/// was.
#[derive(Debug, thiserror::Error)]
pub enum CopyError {
    /// The target has rows already.
    #[error("the target holds {rows} rows in {table}; a store is copied into an empty database only")]
    NotEmpty {
        /// The table.
        table: String,
        /// How many.
        rows: u64,
    },
    /// What arrived is not what was sent.
    #[error("{table} arrived with other rows: {} of {} rows", .arrived.rows, .sent.rows)]
    Differs {
        /// The table.
        table: String,
        /// What the source holds.
        sent: Contents,
        /// What the target holds.
        arrived: Contents,
    },
    /// The source is fenced, and the target may hold all or nothing.
    #[error(
        "the source is fenced, but the target's commit was not answered: {0}; if the target holds the rows use it, else \
         run `ordermesh store unfence` on the source and copy again"
    )]
    Unfinished(DbErr),
    /// A database refuses.
    #[error("a database refuses: {0}")]
    Store(#[from] DbErr),
}

/// Is told the table, how many of its rows are copied, and how many there are.
pub type CopyProgress<'a> = &'a (dyn Fn(&str, u64, u64) + Sync);

/// Copies tables into an empty database in one transaction, reads them back, and tells the number of rows. On
/// PostgreSQL nobody else writes the source's tables until the end of `from`.
///
/// `fence` closes the source, and is committed first: a process that dies between the two commits leaves a store that
/// nobody can open until it is unfenced, never two that both take orders.
pub async fn copy_tables(
    from: WriteTransaction,
    to: &DatabaseConnection,
    tables: &[Box<dyn CopyTable>],
    progress: CopyProgress<'_>,
    fence: impl AsyncFnOnce(&WriteTransaction) -> Result<(), DbErr>,
) -> Result<u64, CopyError> {
    let target = match lock(&from, tables).await {
        Ok(()) => WriteTransaction::begin(to).await,
        Err(error) => Err(error),
    };
    let target = match target {
        Ok(target) => target,
        Err(error) => return from.end(Err(error.into())).await,
    };
    let copied = match copy_in(&from, &target, tables, progress).await {
        Ok(rows) => fence(&from).await.map(|()| rows).map_err(CopyError::from),
        Err(error) => Err(error),
    };
    match from.end(copied).await {
        Ok(rows) => target.end(Ok(rows)).await.map_err(CopyError::Unfinished),
        Err(error) => {
            target.undo().await;
            Err(error)
        }
    }
}

async fn lock(from: &WriteTransaction, tables: &[Box<dyn CopyTable>]) -> Result<(), DbErr> {
    if from.get_database_backend() != DbBackend::Postgres {
        // The transaction is SQLite's one writer.
        return Ok(());
    }
    let names: Vec<_> = tables.iter().map(|table| format!(r#""{}""#, table.name())).collect();
    from.execute_unprepared(&format!("LOCK TABLE {} IN EXCLUSIVE MODE", names.join(", "))).await.map(drop)
}

async fn copy_in(
    from: &WriteTransaction,
    to: &WriteTransaction,
    tables: &[Box<dyn CopyTable>],
    progress: CopyProgress<'_>,
) -> Result<u64, CopyError> {
    // All of them first: a refusal after an hour of copying would be a bad joke.
    for table in tables {
        let rows = table.count(to).await?;
        match table.is_filled_by_migrations() {
            true => table.clear(to).await?,
            false if rows > 0 => return Err(CopyError::NotEmpty { table: table.name(), rows }),
            false => {}
        }
    }
    let mut rows = 0;
    for table in tables {
        let (name, total) = (table.name(), table.count(from).await?);
        progress(&name, 0, total);
        let sent = table.copy(from, to, &|done| progress(&name, done, total)).await?;
        let arrived = table.contents(to).await?;
        if arrived != sent || sent.rows != total {
            return Err(CopyError::Differs { table: name, sent, arrived });
        }
        rows += sent.rows;
    }
    Ok(rows)
}
