//! Why a consumer does not go on.

use ordermesh_proto::error::{Reason, reason_of};
use ordermesh_proto::feed::v1::FeedErrorReason;
use sea_orm::DbErr;
use tonic::Status;
use uuid::Uuid;

use super::HandlerError;

/// Why a consumer's run over the feed ends before the feed does.
#[derive(Debug, thiserror::Error)]
pub(crate) enum ConsumeError {
    // Only the reason or code: the message of a connection that fails tells addresses, which stay in our log.
    #[error("the feed cannot be read now ({})", reason_of(.0).unwrap_or_else(|| format!("{:?}", .0.code())))]
    Feed(Box<Status>),
    #[error(transparent)]
    Handler(#[from] HandlerError),
    #[error("the feed {feed} is not {checkpoint}, which the checkpoint is of")]
    Diverged { feed: Uuid, checkpoint: Uuid },
    #[error("the feed went from {checkpoint} to {position}: events are missing")]
    Gap { checkpoint: i64, position: i64 },
    #[error("the feed broke its contract: {0}")]
    Contract(&'static str),
    #[error("the handler refused event {position} of {key:?}, which it was not given")]
    StrangeEvent { position: i64, key: String },
    #[error("the parking is full: {keys} keys with {bytes} bytes of events wait to be replayed or discarded")]
    ParkingFull { keys: u64, bytes: u64 },
    #[error("an event of {key:?} would be parked, although nothing stops that key")]
    NotStopped { key: String },
    #[error("another replica was faster")]
    Superseded,
}

impl ConsumeError {
    /// The feed is not the history that the checkpoint is of.
    pub(crate) fn is_divergence(&self) -> bool {
        match self {
            Self::Diverged { .. } => true,
            Self::Feed(status) => {
                reason_of(status).is_some_and(|reason| reason == FeedErrorReason::FeedDiverged.reason())
            }
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
