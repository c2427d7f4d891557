//! The layer that gives every error its ErrorInfo.
//!
//! A handler's refusal has one already. What is left comes from below the handlers: a message over the size
//! limit, an unknown method, a passed deadline. They are rewritten here to the contract's shape.

use std::time::Duration;

use futures_util::future::BoxFuture;
use http::Response;
use ordermesh_proto::common::v1::CommonErrorReason;
use ordermesh_proto::error::Problem;
use tonic::{Code, Status};

use crate::around::Around;

/// Rewrites bare error statuses.
#[derive(Debug, Clone, Copy)]
pub struct Rescue {
    /// Size of the largest request in bytes, to tell a caller that exceeds it.
    pub max_request_bytes: usize,
}

impl Around for Rescue {
    fn answer<R: Default, E>(
        &self,
        path: &str,
        answer: impl Future<Output = Result<Response<R>, E>> + Send + 'static,
    ) -> BoxFuture<'static, Result<Response<R>, E>> {
        // Health has an error of its own protocol, which its clients know by the code alone.
        if path.starts_with("/grpc.health.") {
            return Box::pin(answer);
        }
        let max_request_bytes = self.max_request_bytes;
        Box::pin(async move { Ok(rescue(answer.await?, max_request_bytes)) })
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
