//! What a command that is not durable is on the wire, in every context but for the refusals of its own.

use std::fmt::Debug;
use std::time::Duration;

use ordermesh_proto::common::v1::CommonErrorReason;
use ordermesh_proto::error::Problem;
use tonic::Code;

use super::CommitError;

impl<R: Debug> CommitError<R> {
    /// The error as a caller gets it; `refused` is the context's table of what its domain refuses.
    pub fn problem(self, refused: impl FnOnce(&R) -> Problem) -> Problem {
        let message = self.to_string();
        match self {
            Self::Refused(refusal) => refused(&refusal),
            Self::RequestIdReused => {
                Problem::new(Code::FailedPrecondition, CommonErrorReason::RequestIdReused, message)
                    .field("request_id", "was used before with another content")
            }
            Self::Unavailable => {
                Problem::new(Code::Unavailable, CommonErrorReason::StoreUnavailable, message)
                    .retry_after(Duration::from_millis(500))
            }
            Self::ShuttingDown | Self::Overloaded => {
                Problem::new(Code::Unavailable, CommonErrorReason::ServerUnavailable, message)
                    .retry_after(Duration::from_millis(500))
            }
            // The details stand in the server's log.
            Self::Internal(_) => {
                Problem::new(Code::Internal, CommonErrorReason::Internal, "the command could not be written")
            }
        }
    }
}
