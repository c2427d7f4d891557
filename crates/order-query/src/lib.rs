//! order-query: the order read server.
//!
//! Owns the order views: every order in all its facets as its events make it, found by id, by filter, by customer, and
//! its timeline. Publishes nothing. Reacts to the order feed, to every event of it.
//!
//! Commands: none.
//! Queries: [`query::get_order::GetOrder`], [`query::batch_get_orders::BatchGetOrders`],
//! [`query::list_orders::ListOrders`], [`query::list_customer_orders::ListCustomerOrders`],
//! [`query::get_order_timeline::GetOrderTimeline`], [`query::watch_order::WatchOrder`].
//! Subscriptions: the order feed of order-command, by [`projection::OrderProjection`].
//!
//! # Layout
//! - [`projection`]: events to order views and timelines, and who watches them change
//! - [`query`]: one file a query; what all share: consistency, filter, order, pages and their turns,
//!   the coalescing reader
//! - [`store`]: sea-orm entities, migrations, tables and their swap, page statements
//! - [`cli`]: its verbs on the command line, one file a verb
//! - [`grpc`]: wire to query and back

pub mod cli;
mod config;
pub mod grpc;
pub mod projection;
pub mod query;
pub mod store;

use std::sync::Arc;
use std::time::Duration;

use futures_util::FutureExt;
use ordermesh_feed::consume::{ConsumerSettings, OpenFeed, ReportCheckpoint};
use ordermesh_feed::log::FeedSchema;
use ordermesh_feed::project::{Followers, ProjectionControl, Projector};
use ordermesh_feed::retention::{Kept, Pruner};
use ordermesh_feed::store::PatientConnection;
use ordermesh_proto::feed::v1::ReportCheckpointRequest;
use ordermesh_proto::order::v1::order_event_service_client::OrderEventServiceClient;
use ordermesh_proto::order::v1::order_query_service_server::OrderQueryServiceServer;
use ordermesh_service::{Environment, Services, StartError};
use sea_orm::{DatabaseConnection, DbBackend};

pub use config::Config;
use projection::{Changes, OrderProjection};
use query::{ReadModel, page_reader::PageReader, reader::Reader};

/// Name of the server.
pub const NAME: &str = "order-query";
/// Name of its section of the configuration.
pub const SECTION: &str = "order_query";

/// The feed that it publishes: none.
pub const FEED: Option<FeedSchema> = None;

/// Name of the server whose feed this one follows.
const ORDER_COMMAND: &str = "order_command";
/// Bytes of a feed frame that are accepted: a frame is about 512 KiB, but a single event may be larger.
const MAX_FRAME_BYTES: usize = 16 << 20;

/// Opens the database, follows the order feed and makes the services.
pub async fn start(environment: &Environment, services: &mut Services) -> Result<Followers, StartError> {
    let config: Config = environment.settings.section(SECTION)?;
    config.check(environment.settings.database.patience())?;
    let database = environment.database::<store::Migrator>(NAME, &config.database_url).await?;
    let patience = environment.settings.database.patience();
    let patient = |connections: &DatabaseConnection| PatientConnection::new(connections.clone(), patience);
    let changes = Arc::new(Changes::default());
    // SQLite's file is locked for this process: there is no other replica to agree with.
    let shared = database.writer.get_database_backend() != DbBackend::Sqlite;
    let projector = Projector::new(
        OrderProjection::new(changes.clone()),
        database.writer.clone(),
        (order_feed(environment)?, Some(order_checkpoint(environment, config.subscriber_name.clone())?)),
        environment.clock.clone(),
        ConsumerSettings { patience, ..config.consumer(shared) },
    );
    let projector = Arc::new(projector.await?);
    let consumer = projector.consumer();
    environment.tasks.spawn(consumer.clone().run(environment.shutdown.clone()));
    Pruner::new(patient(&database.writer), environment.clock.clone(), vec![Kept::inbox(config.inbox_kept())])
        .start(&environment.tasks, environment.shutdown.clone());
    let model = ReadModel {
        reader: Reader::start(patient(&database.reader), &environment.tasks),
        pages: PageReader::new(patient(&database.reader)),
        progress: consumer.progress(),
        blocked: consumer.blocked(),
        changes,
        at_least_wait: Duration::from_millis(config.at_least_wait_ms),
        shutdown: environment.shutdown.clone(),
    };
    services.add(
        OrderQueryServiceServer::new(grpc::QueryService::new(model, database))
            .max_decoding_message_size(environment.settings.server.max_request_bytes),
    );
    Ok(Followers { projections: vec![projector as Arc<dyn ProjectionControl>], ..Followers::default() })
}

fn order_feed(environment: &Environment) -> Result<OpenFeed, StartError> {
    let client = OrderEventServiceClient::new(environment.peer(ORDER_COMMAND)?)
        .max_decoding_message_size(MAX_FRAME_BYTES);
    Ok(Arc::new(move |request| {
        let mut client = client.clone();
        async move { Ok(client.subscribe_order_events(request).await?.into_inner()) }.boxed()
    }))
}

/// Tells order-command how far the read model is, so that a truncation of the log spares what it still needs.
fn order_checkpoint(environment: &Environment, subscriber: String) -> Result<ReportCheckpoint, StartError> {
    let client = OrderEventServiceClient::new(environment.peer(ORDER_COMMAND)?);
    Ok(Arc::new(move |cursor| {
        let mut client = client.clone();
        let request = ReportCheckpointRequest { subscriber: subscriber.clone(), cursor };
        async move { client.report_checkpoint(request).await.map(drop) }.boxed()
    }))
}
