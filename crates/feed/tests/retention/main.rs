//! Archives, truncation and pruning of a log, on SQLite and on PostgreSQL.
#![expect(clippy::unwrap_used, reason = "in a test a panic is the failure")]

mod archives;
mod pruning;
mod truncating;
