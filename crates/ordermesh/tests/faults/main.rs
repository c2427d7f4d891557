//! What goes wrong around replicas on PostgreSQL, one fault a test: who is not at fault does not notice.
//!
//! `ORDERMESH_SOAK_SECONDS` sets how long a fault lasts where that matters.

#![expect(clippy::unwrap_used, reason = "a test may panic, and its helpers too")]

mod database_away;
mod exchanged;
mod fenced;
mod frozen_replica;
mod full_disk;
mod load;
mod notices;
mod restored;
mod silent;
mod stalled_transaction;

use std::time::Duration;

use ordermesh_testkit::{Backend, Launch, Postgres, Server};

const BINARY: &str = env!("CARGO_BIN_EXE_ordermesh");

/// True when there is no PostgreSQL in this run.
fn not_here() -> bool {
    Backend::needs_postgres("the fault is one of a database server")
}

fn seconds(default: u64) -> Duration {
    let seconds = std::env::var("ORDERMESH_SOAK_SECONDS").map_or(default, |value| value.parse().unwrap());
    Duration::from_secs(seconds)
}

/// A server of PostgreSQL, the URL of a database there, and so many replicas of order-command on it.
async fn replicas(count: usize, change: impl Fn(Launch) -> Launch) -> (Postgres, String, Vec<Server>) {
    let postgres = Postgres::start().await;
    let database = postgres.database("order-command").await;
    let mut replicas = Vec::new();
    for _ in 0..count {
        replicas.push(change(Launch::replica(BINARY, &database)).start().await);
    }
    (postgres, database, replicas)
}
