//! A log of many events in little time: a thousand orders are really placed, then their events are doubled within the
//! database until there are enough. Keys, hashes and payloads stay real; revisions of a key go on counting.

use sea_orm::{ConnectionTrait, DbBackend, Statement};

use super::database::connect;
use super::load::make_calls;
use super::order::{Placer, deal};
use super::place::order_command;
use super::{BenchError, load};

/// Orders that are really placed at most.
const PLACED: usize = 1000;

/// Fills the empty database at `url` with a log of exactly `events` events. No server runs on it afterwards.
pub(super) async fn make(url: &str, events: u64) -> Result<(), BenchError> {
    let placed = usize::try_from(events).unwrap_or(PLACED).min(PLACED);
    let server = order_command(url).start().await?;
    let placers = deal(&load::connect(&server.url(), 1).await?, 32.min(placed), Placer::new);
    make_calls(placers, placed).await.map_err(|error| server.failed(error.to_string()))?;
    server.stop().await?;
    double(url, placed as i64, i64::try_from(events).unwrap_or(i64::MAX)).await
}

async fn double(url: &str, placed: i64, events: i64) -> Result<(), BenchError> {
    let address =
        url.strip_prefix("sqlite:").map_or_else(|| url.to_owned(), |path| format!("sqlite://{path}"));
    let db = connect(&address).await?;
    let backend = db.get_database_backend();
    let id = match backend {
        DbBackend::Postgres => "gen_random_uuid()",
        _ => "randomblob(16)",
    };
    let sql = format!(
        "INSERT INTO events (position, event_id, kind, schema_version, key, key_revision, key_hash, \
         occurred_time, recorded_time, correlation_id, causation_id, traceparent, payload, personal) \
         SELECT position + $1, {id}, kind, schema_version, key, key_revision + $2, key_hash, \
         occurred_time, recorded_time, correlation_id, causation_id, traceparent, payload, personal \
         FROM events WHERE position <= $3 ORDER BY position"
    );
    let (mut there, mut revisions) = (placed, 1_i64);
    while there < events {
        let more = there.min(events - there);
        let values = [there.into(), revisions.into(), more.into()];
        db.execute_raw(Statement::from_sql_and_values(backend, &*sql, values)).await?;
        (there, revisions) = (there + more, 2 * revisions);
    }
    // Copies of old events must not be older than what stands before them.
    let sql = "UPDATE events SET recorded_time = (SELECT recorded_time FROM log_head) WHERE position > $1";
    db.execute_raw(Statement::from_sql_and_values(backend, sql, [placed.into()])).await?;
    db.execute_raw(Statement::from_sql_and_values(
        backend,
        "UPDATE log_head SET position = $1",
        [there.into()],
    ))
    .await?;
    // What a server in service would have had done long ago.
    db.execute_unprepared(match backend {
        DbBackend::Postgres => "VACUUM (ANALYZE) events",
        _ => "PRAGMA wal_checkpoint(TRUNCATE)",
    })
    .await?;
    db.close().await?;
    Ok(())
}
