//! Which replica of a consumer does the work, when several share a database.
//!
//! A lease only keeps the others from working in vain: that each event has its effect once rests on the checkpoint,
//! which moves only from where it was found, and on the inbox.

use std::time::Duration;

use ordermesh_kernel::{Timestamp, to_micros};
use sea_orm::sea_query::Value;
use sea_orm::{ConnectionTrait, DbErr, Statement};
use uuid::Uuid;

/// Takes the lease of a consumer, or keeps it; false while another holder's runs.
pub(crate) async fn acquire<C: ConnectionTrait>(
    db: &C,
    consumer: &str,
    holder: Uuid,
    now: Timestamp,
    length: Duration,
) -> Result<bool, DbErr> {
    let sql = "INSERT INTO consumer_leases (consumer, holder, epoch, expires_time) VALUES ($1, $2, 1, $3) \
        ON CONFLICT (consumer) DO UPDATE SET \
        epoch = consumer_leases.epoch + CASE WHEN consumer_leases.holder = excluded.holder THEN 0 ELSE 1 END, \
        holder = excluded.holder, expires_time = excluded.expires_time \
        WHERE consumer_leases.holder = excluded.holder OR consumer_leases.expires_time <= $4";
    let values = [consumer.into(), holder.into(), end(now, length).into(), to_micros(now).into()];
    execute(db, sql, values).await.map(|rows| rows > 0)
}

/// Keeps a lease that the holder has had all the time; false when it is another's, or was meanwhile.
pub(crate) async fn renew<C: ConnectionTrait>(
    db: &C,
    consumer: &str,
    holder: Uuid,
    now: Timestamp,
    length: Duration,
) -> Result<bool, DbErr> {
    let sql = "UPDATE consumer_leases SET expires_time = $3 WHERE consumer = $1 AND holder = $2";
    execute(db, sql, [consumer.into(), holder.into(), end(now, length).into()]).await.map(|rows| rows > 0)
}

/// Gives the lease up, so that another replica need not wait until it has run out.
pub(crate) async fn release<C: ConnectionTrait>(db: &C, consumer: &str, holder: Uuid) -> Result<(), DbErr> {
    let sql = "UPDATE consumer_leases SET expires_time = 0 WHERE consumer = $1 AND holder = $2";
    execute(db, sql, [consumer.into(), holder.into()]).await.map(|_| ())
}

/// When a lease ends that begins now.
fn end(now: Timestamp, length: Duration) -> i64 {
    to_micros(now).saturating_add(i64::try_from(length.as_micros()).unwrap_or(i64::MAX))
}

async fn execute<C: ConnectionTrait, const N: usize>(
    db: &C,
    sql: &str,
    values: [Value; N],
) -> Result<u64, DbErr> {
    let statement = Statement::from_sql_and_values(db.get_database_backend(), sql, values);
    db.execute_raw(statement).await.map(|done| done.rows_affected())
}
