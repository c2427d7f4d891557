//! order-command: the order write server.
//!
//! Owns what an order is, what is owed, and the only authoritative record of both; and the one process that takes an
//! order from its placing to its rest. Publishes the order feed (the events of `domain/event.rs`). Reacts to inventory
//! (StockReserved, StockRejected, StockReleased, StockShortfallDetected), to every event of payment, and to the payment
//! deadline.
//!
//! Commands: [`command::place_order::PlaceOrder`], [`command::cancel_order::CancelOrder`],
//! [`command::cancel_order_lines::CancelOrderLines`], [`command::hold_order::HoldOrder`],
//! [`command::release_order_hold::ReleaseOrderHold`], [`command::retry_payment::RetryPayment`],
//! [`command::dispatch_shipment::DispatchShipment`],
//! [`command::confirm_shipment_delivery::ConfirmShipmentDelivery`],
//! [`command::report_shipment_loss::ReportShipmentLoss`], [`command::request_return::RequestReturn`],
//! [`command::approve_return::ApproveReturn`], [`command::reject_return::RejectReturn`],
//! [`command::receive_return::ReceiveReturn`], [`command::add_order_note::AddOrderNote`]; of the process alone:
//! [`command::record_stock::RecordStock`], [`command::record_payment::RecordPayment`],
//! [`command::expire_order::ExpireOrder`].
//! Queries: none; the read server order-query follows the feed.
//! Subscriptions: the feeds of inventory and payment, by [`policy::OnStock`] and [`policy::OnPayment`].
//!
//! # Layout
//! - [`domain`]: the Order aggregate, pure functions
//! - [`command`]: one file a command: load, decide, commit
//! - [`policy`]: what other contexts and the clock tell, as commands here
//! - [`attention`]: what needs a person
//! - [`store`]: sea-orm entities, migrations, the unit of work
//! - [`codec`]: domain events and answers as stored bytes
//! - [`cli`]: its verbs on the command line, one file a verb
//! - [`grpc`]: wire to domain and back

pub mod attention;
pub mod cli;
pub mod codec;
pub mod command;
pub mod domain;
pub mod grpc;
pub mod policy;
pub mod store;

use std::num::NonZeroU32;
use std::sync::Arc;
use std::time::Duration;

use ordermesh_feed::config::{ConsumerConfig, DueConfig, FeedConfig, GroupsConfig, Unusable};
use ordermesh_feed::consume::ConsumerControl;
use ordermesh_feed::follow::Follower;
use ordermesh_feed::log::FeedSchema;
use ordermesh_feed::project::Followers;
use ordermesh_feed::publish::Publisher;
use ordermesh_feed::react::Reactions;
use ordermesh_feed::runtime::Runtime;
use ordermesh_feed::store::PatientConnection;
use ordermesh_feed::{due, peer_feed};
use ordermesh_proto::event_types::ORDER_V1;
use ordermesh_proto::inventory::v1::inventory_event_service_client::InventoryEventServiceClient;
use ordermesh_proto::order::v1::order_command_service_server::OrderCommandServiceServer;
use ordermesh_proto::order::v1::order_event_service_server::OrderEventServiceServer;
use ordermesh_proto::payment::v1::payment_event_service_client::PaymentEventServiceClient;
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

/// Names of the servers whose feeds this one follows.
const INVENTORY: &str = "inventory";
const PAYMENT: &str = "payment";

/// Settings of the server.
#[derive(Debug, Clone, Serialize, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct Config {
    /// The database, sqlite:PATH or postgres://…; empty: order-command.db in the data directory.
    pub database_url: MaskedUrl,
    /// How long the payment of an order may take before the order expires, in seconds. Default 3600.
    pub payment_window_seconds: NonZeroU32,
    /// Attempts at a payment that may be declined before the order is rejected; at least 1. Default 3.
    pub max_payment_attempts: i32,
    /// The order feed.
    pub feed: FeedConfig,
    /// Its consumer groups.
    pub groups: GroupsConfig,
    /// How the feeds of inventory and payment are followed.
    pub consumer: ConsumerConfig,
    /// How often it is looked for deadlines.
    pub due: DueConfig,
}

const HOUR: NonZeroU32 = NonZeroU32::new(3600).expect("an hour is not zero");

impl Default for Config {
    fn default() -> Self {
        Self {
            database_url: MaskedUrl::default(),
            payment_window_seconds: HOUR,
            max_payment_attempts: 3,
            feed: FeedConfig::default(),
            groups: GroupsConfig::default(),
            consumer: ConsumerConfig::default(),
            due: DueConfig::default(),
        }
    }
}

impl Config {
    fn check(&self) -> Result<(), ConfigError> {
        match self.max_payment_attempts {
            1.. => Ok(()),
            attempts => {
                let key = format!("{SECTION}.max_payment_attempts");
                Err(ConfigError::invalid(&key, attempts, "at least 1"))
            }
        }
    }
}

/// Opens the database, starts the process and makes the services.
pub async fn start(environment: &Environment, services: &mut Services) -> Result<Followers, StartError> {
    let config: Config = environment.settings.section(SECTION)?;
    config.check()?;
    let settings = config.feed.with(&config.groups).map_err(unusable)?;
    let (following, due) =
        (config.consumer.of(NAME).map_err(unusable)?, config.due.settings().map_err(unusable)?);
    let Database { writer, reader, .. } =
        &environment.database::<store::Migrator>(NAME, &config.database_url).await?;
    let runtime: Runtime = environment.parts().into();
    let publisher = Publisher::open(writer, reader, ORDERS, settings, runtime.clone()).await?;
    let committer = publisher.committer();
    let patient = PatientConnection::new(reader.clone(), runtime.patience);
    services.attention(attention::HeldOrders::new(patient.clone(), committer.clone()));
    let follower = Follower::new(writer, following, runtime.clone());
    let on_stock = policy::OnStock::new(Reactions::new(committer.clone(), NAME));
    let stock =
        peer_feed!(InventoryEventServiceClient, subscribe_inventory_events, environment.peer(INVENTORY)?);
    let on_payment =
        policy::OnPayment::new(Reactions::new(committer.clone(), NAME), config.max_payment_attempts);
    let payment = peer_feed!(PaymentEventServiceClient, subscribe_payment_events, environment.peer(PAYMENT)?);
    let stock: Arc<dyn ConsumerControl> = follower.consume(on_stock, stock).await?;
    let payment: Arc<dyn ConsumerControl> = follower.consume(on_payment, payment).await?;
    let deadlines = policy::PaymentDeadlines::new(patient, committer.clone(), payment.clone());
    due::start(deadlines, due, &runtime);
    let limit = environment.settings.server.max_request_bytes;
    let window = Duration::from_secs(config.payment_window_seconds.get().into());
    let commands = grpc::CommandService::new(committer, window);
    let events = grpc::EventService::new(publisher.feed());
    services
        .add(OrderCommandServiceServer::new(commands).max_decoding_message_size(limit))
        .add(OrderEventServiceServer::new(events).max_decoding_message_size(limit));
    Ok(Followers { others: vec![stock, payment], ..Followers::default() })
}

fn unusable(setting: Unusable) -> ConfigError {
    ConfigError::invalid(&format!("{SECTION}.{}", setting.key), setting.value, &setting.must)
}
