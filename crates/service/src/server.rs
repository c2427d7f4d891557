//! The one way to serve: services, listeners and a shutdown signal in, gRPC and HTTP out.
//!
//! Reflection (v1 and v1alpha), health per service and the error shape come with it. On shutdown health turns to
//! NOT_SERVING, streams say `closing`, running commands end, and the process is gone in a bounded time.

use std::sync::Arc;
use std::time::Duration;

use ordermesh_proto::DESCRIPTORS;
use ordermesh_proto::attention::v1::attention_service_server::AttentionServiceServer;
use tokio::net::TcpListener;
use tokio::task::JoinHandle;
use tokio_stream::StreamExt;
use tokio_stream::wrappers::TcpListenerStream;
use tonic::server::NamedService;
use tonic::service::{Routes, RoutesBuilder};
use tonic::transport::Server;
use tonic_health::ServingStatus;
use tonic_health::server::HealthReporter;

use crate::around::AroundLayer;
use crate::attention::{AttentionServer, AttentionSource};
use crate::config::ServerSettings;
use crate::environment::{Environment, StartError};
use crate::patience::Patience;
use crate::rescue::Rescue;

/// How long the databases may take to close after the grace; who starts the process waits a little longer than the grace.
const CLOSING: Duration = Duration::from_secs(3);

/// The gRPC services of one or more contexts, what they serve over HTTP, and what needs a person in them.
#[derive(Default)]
pub struct Services {
    routes: RoutesBuilder,
    names: Vec<&'static str>,
    http: axum::Router,
    attention: Vec<Arc<dyn AttentionSource>>,
}

impl Services {
    /// Adds a source of what needs a person.
    pub fn attention(&mut self, source: impl AttentionSource) -> &mut Self {
        self.attention.push(Arc::new(source));
        self
    }

    /// Adds the service over all those sources.
    pub fn serve_attention(&mut self, max_request_bytes: usize) {
        let server = AttentionServer::new(std::mem::take(&mut self.attention));
        self.add(AttentionServiceServer::new(server).max_decoding_message_size(max_request_bytes));
    }

    /// Adds a service.
    pub fn add<S>(&mut self, service: S) -> &mut Self
    where
        S: tower::Service<
                http::Request<tonic::body::Body>,
                Response = http::Response<tonic::body::Body>,
                Error = std::convert::Infallible,
                Future: Send,
            > + NamedService
            + Clone
            + Send
            + Sync
            + 'static,
    {
        self.routes.add_service(service);
        self.names.push(S::NAME);
        self
    }

    /// Adds routes below a path such as `/webhooks/stripe` to what is served over HTTP, where that is switched on. No two
    /// contexts have the same path.
    pub fn http(&mut self, path: &str, routes: axum::Router) -> &mut Self {
        self.http = std::mem::take(&mut self.http).nest(path, routes);
        self
    }
}

/// Where a server listens. Bound before anything heavy, so that a taken port is told at once.
#[derive(Debug)]
pub struct Listeners {
    /// The gRPC server.
    pub grpc: TcpListener,
    /// Health alone, for probes.
    pub health: Option<TcpListener>,
    /// What contexts serve over plain HTTP.
    pub http: Option<TcpListener>,
}

impl Listeners {
    /// Binds the addresses of the settings, and writes the port that was given for port 0 back into them.
    pub async fn bind(settings: &mut ServerSettings) -> Result<Self, StartError> {
        let grpc = bind("listen address", &settings.listen).await?;
        if let Ok(address) = grpc.local_addr() {
            settings.listen = address.to_string();
        }
        let health = bind_optional("health listen address", &mut settings.health_listen).await?;
        let http = bind_optional("HTTP listen address", &mut settings.http_listen).await?;
        Ok(Self { grpc, health, http })
    }
}

async fn bind_optional(what: &'static str, address: &mut String) -> Result<Option<TcpListener>, StartError> {
    if address.is_empty() {
        return Ok(None);
    }
    let listener = bind(what, address).await?;
    if let Ok(bound) = listener.local_addr() {
        *address = bound.to_string();
    }
    Ok(Some(listener))
}

async fn bind(what: &'static str, address: &str) -> Result<TcpListener, StartError> {
    let failed = |error: std::io::Error| StartError::Address {
        what,
        address: address.to_owned(),
        error: error.into(),
    };
    TcpListener::bind(address).await.map_err(failed)
}

