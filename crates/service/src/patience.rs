//! The layer that bounds how long a call waits for its answer.
//!
//! A network that swallows everything, or a database server that stands still, answers nothing and refuses nothing, and
//! the driver waits for as long as the kernel does. So the limit is here, once for all calls, and whatever a handler
//! waits for ends with it. Streams are bounded up to their opening.

use std::time::Duration;

use futures_util::future::BoxFuture;
use http::Response;
use ordermesh_proto::common::v1::CommonErrorReason;
use ordermesh_proto::error::Problem;
use tonic::{Code, Status};

use crate::around::Around;

/// Refuses calls that are not answered in time.
#[derive(Debug, Clone, Copy)]
pub struct Patience {
    /// How long a call may take.
    pub limit: Duration,
}

impl Around for Patience {
    fn answer<R: Default, E>(
        &self,
        _: &str,
        answer: impl Future<Output = Result<Response<R>, E>> + Send + 'static,
    ) -> BoxFuture<'static, Result<Response<R>, E>> {
        let answer = tokio::time::timeout(self.limit, answer);
        Box::pin(async move { answer.await.unwrap_or_else(|_| Ok(Status::from(silent()).into_http())) })
    }
}

fn silent() -> Problem {
    let message = "the database does not answer";
    Problem::new(Code::Unavailable, CommonErrorReason::StoreUnavailable, message)
        .retry_after(Duration::from_millis(500))
}
