//! Which database a test runs on: `ORDERMESH_TEST_BACKEND` is `sqlite`, as without it, or `postgres`.
//!
//! With PostgreSQL every data directory stands for databases of its own on the server of `ORDERMESH_POSTGRES`, which
//! `scripts/postgres` sets, one a context. A path such as `DATA/order-command.db` names the same thing on both.

use std::collections::HashMap;
use std::path::{Path, PathBuf};
use std::sync::{LazyLock, Mutex, PoisonError};

use sea_orm::{ConnectOptions, ConnectionTrait, Database, DatabaseConnection, DbErr};
use uuid::Uuid;

/// The contexts that have databases, by the names of their servers.
const CONTEXTS: [&str; 4] = ["order-command", "order-query", "inventory", "payment"];
/// The server that `scripts/postgres` brings up.
const SERVER: &str = "ORDERMESH_POSTGRES";

/// A kind of database.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Backend {
    /// A file.
    Sqlite,
    /// A database of a server.
    Postgres,
}

impl Backend {
    /// The one that this run is for.
    pub fn of_this_run() -> Self {
        match std::env::var("ORDERMESH_TEST_BACKEND").as_deref() {
            Err(_) | Ok("" | "sqlite") => Self::Sqlite,
            Ok("postgres") => Self::Postgres,
            Ok(other) => panic!("ORDERMESH_TEST_BACKEND is {other:?} instead of sqlite or postgres"),
        }
    }

    /// True, with a line that says so, when this run is not on SQLite: for tests of what only its files have.
    pub fn skips(why_only_sqlite: &str) -> bool {
        let skips = Self::of_this_run() != Self::Sqlite;
        if skips {
            eprintln!("skipped on PostgreSQL: {why_only_sqlite}");
        }
        skips
    }

    /// True, with a line that says so, when this run is not on PostgreSQL: for tests of what only a server has.
    pub fn needs_postgres(why: &str) -> bool {
        let skips = Self::of_this_run() != Self::Postgres;
        if skips {
            eprintln!("skipped on SQLite: {why}");
        }
        skips
    }
}

/// The server's URL, such as `postgres://ordermesh@127.0.0.1:5432/postgres`.
pub fn server() -> String {
    std::env::var(SERVER).unwrap_or_else(|_| panic!("{SERVER} is not set: run the test by scripts/postgres"))
}

/// The URL of another database of a server.
pub fn with_name(server: &str, name: &str) -> String {
    let (start, _) = server.rsplit_once('/').expect("a URL of a database has its name at the end");
    format!("{start}/{name}")
}

