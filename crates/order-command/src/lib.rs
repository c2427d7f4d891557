//! order-command: the order write server.
//!
//! Owns what an order is, what is owed, and the only authoritative record of both. Publishes the order feed
//! (OrderCreated, OrderCancellationRequested, OrderCancelled). Reacts to no other context yet.
//!
//! Commands: [`command::place_order::PlaceOrder`], [`command::cancel_order::CancelOrder`].
//! Queries: none; the read server order-query follows the feed.
//! Subscriptions: none.
//!
//! # Layout
//! - [`domain`]: the Order aggregate, pure functions
//! - [`command`]: one file a command: load, decide, commit
//! - [`store`]: sea-orm entities, migrations, the unit of work
//! - [`codec`]: domain events and answers as stored bytes
//! - [`cli`]: its verbs on the command line, one file a verb
//! - [`grpc`]: wire to domain and back

pub mod cli;
pub mod codec;
pub mod command;
pub mod domain;
pub mod grpc;
pub mod store;

use ordermesh_feed::config::{FeedConfig, GroupsConfig, Unusable};
use ordermesh_feed::log::FeedSchema;
use ordermesh_feed::project::Followers;
use ordermesh_feed::publish::Publisher;
use ordermesh_proto::event_types::ORDER_V1;
use ordermesh_proto::order::v1::order_command_service_server::OrderCommandServiceServer;
use ordermesh_proto::order::v1::order_event_service_server::OrderEventServiceServer;
use ordermesh_service::config::{ConfigError, MaskedUrl};
use ordermesh_service::{Database, Environment, Services, StartError};
use serde::{Deserialize, Serialize};

/// Name of the server.
pub const NAME: &str = "order-command";
/// Name of its section of the configuration.
pub const SECTION: &str = "order_command";

/// The feed that it publishes.
pub const FEED: Option<FeedSchema> = Some(ORDERS);

const ORDERS: FeedSchema = FeedSchema { events: ORDER_V1, key_description: "order id" };

/// Settings of the server.
#[derive(Debug, Clone, Default, Serialize, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct Config {
    /// The database, sqlite:PATH or postgres://…; empty: order-command.db in the data directory.
    pub database_url: MaskedUrl,
    /// The order feed.
    pub feed: FeedConfig,
    /// Its consumer groups.
    pub groups: GroupsConfig,
}

/// Opens the database and makes the services.
pub async fn start(environment: &Environment, services: &mut Services) -> Result<Followers, StartError> {
    let config: Config = environment.settings.section(SECTION)?;
    let settings = config.feed.with(&config.groups).map_err(unusable)?;
    let Database { writer, reader, .. } =
        &environment.database::<store::Migrator>(NAME, &config.database_url).await?;
    let publisher = Publisher::open(writer, reader, ORDERS, settings, environment.parts().into()).await?;
    let limit = environment.settings.server.max_request_bytes;
    let commands = grpc::CommandService::new(publisher.committer());
    let events = grpc::EventService::new(publisher.feed());
    services
        .add(OrderCommandServiceServer::new(commands).max_decoding_message_size(limit))
        .add(OrderEventServiceServer::new(events).max_decoding_message_size(limit));
    Ok(Followers::default())
}

fn unusable(setting: Unusable) -> ConfigError {
    ConfigError::invalid(&format!("{SECTION}.{}", setting.key), setting.value, &setting.must)
}
