//! Which replica of a consumer does the work, when several share a database.
//!
//! A lease only keeps the others from working in vain: that each event has its effect once rests on the checkpoint,
//! which moves only from where it was found, and on the inbox.
//!
//! Of several replicas none can know the others' clocks: a lease of PostgreSQL runs by the database's. SQLite has one process.

use std::time::Duration;

use ordermesh_kernel::{Timestamp, to_micros};
use sea_orm::sea_query::Value;
use sea_orm::{ConnectionTrait, DbBackend, DbErr, Statement};
use uuid::Uuid;

/// Takes the lease of a consumer, or keeps it; false while another holder's runs.
pub(crate) async fn acquire<C: ConnectionTrait>(
    db: &C,
    consumer: &str,
    holder: Uuid,
    now: Timestamp,
    length: Duration,
) -> Result<bool, DbErr> {
    let now = now_in(db, now);
    let sql = format!(
        "INSERT INTO consumer_leases (consumer, holder, epoch, expires_time) VALUES ($1, $2, 1, {now} + $3) \
        ON CONFLICT (consumer) DO UPDATE SET \
        epoch = consumer_leases.epoch + CASE WHEN consumer_leases.holder = excluded.holder THEN 0 ELSE 1 END, \
        holder = excluded.holder, expires_time = excluded.expires_time \
        WHERE consumer_leases.holder = excluded.holder OR consumer_leases.expires_time <= {now}"
    );
    let values = [consumer.into(), holder.into(), micros(length).into()];
    execute(db, &sql, values).await.map(|rows| rows > 0)
}

/// Keeps a lease that the holder has had all the time; false when it is another's, or was meanwhile.
pub(crate) async fn renew<C: ConnectionTrait>(
    db: &C,
    consumer: &str,
    holder: Uuid,
    now: Timestamp,
    length: Duration,
) -> Result<bool, DbErr> {
    let now = now_in(db, now);
    let sql =
        format!("UPDATE consumer_leases SET expires_time = {now} + $3 WHERE consumer = $1 AND holder = $2");
    let values = [consumer.into(), holder.into(), micros(length).into()];
    execute(db, &sql, values).await.map(|rows| rows > 0)
}

/// Gives the lease up, so that another replica need not wait until it has run out.
pub(crate) async fn release<C: ConnectionTrait>(db: &C, consumer: &str, holder: Uuid) -> Result<(), DbErr> {
    let sql = "UPDATE consumer_leases SET expires_time = 0 WHERE consumer = $1 AND holder = $2";
    execute(db, sql, [consumer.into(), holder.into()]).await.map(|_| ())
}

/// Microseconds of a lease; one that is longer than time is as long as a century.
fn micros(length: Duration) -> i64 {
    const CENTURY: i64 = 100 * 366 * 24 * 3600 * 1_000_000;
    i64::try_from(length.as_micros()).unwrap_or(CENTURY).min(CENTURY)
}

/// Now in microseconds since 1970, as an expression of SQL.
fn now_in<C: ConnectionTrait>(db: &C, now: Timestamp) -> String {
    match db.get_database_backend() {
        DbBackend::Postgres => "(EXTRACT(EPOCH FROM clock_timestamp()) * 1000000)::bigint".to_owned(),
        _ => to_micros(now).to_string(),
    }
}

async fn execute<C: ConnectionTrait, const N: usize>(
    db: &C,
    sql: &str,
    values: [Value; N],
) -> Result<u64, DbErr> {
    let statement = Statement::from_sql_and_values(db.get_database_backend(), sql, values);
    db.execute_raw(statement).await.map(|done| done.rows_affected())
}