/// Makes a database on a server and gives its URL.
pub async fn create_database(server: &str, name: &str) -> String {
    let connection =
        connect(server).await.unwrap_or_else(|error| panic!("no PostgreSQL at {server}: {error}"));
    let create = format!(r#"CREATE DATABASE "{name}""#);
    connection.execute_unprepared(&create).await.unwrap_or_else(|error| panic!("{create}: {error}"));
    connection.close().await.expect("a connection can be closed");
    with_name(server, name)
}

/// A fresh name for a database that says what it is for.
pub fn fresh_name(what: &str) -> String {
    format!("{}_{}", what.replace('-', "_"), Uuid::now_v7().simple())
}

/// The URL of a new database in `directory` for a context such as `order-command`, on this run's backend.
pub async fn fresh_url(directory: &Path, context: &str) -> String {
    match Backend::of_this_run() {
        Backend::Sqlite => format!("sqlite:{}", directory.join(format!("{context}.db")).display()),
        Backend::Postgres => create_database(&server(), &fresh_name(context)).await,
    }
}

/// One connection to a database of this run by its file's path, such as `DATA/order-command.db`.
pub async fn open(file: &Path) -> Result<DatabaseConnection, DbErr> {
    match Backend::of_this_run() {
        Backend::Sqlite => connect(&format!("sqlite://{}?mode=rw", file.display())).await,
        Backend::Postgres => {
            let (data, context) = (file.parent().expect("a file is in a folder"), file.file_stem());
            let context = context.and_then(|name| name.to_str()).expect("a context's file has its name");
            connect(&url(data, context)).await
        }
    }
}

/// One connection to the database at a URL.
pub async fn connect(url: &str) -> Result<DatabaseConnection, DbErr> {
    Database::connect(ConnectOptions::new(url).max_connections(1).sqlx_logging(false).clone()).await
}

/// The variables by which a server with this data directory finds its databases; they are made for the first one.
/// None with SQLite.
pub(crate) async fn variables(data: &Path) -> Vec<(String, String)> {
    if Backend::of_this_run() == Backend::Sqlite {
        return Vec::new();
    }
    let mut variables = Vec::new();
    for context in CONTEXTS {
        if claim(data, context) {
            create_database(&server(), &name(data, context)).await;
        }
        let section = context.replace('-', "_").to_uppercase();
        variables.push((format!("ORDERMESH_{section}__DATABASE_URL"), url(data, context)));
    }
    variables
}

/// The URL of the database that a server such as `order-command` with this data directory uses; with PostgreSQL it is
/// made for the first one who asks.
pub async fn database_url(data: &Path, context: &str) -> String {
    if Backend::of_this_run() == Backend::Sqlite {
        return format!("sqlite:{}", data.join(format!("{context}.db")).display());
    }
    if claim(data, context) {
        create_database(&server(), &name(data, context)).await;
    }
    url(data, context)
}

/// The databases' names by directory and context, and whether they were made.
type Names = HashMap<(PathBuf, String), (String, bool)>;

static NAMES: LazyLock<Mutex<Names>> = LazyLock::new(Mutex::default);

fn url(data: &Path, context: &str) -> String {
    with_name(&server(), &name(data, context))
}

fn name(data: &Path, context: &str) -> String {
    entry(data, context, |(name, _)| name.clone())
}

/// True for the first one who asks.
fn claim(data: &Path, context: &str) -> bool {
    entry(data, context, |(_, made)| !std::mem::replace(made, true))
}

fn entry<T>(data: &Path, context: &str, what: impl FnOnce(&mut (String, bool)) -> T) -> T {
    let mut names = NAMES.lock().unwrap_or_else(PoisonError::into_inner);
    what(names.entry((data.to_owned(), context.to_owned())).or_insert_with(|| (fresh_name(context), false)))
}

/// Copies a database that nobody uses over another one, both named by their files. A server that has ended leaves all of
/// its SQLite database in the one file.
pub async fn copy(data: &Path, from: &str, to: &str) {
    if Backend::of_this_run() == Backend::Sqlite {
        let wal = data.join(format!("{from}.db-wal"));
        assert!(!wal.exists(), "a server that ended leaves no write-ahead log");
        std::fs::copy(data.join(format!("{from}.db")), data.join(format!("{to}.db")))
            .expect("the file can be copied");
        return;
    }
    copy_on_server((data, from), (data, to)).await;
}

/// Copies all databases of a data directory that nobody uses into a new one.
pub async fn copy_all(from: &Path, to: &Path) {
    std::fs::create_dir(to).expect("the copy's directory is new");
    if Backend::of_this_run() == Backend::Postgres {
        for context in CONTEXTS {
            copy_on_server((from, context), (to, context)).await;
        }
        return;
    }
    for entry in std::fs::read_dir(from).expect("the directory can be read") {
        let entry = entry.expect("the directory can be read");
        std::fs::copy(entry.path(), to.join(entry.file_name())).expect("the file can be copied");
    }
}

/// From and to are a directory and a name each.
async fn copy_on_server(from: (&Path, &str), to: (&Path, &str)) {
    claim(to.0, to.1);
    let (from, to) = (name(from.0, from.1), name(to.0, to.1));
    let server = connect(&server()).await.unwrap_or_else(|error| panic!("no PostgreSQL: {error}"));
    let drop = format!(r#"DROP DATABASE IF EXISTS "{to}" WITH (FORCE)"#);
    for sql in [drop, format!(r#"CREATE DATABASE "{to}" TEMPLATE "{from}""#)] {
        server.execute_unprepared(&sql).await.unwrap_or_else(|error| panic!("{sql}: {error}"));
    }
    server.close().await.expect("a connection can be closed");
}
