//! Why a consumer does not go on.

use std::time::Duration;

use ordermesh_proto::error::{Reason, reason_of};
use ordermesh_proto::feed::v1::FeedErrorReason;
use sea_orm::DbErr;
use sea_orm::RuntimeErr::SqlxError;
use sea_orm::sqlx::Error;
use sea_orm::sqlx::postgres::PgDatabaseError;
use tonic::Status;
use uuid::Uuid;

use super::HandlerError;

/// Why a consumer's run over the feed ends before the feed does.
#[derive(Debug, thiserror::Error)]
pub(crate) enum ConsumeError {
    // Only the reason or code: the message of a connection that fails tells addresses, which stay in our log.
    #[error("{} ({})", refusal(.0), reason_of(.0).unwrap_or_else(|| format!("{:?}", .0.code())))]
    Feed(Box<Status>),
    #[error(transparent)]
    Handler(#[from] HandlerError),
    #[error("the feed {feed} is not {checkpoint}, which the checkpoint is of")]
    Diverged { feed: Uuid, checkpoint: Uuid },
    #[error("the feed went from {checkpoint} to {position}: events are missing")]
    Gap { checkpoint: i64, position: i64 },
    #[error("the feed has said nothing for {0:?}")]
    Silent(Duration),
    #[error("the feed broke its contract: {0}")]
    Contract(&'static str),
    #[error("the handler refused event {position} of {key:?}, which it was not given")]
    StrangeEvent { position: i64, key: String },
    #[error("the parking is full: {keys} keys with {bytes} bytes of events wait to be replayed or discarded")]
    ParkingFull { keys: u64, bytes: u64 },
    #[error("an event of {key:?} would be parked, although nothing stops that key")]
    NotStopped { key: String },
    #[error("{projection} is being rebuilt already")]
    Rebuilding { projection: &'static str },
    #[error("another replica was faster")]
    Superseded,
}

impl ConsumeError {
    /// The feed is not the history that the checkpoint is of.
    pub(crate) fn is_divergence(&self) -> bool {
        match self {
            Self::Diverged { .. } => true,
            Self::Feed(status) => is_refused(status, FeedErrorReason::FeedDiverged),
            _ => false,
        }
    }

    /// The database does not take what the handler writes, and never will: a constraint or a value out of range. Not
    /// when a table or a right is missing, which is no event's fault.
    pub(crate) fn blames_data(&self) -> bool {
        match self {
            Self::Handler(HandlerError::Store(
                DbErr::Exec(SqlxError(error)) | DbErr::Query(SqlxError(error)),
            )) => is_refused_data(error),
            _ => false,
        }
    }

    /// All that is known, for our own log.
    pub(crate) fn detail(&self) -> String {
        match self {
            Self::Feed(status) => format!("{self}: {}", status.message()),
            other => other.to_string(),
        }
    }
}

/// What a refusal of the feed is about: one that waiting does not change, or any other.
fn refusal(status: &Status) -> &'static str {
    if is_refused(status, FeedErrorReason::FeedDiverged) {
        "the feed is another history than this was made from"
    } else if is_refused(status, FeedErrorReason::PositionTruncated) {
        "the feed no longer holds the next event"
    } else {
        "the feed cannot be read now"
    }
}

fn is_refused(status: &Status, reason: FeedErrorReason) -> bool {
    reason_of(status).is_some_and(|told| told == reason.reason())
}

/// On PostgreSQL the classes of data exceptions and of constraints. A key that is taken is among them: all writes of a
/// consumer come one after the other. On SQLite too large 18, constraint 19, mismatch 20.
fn is_refused_data(error: &Error) -> bool {
    let Error::Database(error) = error else { return false };
    let Some(code) = error.code() else { return false };
    match error.try_downcast_ref::<PgDatabaseError>() {
        Some(_) => code.starts_with("22") || code.starts_with("23"),
        None => code.parse::<u32>().is_ok_and(|code| matches!(code & 0xff, 18..=20)),
    }
}

impl From<Status> for ConsumeError {
    fn from(status: Status) -> Self {
        Self::Feed(Box::new(status))
    }
}

impl From<DbErr> for ConsumeError {
    fn from(error: DbErr) -> Self {
        Self::Handler(HandlerError::Store(error))
    }
}
