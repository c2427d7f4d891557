//! PostgreSQL: one pool that writes and one that reads, with the time-outs by which a stuck peer frees what it holds.
//!
//! The session settings travel with the connection's start, so they need a connection to the server itself or a
//! proxy that pools whole sessions.

use std::hash::{BuildHasher, RandomState};
use std::io::ErrorKind;
use std::time::Duration;

use sea_orm::sqlx::postgres::{PgConnectOptions, PgPoolOptions};
use sea_orm::sqlx::{
    self, AssertSqlSafe, ConnectOptions as _, Connection as _, PgConnection, Row as _, raw_sql,
};
use sea_orm::{
    ConnectOptions, ConnectionTrait, DatabaseConnection, DbErr, QueryResult, RuntimeErr, Statement,
};
use sea_orm_migration::MigratorTrait;

use super::offline::patient;
use super::{Database, OpenError, fence, migrations, refuse_fenced};
use crate::config::{DatabaseSettings, MaskedUrl};

/// How long a start waits for a database that is not there yet.
const START_PATIENCE: Duration = Duration::from_secs(30);
/// The advisory lock under which migrations run; any number will do as long as it stays the same.
const MIGRATION_LOCK: i64 = 0x6f72_6465_726d_6573;
/// The advisory lock of tools that have a database for themselves; a server's new connection is refused meanwhile.
const FENCE_LOCK: i64 = 0x6f72_6465_7266_656e;
/// A connection that was idle for so long is tried before it is used: the server may have gone meanwhile.
const TRIED_AFTER: Duration = Duration::from_secs(1);

/// What the connections of servers are called; tools are told apart by another name.
pub(super) const APPLICATION: &str = "ordermesh";
const TOOL: &str = "ordermesh-tool";
const START: &str = "ordermesh-start";

/// One connection of a tool.
pub(super) async fn tool(url: &MaskedUrl, settings: &DatabaseSettings) -> Result<DatabaseConnection, DbErr> {
    pool(Purpose::Tool, url, settings, 1).await
}

/// Keeps servers from starting on a database for as long as a connection is open: they wait where one replica runs the
/// migrations.
async fn lock_out_starts(connection: &DatabaseConnection) -> Result<(), DbErr> {
    lock(connection, MIGRATION_LOCK).await
}

/// Keeps servers from starting and from opening another connection for as long as a connection is open. Those that
/// they have already are to be counted after this.
pub(super) async fn lock_out_servers(connection: &DatabaseConnection) -> Result<(), DbErr> {
    // In this order: a server that starts holds the first lock while its new connections look at the second.
    lock_out_starts(connection).await?;
    lock(connection, FENCE_LOCK).await
}

async fn lock(connection: &DatabaseConnection, number: i64) -> Result<(), DbErr> {
    ask(connection, "SELECT pg_advisory_lock($1)", number).await.map(drop)
}

/// Whether a URL leads to the database of a connection. A host has many names, and a copy of a whole server carries the
/// original's identity; but only in one and the same database is a lock of this connection seen, here one that nobody
/// else would think of.
pub(super) async fn is_same(connection: &DatabaseConnection, url: &MaskedUrl) -> Result<bool, DbErr> {
    const TAKE: &str = "SELECT pg_try_advisory_lock($1) AS taken";
    let token = RandomState::new().hash_one(url.reveal()).cast_signed();
    lock(connection, token).await?;
    let other = tool(url, &patient()).await?;
    let taken = ask(&other, TAKE, token).await?.map_or(Ok(true), |row| row.try_get("", "taken"));
    other.close().await?;
    ask(connection, "SELECT pg_advisory_unlock($1)", token).await?;
    Ok(!taken?)
}

async fn ask(connection: &DatabaseConnection, sql: &str, number: i64) -> Result<Option<QueryResult>, DbErr> {
    let backend = connection.get_database_backend();
    connection.query_one_raw(Statement::from_sql_and_values(backend, sql, [number.into()])).await
}

