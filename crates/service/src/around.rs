//! A tower layer made of what is to become of a call's answer.

use std::task::{Context, Poll};

use futures_util::future::BoxFuture;
use http::{Request, Response};
use tower::{Layer, Service};

/// What becomes of a call's answer.
pub trait Around: Clone {
    /// The answer to the call to `path`, made of the handler's.
    fn answer<R: Default, E>(
        &self,
        path: &str,
        answer: impl Future<Output = Result<Response<R>, E>> + Send + 'static,
    ) -> BoxFuture<'static, Result<Response<R>, E>>;
}

/// Puts `A` around a service.
#[derive(Debug, Clone, Copy)]
pub struct AroundLayer<A>(pub A);

impl<A: Around, S> Layer<S> for AroundLayer<A> {
    type Service = Surrounded<A, S>;

    fn layer(&self, inner: S) -> Surrounded<A, S> {
        Surrounded { around: self.0.clone(), inner }
    }
}

/// `S` with `A` around it.
#[derive(Debug, Clone)]
pub struct Surrounded<A, S> {
    around: A,
    inner: S,
}

impl<A, S, B, R> Service<Request<B>> for Surrounded<A, S>
where
    A: Around,
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
        let path = request.uri().path().to_owned();
        self.around.answer(&path, self.inner.call(request))
    }
}
