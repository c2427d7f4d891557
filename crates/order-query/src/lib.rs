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

use ordermesh_feed::follow::Follower;
use ordermesh_feed::log::FeedSchema;
use ordermesh_feed::peer_feed;
use ordermesh_feed::project::{Followers, ProjectionControl};
use ordermesh_feed::store::PatientConnection;
use ordermesh_proto::order::v1::order_event_service_client::OrderEventServiceClient;
use ordermesh_proto::order::v1::order_query_service_server::OrderQueryServiceServer;
use ordermesh_service::{Environment, Services, StartError};

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

/// Opens the database, follows the order feed and makes the services.
pub async fn start(environment: &Environment, services: &mut Services) -> Result<Followers, StartError> {
    let config: Config = environment.settings.section(SECTION)?;
    let patience = environment.settings.database.patience();
    let settings = config.follower(patience)?;
    let orders =
        peer_feed!(OrderEventServiceClient, subscribe_order_events, environment.peer(ORDER_COMMAND)?);
    let database = environment.database::<store::Migrator>(NAME, &config.database_url).await?;
    let changes = Arc::new(Changes::default());
    let follower = Follower::new(&database.writer, settings, environment.parts().into());
    let projector = follower.project(OrderProjection::new(changes.clone()), orders).await?;
    let reader = PatientConnection::new(database.reader.clone(), patience);
    let model = ReadModel {
        reader: Reader::start(reader.clone(), &environment.tasks),
        pages: PageReader::new(reader),
        progress: projector.consumer().progress(),
        blocked: projector.consumer().blocked(),
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
