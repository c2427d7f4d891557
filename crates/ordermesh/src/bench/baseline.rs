//! What the baseline servers share: tonic with the transport settings of our own servers, so that a comparison is of
//! what stands behind them.

use std::io::Write;

use tokio::net::TcpListener;
use tokio::signal::unix::{SignalKind, signal};
use tokio_stream::StreamExt;
use tokio_stream::wrappers::TcpListenerStream;
use tonic::service::Routes;
use tonic::transport::Server;

use super::BenchError;

/// Serves until SIGTERM or SIGINT. Says on standard error that it is ready, as our servers do.
pub(super) async fn serve(listen: &str, routes: Routes) -> Result<(), BenchError> {
    let failed = |error| BenchError::Io { what: listen.to_owned(), error };
    let listener = TcpListener::bind(listen).await.map_err(failed)?;
    let address = listener.local_addr().map_err(failed)?;
    let mut terminate = signal(SignalKind::terminate()).map_err(failed)?;
    let mut interrupt = signal(SignalKind::interrupt()).map_err(failed)?;
    let incoming = TcpListenerStream::new(listener).map(|socket| {
        if let Ok(socket) = &socket {
            // A socket that is closed already refuses; its connection ends by itself.
            drop(socket.set_nodelay(true));
        }
        socket
    });
    let ready = serde_json::json!({"level": "INFO", "message": "ready", "listen": address.to_string()});
    writeln!(std::io::stderr(), "{ready}").map_err(failed)?;
    let end = async move {
        tokio::select! {
            _ = terminate.recv() => {}
            _ = interrupt.recv() => {}
        }
    };
    Server::builder()
        .max_concurrent_streams(Some(4096))
        .initial_stream_window_size(1 << 20)
        .initial_connection_window_size(4 << 20)
        .add_routes(routes)
        .serve_with_incoming_shutdown(incoming, end)
        .await
        .map_err(|error| BenchError::Other(error.to_string()))
}
