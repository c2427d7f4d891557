//! The layer that gives every error its ErrorInfo.
//!
//! A handler's refusal has one already. What is left comes from below the handlers: a message over the size
//! limit, an unknown method, a passed deadline. They are rewritten here to the contract's shape.

use std::task::{Context, Poll};
use std::time::Duration;

use futures_util::future::{BoxFuture, FutureExt};
use http::{Request, Response};
use ordermesh_proto::common::v1::CommonErrorReason;
use ordermesh_proto::error::Problem;
use tonic::{Code, Status};
use tower::{Layer, Service};

/// Makes [`Rescue`].
#[derive(Debug, Clone, Copy)]
pub struct RescueLayer {
    /// Size of the largest request in bytes, to tell a caller that exceeds it.
    pub max_request_bytes: usize,
}

impl<S> Layer<S> for RescueLayer {
    type Service = Rescue<S>;

    fn layer(&self, inner: S) -> Rescue<S> {
        Rescue { inner, max_request_bytes: self.max_request_bytes }
    }
}

/// Rewrites bare error statuses of `S`.
#[derive(Debug, Clone)]
pub struct Rescue<S> {
    inner: S,
    max_request_bytes: usize,
}

impl<S, B, R> Service<Request<B>> for Rescue<S>
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
        let max_request_bytes = self.max_request_bytes;
        // Health has an error of its own protocol, which its clients know by the code alone.
        let as_it_is = request.uri().path().starts_with("/grpc.health.");
        let answer = self.inner.call(request);
        answer
            .map(move |response| match response? {
                response if as_it_is => Ok(response),
                response => Ok(rescue(response, max_request_bytes)),
            })
            .boxed()
    }
}

fn rescue<R: Default>(response: Response<R>, max_request_bytes: usize) -> Response<R> {
    // Only a call that failed before its first message has its status among the headers.
    match Status::from_header_map(response.headers()) {
        Some(status) if status.code() != Code::Ok && status.details().is_empty() => {
            Status::from(problem(&status, max_request_bytes)).into_http()
        }
        _ => response,
    }
}

fn problem(status: &Status, max_request_bytes: usize) -> Problem {
    use CommonErrorReason::{
        DeadlineExceeded, Internal, MalformedMessage, MessageTooLarge, ServerUnavailable, UnknownMethod,
    };
    let message = status.message();
    match status.code() {
        Code::OutOfRange => Problem::new(
            Code::ResourceExhausted,
            MessageTooLarge,
            format!("the message is larger than the {max_request_bytes} bytes that this server takes"),
        )
        .with("limit_bytes", max_request_bytes),
        Code::Unimplemented if message.is_empty() => {
            Problem::new(Code::Unimplemented, UnknownMethod, "this server has no such method")
        }
        // tonic answers a passed grpc-timeout with CANCELLED.
        Code::Cancelled | Code::DeadlineExceeded => Problem::new(
            Code::DeadlineExceeded,
            DeadlineExceeded,
            "the deadline passed before the answer was there",
        ),
        Code::Unavailable => Problem::new(Code::Unavailable, ServerUnavailable, message)
            .retry_after(Duration::from_millis(500)),
        // Framing and compression that we do not take: the bytes are the caller's.
        Code::Unimplemented | Code::InvalidArgument => Problem::invalid(MalformedMessage, message),
        Code::Internal
            if ["protocol error", "decod", "EOF", "Missing request message"]
                .iter()
                .any(|fault| message.contains(fault)) =>
        {
            Problem::invalid(MalformedMessage, message)
        }
        code => {
            tracing::error!(?code, message, "an error without a reason");
            Problem::new(Code::Internal, Internal, "the server failed; its log says why")
        }
    }
}
