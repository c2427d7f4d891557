//! The layer that bounds how long a call waits for its answer.
//!
//! A network that swallows everything, or a database server that stands still, answers nothing and refuses nothing, and
//! the driver waits for as long as the kernel does. So the limit is here, once for all calls, and whatever a handler
//! waits for ends with it. Streams are bounded up to their opening.

use std::task::{Context, Poll};
use std::time::Duration;

use futures_util::future::BoxFuture;
use http::{Request, Response};
use ordermesh_proto::common::v1::CommonErrorReason;
use ordermesh_proto::error::Problem;
use tonic::{Code, Status};
use tower::{Layer, Service};

/// Makes [`Patient`].
#[derive(Debug, Clone, Copy)]
pub struct PatienceLayer {
    /// How long a call may take.
    pub limit: Duration,
}

impl<S> Layer<S> for PatienceLayer {
    type Service = Patient<S>;

    fn layer(&self, inner: S) -> Patient<S> {
        Patient { inner, limit: self.limit }
    }
}

/// Refuses calls that `S` does not answer in time.
#[derive(Debug, Clone)]
pub struct Patient<S> {
    inner: S,
    limit: Duration,
}

impl<S, B, R> Service<Request<B>> for Patient<S>
where
    S: Service<Request<B>, Response = Response<R>>,
    S::Future: Send + 'static,
    R: Default,
{
    type Response = Response<R>;
    type Error = S::Error;
    type Future = BoxFuture<'static, Result<Response<R>, S::Error>>;

    fn poll_ready(&mut self, context: &mut Context<'_>) -> Poll<Result<(), S::Error>> {
        self.inner.poll_ready(context)
    }

    fn call(&mut self, request: Request<B>) -> Self::Future {
        let answer = tokio::time::timeout(self.limit, self.inner.call(request));
        Box::pin(async move { answer.await.unwrap_or_else(|_| Ok(Status::from(silent()).into_http())) })
    }
}

fn silent() -> Problem {
    let message = "the database does not answer";
    Problem::new(Code::Unavailable, CommonErrorReason::StoreUnavailable, message)
        .retry_after(Duration::from_millis(500))
}
