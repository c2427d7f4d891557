//! What is served over plain HTTP, beside gRPC: routes that contexts add, such as a provider's webhooks, and `/health`.
//!
//! One listener a process (`server.http_listen`), none unless it is set. It ends like the gRPC server: on shutdown
//! `/health` says 503, no new connection is taken, and running requests end within the grace.
//!
//! Whoever reaches it need not be a friend: connections are limited in number and in time, and so are requests, so that
//! nobody holds anything for long by being slow.

use std::io;
use std::pin::pin;
use std::sync::Arc;
use std::time::Duration;

use axum::Router;
use axum::extract::{DefaultBodyLimit, Request};
use axum::middleware::{Next, from_fn};
use axum::response::{IntoResponse, Response};
use axum::routing::get;
use http::StatusCode;
use hyper_util::rt::{TokioExecutor, TokioIo, TokioTimer};
use hyper_util::server::conn::auto;
use hyper_util::service::TowerToHyperService;
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::{OwnedSemaphorePermit, Semaphore};
use tokio_util::sync::CancellationToken;
use tokio_util::task::TaskTracker;

use crate::environment::Environment;

/// What clients may take of this process.
#[derive(Debug, Clone, Copy)]
struct Bounds {
    /// Connections at once; more wait in the system's queue.
    connections: usize,
    /// How long the head of a request may take, and how long a connection may stand idle.
    head: Duration,
    /// Bytes of a head.
    head_bytes: usize,
    /// How long a request may take from the end of its head to its answer.
    request: Duration,
    /// How long a connection lives. Who sends requests and does not read the answers is rid of only by that.
    life: Duration,
}

const BOUNDS: Bounds = Bounds {
    connections: 256,
    head: Duration::from_secs(10),
    head_bytes: 64 << 10,
    request: Duration::from_secs(30),
    life: Duration::from_secs(300),
};

/// The pause after a connection that could not be accepted.
const PAUSE: Duration = Duration::from_millis(50);

/// Serves the routes until the shutdown, and what is running then to its end.
pub(crate) async fn serve(environment: Environment, listener: TcpListener, routes: Router) -> io::Result<()> {
    let shutdown = environment.shutdown.clone();
    let ends = shutdown.clone();
    let health = move || {
        let healthy = !ends.is_cancelled();
        async move { if healthy { StatusCode::OK } else { StatusCode::SERVICE_UNAVAILABLE } }
    };
    let limit = DefaultBodyLimit::max(environment.settings.server.max_request_bytes);
    serve_within(BOUNDS, listener, routes.route("/health", get(health)).layer(limit), shutdown).await;
    Ok(())
}

async fn serve_within(bounds: Bounds, listener: TcpListener, routes: Router, shutdown: CancellationToken) {
    let routes = routes.layer(from_fn(move |request, next| in_time(bounds.request, request, next)));
    let places = Arc::new(Semaphore::new(bounds.connections));
    let connections = TaskTracker::new();
    while let Some((socket, place)) = shutdown.run_until_cancelled(accept(&listener, &places)).await {
        let (routes, shutdown) = (routes.clone(), shutdown.clone());
        connections.spawn(async move {
            converse(bounds, socket, routes, shutdown).await;
            drop(place);
        });
    }
    drop(listener);
    connections.close();
    connections.wait().await;
}

/// The next connection, once there is a place for it.
async fn accept(
    listener: &TcpListener,
    places: &Arc<Semaphore>,
) -> (TcpStream, Option<OwnedSemaphorePermit>) {
    // The semaphore is never closed.
    let place = places.clone().acquire_owned().await.ok();
    loop {
        match listener.accept().await {
            Ok((socket, _)) => return (socket, place),
            Err(error) => {
                // Out of file descriptors, say: asking again at once would only burn the processor.
                tracing::warn!(%error, "a connection could not be accepted");
                tokio::time::sleep(PAUSE).await;
            }
        }
    }
}

