//! PostgreSQL: one pool that writes and one that reads, with the time-outs by which a stuck peer frees what it holds.
//!
//! The session settings travel with the connection's start, so they need a connection to the server itself or a
//! proxy that pools whole sessions.

use std::time::Duration;

use sea_orm::sqlx::ConnectOptions as _;
use sea_orm::{ConnectOptions, ConnectionTrait, DatabaseConnection, DbErr, Statement};
use sea_orm_migration::MigratorTrait;

use super::{Database, OpenError, refuse_fenced};
use crate::config::{DatabaseSettings, MaskedUrl};

/// How long a start waits for a database that is not there yet.
const START_PATIENCE: Duration = Duration::from_secs(30);
/// The advisory lock under which migrations run; any number will do as long as it stays the same.
const MIGRATION_LOCK: i64 = 0x6f72_6465_726d_6573;
/// A connection that was idle for so long is tried before it is used: the server may have gone meanwhile.
const TRIED_AFTER: Duration = Duration::from_secs(1);

/// What the connections of servers are called; tools are told apart by another name.
pub(super) const APPLICATION: &str = "ordermesh";
const TOOL: &str = "ordermesh-tool";

/// One connection of a tool.
pub(super) async fn tool(url: &MaskedUrl, settings: &DatabaseSettings) -> Result<DatabaseConnection, DbErr> {
    named(TOOL, url, settings, 1, session(settings)).await
}

/// Keeps servers from starting on a database for as long as a connection is open: they wait where one replica runs the
/// migrations.
pub(super) async fn lock_out_starts(connection: &DatabaseConnection) -> Result<(), DbErr> {
    let lock = Statement::from_sql_and_values(
        connection.get_database_backend(),
        "SELECT pg_advisory_lock($1)",
        [MIGRATION_LOCK.into()],
    );
    connection.query_one_raw(lock).await.map(drop)
}

/// Opens the pools and runs the migrations, one replica at a time.
pub(super) async fn open<M: MigratorTrait>(
    url: &MaskedUrl,
    settings: &DatabaseSettings,
) -> Result<Database, OpenError> {
    let failed = |error| OpenError::Database { url: url.clone(), error };
    migrate::<M>(url, settings).await?;
    let timeouts = session(settings);
    let writer =
        connect(url, settings, settings.write_connections, timeouts.clone()).await.map_err(failed)?;
    let reader = connect(url, settings, settings.read_connections, timeouts).await.map_err(failed)?;
    Ok(Database { writer, reader, _lock: None })
}

/// Runs the migrations on a connection of their own, which no time-out cuts and whose end frees the lock.
async fn migrate<M: MigratorTrait>(url: &MaskedUrl, settings: &DatabaseSettings) -> Result<(), OpenError> {
    let failed = |error| OpenError::Database { url: url.clone(), error };
    let connection = first_connection(url, settings).await.map_err(failed)?;
    lock_out_starts(&connection).await.map_err(failed)?;
    let migrated = match refuse_fenced(&connection, url).await {
        Ok(()) => M::up(&connection, None).await.map_err(failed),
        Err(fenced) => Err(fenced),
    };
    if let Err(error) = durability(&connection).await {
        tracing::warn!(%error, "the database does not tell how durable its commits are");
    }
    connection.close().await.map_err(failed)?;
    migrated
}

/// Waits for a database that is still starting.
async fn first_connection(url: &MaskedUrl, settings: &DatabaseSettings) -> Result<DatabaseConnection, DbErr> {
    let patience = tokio::time::Instant::now() + START_PATIENCE;
    loop {
        let error = match connect(url, settings, 1, vec![("client_min_messages", "warning".to_owned())]).await
        {
            Ok(connection) => return Ok(connection),
            Err(error) => error,
        };
        if !may_pass(&error) || tokio::time::Instant::now() >= patience {
            return Err(error);
        }
        tracing::warn!(%error, "the database cannot be reached yet");
        tokio::time::sleep(Duration::from_millis(500)).await;
    }
}

/// Says loudly when the server would forget commits that it has answered.
async fn durability(connection: &DatabaseConnection) -> Result<(), DbErr> {
    let sql = "SELECT name FROM pg_settings WHERE setting = 'off' AND name IN ('fsync', 'full_page_writes')";
    let statement = Statement::from_string(connection.get_database_backend(), sql);
    for row in connection.query_all_raw(statement).await? {
        let setting: String = row.try_get("", "name")?;
        tracing::error!(
            setting,
            "the database server has this off: a power cut can lose acknowledged orders"
        );
    }
    Ok(())
}

/// True for a server that is away or starting; false for one that answers no.
fn may_pass(error: &DbErr) -> bool {
    use sea_orm::sqlx::Error;
    let DbErr::Conn(sea_orm::RuntimeErr::SqlxError(error)) = error else { return false };
    match error.as_ref() {
        Error::Io(_) | Error::PoolTimedOut => true,
        // 57P03: starting up or shutting down. 53300: too many connections.
        Error::Database(error) => error.code().is_some_and(|code| code == "57P03" || code == "53300"),
        _ => false,
    }
}

/// The session settings of the pools. A replica that freezes in the middle of a transaction holds its locks no longer
/// than `idle_in_transaction_session_timeout`; one whose machine is gone, no longer than the keepalives take.
fn session(settings: &DatabaseSettings) -> Vec<(&'static str, String)> {
    vec![
        ("statement_timeout", settings.statement_timeout_ms.to_string()),
        ("idle_in_transaction_session_timeout", settings.idle_in_transaction_timeout_ms.to_string()),
        ("tcp_keepalives_idle", "5".to_owned()),
        ("tcp_keepalives_interval", "2".to_owned()),
        ("tcp_keepalives_count", "3".to_owned()),
        ("tcp_user_timeout", "15000".to_owned()),
        // What a commit promises must not hang on the server's default.
        ("synchronous_commit", "on".to_owned()),
        ("default_transaction_isolation", "read committed".to_owned()),
        // Statements over arrays would be planned anew at every execution, which costs more than they do.
        ("plan_cache_mode", "force_generic_plan".to_owned()),
        // Such a plan may have been made while a table was empty, and is kept while it grows: it must not read all of it.
        ("enable_seqscan", "off".to_owned()),
        ("jit", "off".to_owned()),
        ("client_min_messages", "warning".to_owned()),
    ]
}

async fn connect(
    url: &MaskedUrl,
    settings: &DatabaseSettings,
    connections: u32,
    session: Vec<(&'static str, String)>,
) -> Result<DatabaseConnection, DbErr> {
    named(APPLICATION, url, settings, connections, session).await
}

async fn named(
    name: &'static str,
    url: &MaskedUrl,
    settings: &DatabaseSettings,
    connections: u32,
    session: Vec<(&'static str, String)>,
) -> Result<DatabaseConnection, DbErr> {
    let mut options = ConnectOptions::new(url.reveal());
    options
        .max_connections(connections)
        .min_connections(1)
        .acquire_timeout(Duration::from_millis(settings.connect_timeout_ms))
        .idle_timeout(Some(Duration::from_secs(600)))
        .max_lifetime(None::<Duration>)
        .test_before_acquire_if_idle_for(TRIED_AFTER)
        .sqlx_logging(false)
        .map_sqlx_postgres_opts(move |postgres| {
            postgres.application_name(name).options(session.clone()).disable_statement_logging()
        });
    sea_orm::Database::connect(options).await
}
