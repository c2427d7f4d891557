//! Starts contexts behind listeners and serves until shutdown.

use std::net::{IpAddr, Ipv4Addr, Ipv6Addr, SocketAddr};
use std::sync::Arc;

use ordermesh_feed::consume::ConsumerServer;
use ordermesh_feed::project::{Followers, ProjectionServer};
use ordermesh_kernel::Clock;
use ordermesh_proto::feed::v1::consumer_service_server::ConsumerServiceServer;
use ordermesh_proto::feed::v1::projection_service_server::ProjectionServiceServer;
use ordermesh_service::config::Settings;
use ordermesh_service::server::{self, Listeners};
use ordermesh_service::{Environment, Services, StartError};
use tokio_util::sync::CancellationToken;

use crate::attention::ParkedKeys;
use crate::contexts::Registration;

/// Runs `contexts` in this process: their databases, their tasks, all their services behind one listener. Ends
/// after `shutdown` fires. `ready` is called once they can be reached.
pub async fn run(
    settings: Settings,
    contexts: &[&'static Registration],
    listeners: Listeners,
    clock: Arc<dyn Clock>,
    shutdown: CancellationToken,
    ready: impl FnOnce(),
) -> Result<(), StartError> {
    let environment = Environment::new(settings, clock, shutdown);
    let mut services = Services::default();
    let mut followers = Followers::default();
    for context in contexts {
        match (context.start)(&environment, &mut services).await {
            Ok(started) => followers.extend(started),
            Err(StartError::Stopped) => {
                // Tasks end when nobody can ask them for anything any more.
                drop((services, followers));
                server::abandon(&environment).await;
                return Ok(());
            }
            Err(error) => return Err(error),
        }
    }
    add_operators(&environment, &mut services, followers);
    server::serve(&environment, services, listeners, ready).await
}

/// Adds the services by which operators look after what needs a person and what follows feeds. They alone keep followers
/// and sources: those hold their context's committer, which ends, and with it the process, when nobody does any more.
fn add_operators(environment: &Environment, services: &mut Services, followers: Followers) {
    let limit = environment.settings.server.max_request_bytes;
    let consumers = followers.consumers();
    for consumer in &consumers {
        services.attention(ParkedKeys::new(consumer.clone()));
    }
    services.serve_attention(limit);
    if !consumers.is_empty() {
        let server = ConsumerServiceServer::new(ConsumerServer::new(consumers));
        services.add(server.max_decoding_message_size(limit));
    }
    if !followers.projections.is_empty() {
        let (shutdown, tasks) = (environment.shutdown.clone(), environment.tasks.clone());
        let server = ProjectionServer::new(followers.projections, shutdown, tasks);
        services.add(ProjectionServiceServer::new(server).max_decoding_message_size(limit));
    }
}

/// Lets contexts that run in one process reach each other at its own listener, unless an address is configured.
pub fn peer_with_each_other(settings: &mut Settings, contexts: &[&'static Registration]) {
    let own = reachable(&settings.server.listen);
    for context in contexts {
        settings.peers.entry(context.section.to_owned()).or_insert_with(|| format!("http://{own}").into());
    }
}

/// The address to connect to for one that is listened on: "every interface" is no destination.
pub fn reachable(listen: &str) -> String {
    let Ok(mut address) = listen.parse::<SocketAddr>() else { return listen.to_owned() };
    if address.ip().is_unspecified() {
        address.set_ip(match address.ip() {
            IpAddr::V4(_) => Ipv4Addr::LOCALHOST.into(),
            IpAddr::V6(_) => Ipv6Addr::LOCALHOST.into(),
        });
    }
    address.to_string()
}