/// One connection, to its end.
async fn converse(bounds: Bounds, socket: TcpStream, routes: Router, shutdown: CancellationToken) {
    // A socket that is closed already refuses; its connection ends by itself.
    drop(socket.set_nodelay(true));
    // HTTP/1 alone: to find out which one a client speaks, its first bytes would be waited for without any limit.
    let mut server = auto::Builder::new(TokioExecutor::new()).http1_only();
    server.http1().timer(TokioTimer::new()).header_read_timeout(bounds.head).max_buf_size(bounds.head_bytes);
    let connection = server.serve_connection(TokioIo::new(socket), TowerToHyperService::new(routes));
    let mut connection = pin!(connection);
    tokio::select! {
        // How a client's connection ends is the client's business.
        _ = connection.as_mut() => return,
        () = shutdown.cancelled() => {}
        () = tokio::time::sleep(bounds.life) => {}
    }
    connection.as_mut().graceful_shutdown();
    // The request that is running has its time.
    drop(tokio::time::timeout(bounds.request, connection).await);
}

async fn in_time(limit: Duration, request: Request, next: Next) -> Response {
    let answer = tokio::time::timeout(limit, next.run(request)).await;
    answer.unwrap_or_else(|_| StatusCode::REQUEST_TIMEOUT.into_response())
}

#[cfg(test)]
mod tests {
    use axum::body::Bytes;
    use axum::routing::post;
    use tokio::io::{AsyncReadExt, AsyncWriteExt};
    use tokio::sync::Notify;
    use tokio::task::JoinHandle;
    use tokio::time::timeout;

    use super::*;

    /// Past it something hangs.
    const LONG: Duration = Duration::from_secs(20);
    /// A bound that is reached in a test.
    const SHORT: Duration = Duration::from_millis(100);

    const GET: &[u8] = b"GET /health HTTP/1.1\r\nhost: h\r\n\r\n";
    const OK: &str = "HTTP/1.1 200 OK";

    struct Running {
        address: std::net::SocketAddr,
        gate: Arc<Notify>,
        shutdown: CancellationToken,
        serving: JoinHandle<()>,
    }

    /// Serves `/health`, `/take`, which reads a body, and `/wait`, which waits for the gate.
    async fn serving(edit: impl FnOnce(&mut Bounds)) -> Running {
        let mut bounds = Bounds { head: LONG * 2, request: LONG * 2, life: LONG * 2, ..BOUNDS };
        edit(&mut bounds);
        let (gate, shutdown) = (Arc::new(Notify::new()), CancellationToken::new());
        let opens = gate.clone();
        let routes = Router::new()
            .route("/health", get(async || StatusCode::OK))
            .route("/take", post(async |_: Bytes| StatusCode::OK))
            .route("/wait", get(async move || opens.notified().await));
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let address = listener.local_addr().unwrap();
        let serving = tokio::spawn(serve_within(bounds, listener, routes, shutdown.clone()));
        Running { address, gate, shutdown, serving }
    }

    impl Running {
        async fn send(&self, bytes: &[u8]) -> TcpStream {
            let mut socket = TcpStream::connect(self.address).await.unwrap();
            socket.write_all(bytes).await.unwrap();
            socket
        }
    }

    /// All that the server says until it hangs up.
    async fn to_the_end(mut socket: TcpStream) -> String {
        let mut told = Vec::new();
        timeout(LONG, socket.read_to_end(&mut told)).await.expect("the server hangs up").unwrap();
        String::from_utf8(told).unwrap()
    }

    /// The first bytes that the server says.
    async fn next(socket: &mut TcpStream) -> String {
        let mut told = [0; 1024];
        let read = timeout(LONG, socket.read(&mut told)).await.expect("the server answers").unwrap();
        String::from_utf8(told[..read].to_vec()).unwrap()
    }

