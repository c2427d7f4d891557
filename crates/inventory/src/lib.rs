//! inventory: the inventory server.
//!
//! Owns how many pieces of which article are where, and for whom they are set aside. Publishes the inventory feed
//! (StockReserved, StockRejected, StockReleased, StockAdjusted, StockShortfallDetected, ReorderLevelSet). Reacts to the order
//! feed: what an order wants is reserved, committed, released, consumed and restocked.
//!
//! Commands: [`command::receive_stock::ReceiveStock`], [`command::adjust_stock::AdjustStock`],
//! [`command::transfer_stock::TransferStock`], [`command::reserve_stock::ReserveStock`],
//! [`command::release_reservation::ReleaseReservation`], [`command::set_reorder_level::SetReorderLevel`].
//! Queries: [`query::get_stock::GetStock`], [`query::list_stock::ListStock`],
//! [`query::check_availability::CheckAvailability`], [`query::get_reservation::GetReservation`],
//! [`query::list_reservations::ListReservations`], [`query::watch_low_stock::WatchLowStock`].
//! Subscriptions: the order feed, by [`policy::OrderPolicy`].
//!
//! # Layout
//! - [`domain`]: stock and reservations, pure functions
//! - [`command`]: one file a command: load, decide, commit
//! - [`query`]: one file a query, on the same database
//! - [`policy`]: one file a reaction to the order feed
//! - [`expiry`]: reservations without order end when their time is over
//! - [`store`]: sea-orm entities, migrations, the unit of work, what queries read
//! - `cli`: the verbs of `ordermesh stock`, clients of this server
//! - [`codec`]: domain events and answers as stored bytes
//! - [`grpc`]: wire to domain and back

pub mod cli;
pub mod codec;
pub mod command;
pub mod domain;
pub mod expiry;
pub mod grpc;
pub mod policy;
pub mod query;
pub mod store;

use ordermesh_feed::config::{ConsumerConfig, DueConfig, FeedConfig, GroupsConfig, Unusable};
use ordermesh_feed::due;
use ordermesh_feed::follow::Follower;
use ordermesh_feed::log::FeedSchema;
use ordermesh_feed::peer_feed;
use ordermesh_feed::project::Followers;
use ordermesh_feed::publish::Publisher;
use ordermesh_feed::react::Reactions;
use ordermesh_feed::runtime::Runtime;
use ordermesh_feed::store::PatientConnection;
use ordermesh_proto::event_types::INVENTORY_V1;
use ordermesh_proto::inventory::v1::inventory_command_service_server::InventoryCommandServiceServer;
use ordermesh_proto::inventory::v1::inventory_event_service_server::InventoryEventServiceServer;
use ordermesh_proto::inventory::v1::inventory_query_service_server::InventoryQueryServiceServer;
use ordermesh_proto::order::v1::order_event_service_client::OrderEventServiceClient;
use ordermesh_service::config::{ConfigError, MaskedUrl};
use ordermesh_service::{Database, Environment, Services, StartError};
use serde::{Deserialize, Serialize};

/// Name of the server.
pub const NAME: &str = "inventory";
/// Name of its section of the configuration.
pub const SECTION: &str = "inventory";

/// The feed that it publishes.
pub const FEED: Option<FeedSchema> = Some(STOCK);

const STOCK: FeedSchema =
    FeedSchema { events: INVENTORY_V1, key_description: "order id, reservation id, or SKU@location" };

/// Name of the server whose feed it follows.
const ORDER_COMMAND: &str = "order_command";

/// Settings of the server.
#[derive(Debug, Clone, Default, Serialize, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct Config {
    /// The database, sqlite:PATH or postgres://…; empty: inventory.db in the data directory.
    pub database_url: MaskedUrl,
    /// The inventory feed.
    pub feed: FeedConfig,
    /// Its consumer groups.
    pub groups: GroupsConfig,
    /// The consumer of the order feed.
    pub consumer: ConsumerConfig,
    /// Reservations whose time is over.
    pub due: DueConfig,
}

/// Opens the database, follows the order feed and makes the services.
pub async fn start(environment: &Environment, services: &mut Services) -> Result<Followers, StartError> {
    let config: Config = environment.settings.section(SECTION)?;
    let publishing = config.feed.with(&config.groups).map_err(unusable)?;
    let following = config.consumer.of(NAME).map_err(unusable)?;
    let expiring = config.due.settings().map_err(unusable)?;
    let orders =
        peer_feed!(OrderEventServiceClient, subscribe_order_events, environment.peer(ORDER_COMMAND)?);
    let runtime: Runtime = environment.parts().into();
    let Database { writer, reader, .. } =
        &environment.database::<store::Migrator>(NAME, &config.database_url).await?;
    let publisher = Publisher::open(writer, reader, STOCK, publishing, runtime.clone()).await?;
    let committer = publisher.committer();

    let policy = policy::OrderPolicy::new(Reactions::new(committer.clone(), NAME));
    let consumer = Follower::new(writer, following, runtime.clone()).consume(policy, orders).await?;
    let reader = PatientConnection::new(reader.clone(), runtime.patience);
    due::start(expiry::Expiry::new(reader.clone(), committer.clone()), expiring, &runtime);
    let low_stock = query::low_stock::LowStock::default();
    let (log, shutdown) = (publisher.log(), runtime.shutdown.clone());
    runtime.tasks.spawn(low_stock.clone().follow(log, reader.clone(), shutdown.clone()));

    let limit = environment.settings.server.max_request_bytes;
    let commands = InventoryCommandServiceServer::new(grpc::CommandService::new(committer));
    let queries = InventoryQueryServiceServer::new(grpc::QueryService::new(reader, low_stock, shutdown));
    let events = InventoryEventServiceServer::new(grpc::EventService::new(publisher.feed()));
    services
        .add(commands.max_decoding_message_size(limit))
        .add(queries.max_decoding_message_size(limit))
        .add(events.max_decoding_message_size(limit));
    Ok(Followers { others: vec![consumer], ..Followers::default() })
}

fn unusable(setting: Unusable) -> ConfigError {
    ConfigError::invalid(&format!("{SECTION}.{}", setting.key), setting.value, &setting.must)
}
