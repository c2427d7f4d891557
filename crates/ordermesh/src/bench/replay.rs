//! `bench replay`: a subscriber reads a log from its first event to its last through the server, beside a raw scan of
//! the same table: pages by keyset, all columns, in this process.

use std::time::Instant;

use sea_orm::DbBackend;
use sea_orm::sqlx::{self, Database, Executor, IntoArguments, Pool};
use uuid::Uuid;

use super::database::connect;
use super::load::Measured;
use super::place::order_command;
use super::report::{Report, Series};
use super::subscriber::{Pace, Subscriber};
use super::usage::{Meter, peak_megabytes};
use super::{Bench, BenchError, Repeats, history};

/// Events a page of the raw scan.
const PAGE: i64 = 5000;
const SCAN: &str = "SELECT position, event_id, kind, schema_version, key, key_revision, key_hash, occurred_time, \
     recorded_time, correlation_id, causation_id, traceparent, payload, personal FROM events \
     WHERE position > $1 ORDER BY position LIMIT $2";

type Row =
    (i64, Uuid, String, i32, String, i64, i64, i64, i64, String, String, String, Vec<u8>, Option<Vec<u8>>);

/// Runs it over `events` events.
pub(super) async fn run(repeats: &Repeats, events: u64, bench: &Bench) -> Result<Report, BenchError> {
    let url = bench.databases.fresh().await?;
    bench.steps(1 + 2 * repeats.runs);
    bench.step(&format!("making {events} events"));
    history::make(&url, events).await?;
    let load = format!("{events} events");
    let mut series = Series::default();
    for _ in 0..repeats.runs {
        bench.step("raw scan");
        series.add(&load, "raw scan", scan(&url, bench, events).await?);
        bench.step("ordermesh");
        series.add(&load, "ordermesh", replay(&url, bench, events).await?);
    }
    let rows = series.rows("events", "ordermesh")?;
    let mut report = Report::new("replay", bench.databases.description(), repeats.runs, rows);
    report.remarks.push(format!(
        "raw scan: keyset pages of {PAGE}, all columns, one connection, in the client's process: its server is none"
    ));
    Ok(report)
}

/// Reads the whole log through a server that has just started.
async fn replay(url: &str, bench: &Bench, events: u64) -> Result<Measured, BenchError> {
    let server = order_command(url).start().await?;
    let meter = Meter { server: server.pid(), postmaster: bench.databases.postmaster() };
    let (before, begin) = (meter.read(), Instant::now());
    let subscriber = Subscriber::open(&server.url(), Pace::Replay).await?;
    let count = subscriber.run().await.map_err(|error| server.failed(error.to_string()))?;
    let seconds = begin.elapsed().as_secs_f64();
    let spent = meter.read().since(before);
    let peak = peak_megabytes(server.pid());
    server.stop().await?;
    complete(count, events)?;
    Ok(Measured { count, seconds, latency: None, spent, peak })
}

fn complete(count: u64, events: u64) -> Result<(), BenchError> {
    match count == events {
        true => Ok(()),
        false => Err(BenchError::Other(format!("{count} of {events} events were read"))),
    }
}

async fn scan(url: &str, bench: &Bench, events: u64) -> Result<Measured, BenchError> {
    let address =
        url.strip_prefix("sqlite:").map_or_else(|| url.to_owned(), |path| format!("sqlite://{path}"));
    let db = connect(&address).await?;
    let own = std::process::id();
    let meter = Meter { server: own, postmaster: bench.databases.postmaster() };
    let (before, begin) = (meter.read(), Instant::now());
    let count = match db.get_database_backend() {
        DbBackend::Postgres => pages(db.get_postgres_connection_pool()).await,
        _ => pages(db.get_sqlite_connection_pool()).await,
    };
    let count = count.map_err(|error| BenchError::Other(error.to_string()))?;
    let seconds = begin.elapsed().as_secs_f64();
    let mut spent = meter.read().since(before);
    // There is no server between the table and this process.
    spent.server = 0;
    db.close().await?;
    complete(count, events)?;
    Ok(Measured { count, seconds, latency: None, spent, peak: None })
}

/// Reads the table page by page, every column of every row.
async fn pages<D: Database>(pool: &Pool<D>) -> Result<u64, sqlx::Error>
where
    Row: for<'r> sqlx::FromRow<'r, D::Row>,
    for<'c> &'c Pool<D>: Executor<'c, Database = D>,
    D::Arguments: IntoArguments<D>,
    i64: for<'q> sqlx::Encode<'q, D> + sqlx::Type<D>,
{
    let (mut count, mut position) = (0, 0);
    loop {
        let rows: Vec<Row> = sqlx::query_as(SCAN).bind(position).bind(PAGE).fetch_all(pool).await?;
        let Some(last) = rows.last() else { return Ok(count) };
        position = last.0;
        count += std::hint::black_box(&rows).len() as u64;
    }
}