    #[tokio::test]
    async fn who_does_not_end_the_head_of_a_request_is_hung_up_on() {
        let server = serving(|bounds| bounds.head = SHORT).await;
        for begun in [b"".as_slice(), b"GET /health HT", b"GET /health HTTP/1.1\r\nhost: h\r\n"] {
            let told = to_the_end(server.send(begun).await).await;
            assert!(!told.contains(OK), "{told}");
        }
        // And so is who has an answer and asks nothing more.
        let told = to_the_end(server.send(GET).await).await;
        assert!(told.starts_with(OK), "{told}");
    }

    #[tokio::test]
    async fn a_body_that_does_not_end_is_not_waited_for() {
        let server = serving(|bounds| bounds.request = SHORT).await;
        let begun = b"POST /take HTTP/1.1\r\nhost: h\r\ncontent-length: 9\r\n\r\n{";
        let told = to_the_end(server.send(begun).await).await;
        assert!(told.starts_with("HTTP/1.1 408"), "{told}");
    }

    #[tokio::test]
    async fn a_head_is_no_larger_than_it_may_be() {
        let server = serving(|_| {}).await;
        let large = format!("GET /health HTTP/1.1\r\nhost: h\r\nx: {}\r\n\r\n", "x".repeat(256 << 10));
        let mut socket = server.send(b"").await;
        // What the server does not read any more may reset the connection, before or after its answer is read.
        let mut told = Vec::new();
        let talk = async {
            drop(socket.write_all(large.as_bytes()).await);
            drop(socket.read_to_end(&mut told).await);
        };
        timeout(LONG, talk).await.expect("the server hangs up");
        let told = String::from_utf8(told).unwrap();
        assert!(told.is_empty() || told.starts_with("HTTP/1.1 431"), "{told}");
    }

    #[tokio::test]
    async fn a_connection_waits_for_a_place_and_gets_the_next_one() {
        let server = serving(|bounds| bounds.connections = 2).await;
        let mut first = server.send(GET).await;
        let mut second = server.send(GET).await;
        assert!(next(&mut first).await.starts_with(OK) && next(&mut second).await.starts_with(OK));
        let mut third = server.send(GET).await;
        let mut told = [0; 1];
        assert!(timeout(SHORT, third.read(&mut told)).await.is_err(), "there is no place");
        drop(first);
        assert!(next(&mut third).await.starts_with(OK));
    }

    #[tokio::test]
    async fn a_connection_lives_for_so_long_and_its_last_request_is_answered() {
        let server = serving(|bounds| bounds.life = SHORT * 5).await;
        assert_eq!(to_the_end(server.send(b"").await).await, "");
        let waiting = server.send(b"GET /wait HTTP/1.1\r\nhost: h\r\n\r\n").await;
        let idle = server.send(b"").await;
        to_the_end(idle).await;
        server.gate.notify_one();
        assert!(to_the_end(waiting).await.starts_with(OK));
    }

    #[tokio::test]
    async fn on_shutdown_running_requests_end_and_nothing_new_is_taken() {
        let server = serving(|_| {}).await;
        let mut idle = server.send(GET).await;
        assert!(next(&mut idle).await.starts_with(OK));
        let waiting = server.send(b"GET /wait HTTP/1.1\r\nhost: h\r\n\r\n").await;
        // The request has arrived once another one, sent later, has its answer.
        assert!(next(&mut server.send(GET).await).await.starts_with(OK));
        server.shutdown.cancel();
        assert_eq!(to_the_end(idle).await, "");
        let refused = async {
            while TcpStream::connect(server.address).await.is_ok() {
                tokio::task::yield_now().await;
            }
        };
        timeout(LONG, refused).await.expect("nobody listens any more");
        assert!(!server.serving.is_finished());
        server.gate.notify_one();
        assert!(to_the_end(waiting).await.starts_with(OK));
        timeout(LONG, server.serving).await.expect("the server ends").unwrap();
    }
}