/// Opens the pools and runs the migrations, one replica at a time.
pub(super) async fn open<M: MigratorTrait>(
    url: &MaskedUrl,
    settings: &DatabaseSettings,
) -> Result<Database, OpenError> {
    let failed = |error| OpenError::Database { url: url.clone(), error };
    // A connection of its own, which no time-out cuts and whose end frees the lock.
    let starting = first_connection(url, settings).await.map_err(failed)?;
    lock_out_starts(&starting).await.map_err(failed)?;
    let opened = start::<M>(&starting, url, settings).await;
    // Only now: a tool that was waiting for the lock counts our connections, and there must be some.
    starting.close().await.map_err(failed)?;
    opened
}

/// What a server does under the lock of starts.
async fn start<M: MigratorTrait>(
    starting: &DatabaseConnection,
    url: &MaskedUrl,
    settings: &DatabaseSettings,
) -> Result<Database, OpenError> {
    let failed = |error| OpenError::Database { url: url.clone(), error };
    refuse_fenced(starting, url).await?;
    migrations::run::<M>(starting, url).await?;
    if let Err(error) = durability(starting).await {
        tracing::warn!(%error, "the database does not tell how durable its commits are");
    }
    let serve = |connections| pool(Purpose::Serve, url, settings, connections);
    let writer = serve(settings.write_connections).await.map_err(failed)?;
    let reader = serve(settings.read_connections).await.map_err(failed)?;
    Ok(Database { writer, reader, lock: None })
}