/// Serves until the environment's shutdown fires and everything has ended, or the grace is over. `ready` is called
/// once the services can be reached.
pub async fn serve(
    environment: &Environment,
    services: Services,
    listeners: Listeners,
    ready: impl FnOnce(),
) -> Result<(), StartError> {
    let (mut reporter, health) = tonic_health::server::health_reporter();
    let (probe_reporter, probe_health) = tonic_health::server::health_reporter();
    let mut names = services.names;
    names.push("grpc.health.v1.Health");
    let mut routes = services.routes;
    routes.add_service(health);
    add_reflection(&mut routes, &names)?;

    for reporter in [&reporter, &probe_reporter] {
        report(reporter, &names, ServingStatus::Serving).await;
    }
    let mut grpc = tokio::spawn(serve_routes(environment.clone(), listeners.grpc, routes.routes()));
    if let Some(listener) = listeners.health {
        let mut probes = RoutesBuilder::default();
        probes.add_service(probe_health);
        // Probes need no drain: the task ends with the process.
        tokio::spawn(serve_routes(environment.clone(), listener, probes.routes()));
    }
    let mut http = match listeners.http {
        Some(listener) => tokio::spawn(crate::http::serve(environment.clone(), listener, services.http)),
        None => {
            let shutdown = environment.shutdown.clone();
            tokio::spawn(async move {
                shutdown.cancelled().await;
                Ok(())
            })
        }
    };
    ready();

    tokio::select! {
        // First, since the shutdown ends the servers, too.
        biased;
        () = environment.shutdown.cancelled() => {}
        // They end before the shutdown only by a fault: without them the process does not do what it is there for.
        ended = &mut grpc => return Err(StartError::Ended(format!("{ended:?}"))),
        ended = &mut http => return Err(StartError::Ended(format!("{ended:?}"))),
    }
    for reporter in [&reporter, &probe_reporter] {
        report(reporter, &names, ServingStatus::NotServing).await;
    }
    // Who watches the health has heard it; such a stream never ends by itself and would use up the grace.
    for name in names.iter().copied().chain([""]) {
        reporter.clear_service_status(name).await;
    }
    drain(environment, grpc, http).await;
    Ok(())
}

/// Ends what a start has begun that does not get as far as [`serve`].
pub async fn abandon(environment: &Environment) {
    drain(environment, tokio::spawn(async { Ok(()) }), tokio::spawn(async { Ok(()) })).await;
}

type Serving = JoinHandle<Result<(), tonic::transport::Error>>;

/// Waits for what runs, no longer than the grace, and closes the databases in any case: one client that does not read
/// its stream must not leave SQLite's write-ahead log behind.
async fn drain(environment: &Environment, grpc: Serving, http: JoinHandle<std::io::Result<()>>) {
    let grace = Duration::from_secs(environment.settings.server.shutdown_grace_seconds);
    environment.tasks.close();
    let ended = tokio::time::timeout(grace, async {
        let served = grpc.await;
        if !matches!(http.await, Ok(Ok(()))) {
            tracing::error!("the HTTP server ended with an error");
        }
        environment.tasks.wait().await;
        served
    });
    let ended = ended.await;
    // Committing tasks that are in the middle of a batch have their connection until its end.
    let closed = tokio::time::timeout(CLOSING, environment.close_databases()).await;
    if closed.is_err() {
        tracing::warn!("a database is still in use; it is left as after a kill");
    }
    match ended {
        Err(_) => tracing::warn!(?grace, "the grace is over; what still ran is cut off"),
        Ok(Ok(Ok(()))) => tracing::info!("everything has ended"),
        Ok(Ok(Err(error))) => tracing::error!(%error, "the server ended with an error"),
        Ok(Err(error)) => tracing::error!(%error, "the server's task failed"),
    }
}

async fn serve_routes(
    environment: Environment,
    listener: TcpListener,
    routes: Routes,
) -> Result<(), tonic::transport::Error> {
    let settings = &environment.settings.server;
    // tonic leaves sockets that it is given as they are: without nodelay small answers wait for full packets.
    let incoming = TcpListenerStream::new(listener).then(async |socket| {
        match &socket {
            // A socket that is closed already refuses; its connection ends by itself.
            Ok(socket) => drop(socket.set_nodelay(true)),
            Err(error) => {
                // Out of file descriptors, say: asking again at once would only burn the processor.
                tracing::warn!(%error, "a connection could not be accepted");
                tokio::time::sleep(Duration::from_millis(50)).await;
            }
        }
        socket
    });
    let rescue = Rescue { max_request_bytes: settings.max_request_bytes };
    let patience = Patience { limit: environment.settings.database.patience() };
    Server::builder()
        .max_concurrent_streams(Some(4096))
        .http2_keepalive_interval(Some(Duration::from_secs(20)))
        .initial_stream_window_size(1 << 20)
        .initial_connection_window_size(4 << 20)
        .layer(AroundLayer(rescue))
        // Nearest to the handlers: all that they wait for is the database, or what they bound themselves.
        .layer(AroundLayer(patience))
        .add_routes(routes)
        .serve_with_incoming_shutdown(incoming, environment.shutdown.clone().cancelled_owned())
        .await
}

fn add_reflection(routes: &mut RoutesBuilder, names: &[&'static str]) -> Result<(), StartError> {
    let builder = || {
        names.iter().fold(
            tonic_reflection::server::Builder::configure()
                .register_encoded_file_descriptor_set(DESCRIPTORS)
                .register_encoded_file_descriptor_set(tonic_health::pb::FILE_DESCRIPTOR_SET)
                // With google.rpc a tool such as grpcurl shows the details of errors instead of their bytes.
                .register_encoded_file_descriptor_set(tonic_types::pb::FILE_DESCRIPTOR_SET),
            |builder, name| builder.with_service_name(*name),
        )
    };
    let failed = |error: tonic_reflection::server::Error| StartError::Address {
        what: "reflection of",
        address: "the contracts".to_owned(),
        error: error.into(),
    };
    routes.add_service(builder().build_v1().map_err(failed)?);
    routes.add_service(builder().build_v1alpha().map_err(failed)?);
    Ok(())
}

async fn report(reporter: &HealthReporter, names: &[&'static str], status: ServingStatus) {
    // The empty name is the server as a whole.
    for name in names.iter().copied().chain([""]) {
        reporter.set_service_status(name, status).await;
    }
}
