//! What is served over plain HTTP, beside gRPC: routes that contexts add, such as a provider's webhooks, and `/health`.
//!
//! One listener a process (`server.http_listen`), none unless it is set. It ends like the gRPC server: on shutdown
//! `/health` says 503, no new connection is taken, and running requests end within the grace.

use std::io;

use axum::Router;
use axum::extract::DefaultBodyLimit;
use axum::routing::get;
use axum::serve::ListenerExt;
use http::StatusCode;
use tokio::net::TcpListener;

use crate::environment::Environment;

/// Serves the routes until the shutdown, and what is running then to its end.
pub(crate) async fn serve(environment: Environment, listener: TcpListener, routes: Router) -> io::Result<()> {
    let shutdown = environment.shutdown.clone();
    let ends = shutdown.clone();
    let health = move || {
        let healthy = !ends.is_cancelled();
        async move { if healthy { StatusCode::OK } else { StatusCode::SERVICE_UNAVAILABLE } }
    };
    let limit = DefaultBodyLimit::max(environment.settings.server.max_request_bytes);
    let routes = routes.route("/health", get(health)).layer(limit);
    // A socket that is closed already refuses; its connection ends by itself.
    let listener = listener.tap_io(|socket| drop(socket.set_nodelay(true)));
    axum::serve(listener, routes).with_graceful_shutdown(shutdown.cancelled_owned()).await
}