/// Waits for a database that is still starting.
async fn first_connection(url: &MaskedUrl, settings: &DatabaseSettings) -> Result<DatabaseConnection, DbErr> {
    let patience = tokio::time::Instant::now() + START_PATIENCE;
    loop {
        let error = match pool(Purpose::Start, url, settings, 1).await {
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
    use sqlx::Error;
    let DbErr::Conn(RuntimeErr::SqlxError(error)) = error else { return false };
    match error.as_ref() {
        // A certificate that is not trusted will not be by waiting.
        Error::Io(error) => error.kind() != ErrorKind::InvalidData,
        Error::PoolTimedOut => true,
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
        // What we do not wait for any more must not hold its locks, or wait for those of others.
        ("client_connection_check_interval", "1000".to_owned()),
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

/// What connections are for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Purpose {
    /// To run migrations and be held while the pools open.
    Start,
    /// To serve: calls, tasks, the feed.
    Serve,
    /// To do one thing while servers are away.
    Tool,
}

impl Purpose {
    fn application(self) -> &'static str {
        match self {
            // Not counted among servers: beside a tool that has the first lock it can only wait for that lock.
            Self::Start => START,
            Self::Serve => APPLICATION,
            Self::Tool => TOOL,
        }
    }

    fn session(self, settings: &DatabaseSettings) -> Vec<(&'static str, String)> {
        match self {
            Self::Start => vec![("client_min_messages", "warning".to_owned())],
            Self::Serve | Self::Tool => session(settings),
        }
    }
}

async fn pool(
    purpose: Purpose,
    url: &MaskedUrl,
    settings: &DatabaseSettings,
    connections: u32,
) -> Result<DatabaseConnection, DbErr> {
    let session = purpose.session(settings);
    let patience = Duration::from_millis(settings.connect_timeout_ms);
    // Even when none of them answers there is time for a new one.
    let try_limit = patience / (connections + 1);
    let address = url.reveal().parse::<PgConnectOptions>().map_err(connection_error)?;
    let dressed = move |postgres: PgConnectOptions| {
        postgres.application_name(purpose.application()).options(session.clone()).disable_statement_logging()
    };
    let attempt = dressed(address);
    let mut options = ConnectOptions::new(url.reveal());
    options
        .max_connections(connections)
        // None is kept for its own sake: the pool opens it with a patience of 300 s and holds its place meanwhile, which on a
        // network that swallows everything would be missed.
        .min_connections(0)
        .acquire_timeout(patience)
        .idle_timeout(Some(Duration::from_secs(600)))
        .max_lifetime(None::<Duration>)
        .test_before_acquire(false)
        .map_sqlx_postgres_before_acquire(move |connection, meta| {
            Box::pin(async move {
                if meta.idle_for >= TRIED_AFTER {
                    let answered = tokio::time::timeout(try_limit, connection.ping()).await;
                    answered.unwrap_or(Err(sqlx::Error::PoolTimedOut))?;
                }
                Ok(true)
            })
        })
        .sqlx_logging(false)
        .map_sqlx_postgres_opts(dressed);
    if purpose == Purpose::Serve {
        let url = url.clone();
        options.map_sqlx_postgres_pool_opts(move |pool| guarded(pool, url.clone(), patience));
    }
    match sea_orm::Database::connect(options.clone()).await {
        Err(error) if purpose != Purpose::Serve && timed_out(&error) => {
            reached(&attempt, patience).await?;
            sea_orm::Database::connect(options).await
        }
        connected => connected,
    }
}

/// Where nothing listens, or the server is still starting, the pool tries again until its time is over, and says no more
/// than that. A connection outside of it tells why there is none.
async fn reached(attempt: &PgConnectOptions, patience: Duration) -> Result<(), DbErr> {
    let silent = || std::io::Error::new(ErrorKind::TimedOut, format!("no answer within {patience:?}"));
    let connected = tokio::time::timeout(patience, attempt.connect()).await;
    let connected = connected.unwrap_or_else(|_| Err(silent().into()));
    connected.map_err(connection_error)?.close().await.map_err(connection_error)
}

fn connection_error(error: sqlx::Error) -> DbErr {
    DbErr::Conn(RuntimeErr::SqlxError(error.into()))
}

fn timed_out(error: &DbErr) -> bool {
    let DbErr::Conn(RuntimeErr::SqlxError(error)) = error else { return false };
    matches!(error.as_ref(), sqlx::Error::PoolTimedOut)
}

/// A pool whose connections are looked at when they are new.
fn guarded(pool: PgPoolOptions, url: MaskedUrl, patience: Duration) -> PgPoolOptions {
    pool.after_connect(move |connection, _| {
        let url = url.clone();
        Box::pin(async move {
            let admitted = tokio::time::timeout(patience, admit(connection, &url)).await;
            admitted.unwrap_or_else(|_| Err(sqlx::Error::PoolTimedOut))
        })
    })
}

/// Lets a new connection of a server in, unless a tool has the database for itself or has fenced it: a server that was
/// cut off while nobody could count its connections must not go on after a copy.
async fn admit(connection: &mut PgConnection, url: &MaskedUrl) -> Result<(), sqlx::Error> {
    let refused = |error: OpenError| Err(sqlx::Error::Configuration(Box::new(error)));
    // Two statements in one round trip: the second sees what a tool has committed before it gave the lock back.
    let look = format!(
        "SELECT pg_try_advisory_xact_lock_shared({FENCE_LOCK}); SELECT to_regclass('{}') IS NULL",
        fence::TABLE
    );
    let rows = raw_sql(AssertSqlSafe(look)).fetch_all(&mut *connection).await?;
    let [free, open] = &rows[..] else { return Err(sqlx::Error::RowNotFound) };
    if !free.try_get::<bool, _>(0)? {
        return refused(OpenError::ToolRuns(url.clone()));
    }
    if open.try_get(0)? {
        return Ok(());
    }
    let find = format!("SELECT copied_to, fenced_time FROM {}", fence::TABLE);
    let fence = raw_sql(AssertSqlSafe(find)).fetch_optional(connection).await?;
    let Some(fence) = fence else { return Ok(()) };
    let fence =
        fence::Fence { copied_to: fence.try_get("copied_to")?, fenced_time: fence.try_get("fenced_time")? };
    refused(OpenError::Fenced { url: url.clone(), fence })
}
