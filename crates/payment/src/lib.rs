//! payment: the payment server.
//!
//! Owns the money of orders as far as the provider tells of it: payments with at most one open attempt, what was set
//! aside, captured and given back, and the provider itself. Publishes the payment feed (PaymentAuthorized,
//! PaymentActionRequired, PaymentDeclined, PaymentOutcomeUnknown, PaymentCaptured, PaymentCaptureFailed, PaymentVoided,
//! PaymentRefunded, RefundFailed). Reacts to every event of the order feed: it steers captured − refunded towards what the
//! newest revision of an order owes.
//!
//! Commands: [`command::complete_payment_action::CompletePaymentAction`],
//! [`command::retry_payment_operation::RetryPaymentOperation`],
//! [`command::resolve_payment_operation::ResolvePaymentOperation`]; from orders
//! [`command::observe_order::ObserveOrder`], from the worker [`command::record_outcome::RecordOutcome`], from the
//! provider [`command::note_provider_message::NoteProviderMessage`].
//! Queries: [`query::get_payment::GetPayment`], [`query::list_payments::ListPayments`].
//! Subscriptions: the order feed of order-command, by [`policy::on_order_event::OnOrderEvent`].
//!
//! # Layout
//! - [`domain`]: the payment and its steering, pure functions
//! - [`command`]: one file a command: load, decide, commit
//! - [`query`]: one file a query
//! - [`policy`]: reactions to orders
//! - [`worker`]: carries out what is due at the provider
//! - [`gateway`]: the provider: the sandbox and Stripe
//! - [`store`]: sea-orm entities, migrations, the unit of work, claims
//! - [`attention`]: what needs a person
//! - [`cli`]: its verbs on the command line, one file a verb
//! - [`codec`]: domain events and answers as stored bytes
//! - [`grpc`]: wire to domain and back

pub mod attention;
pub mod cli;
pub mod codec;
pub mod command;
mod config;
pub mod domain;
pub mod gateway;
pub mod grpc;
pub mod policy;
pub mod query;
pub mod store;
pub mod worker;

use std::sync::Arc;

use ordermesh_feed::consume::ConsumerControl;
use ordermesh_feed::follow::Follower;
use ordermesh_feed::log::FeedSchema;
use ordermesh_feed::peer_feed;
use ordermesh_feed::project::Followers;
use ordermesh_feed::publish::Publisher;
use ordermesh_feed::store::PatientConnection;
use ordermesh_proto::event_types::PAYMENT_V1;
use ordermesh_proto::order::v1::order_event_service_client::OrderEventServiceClient;
use ordermesh_proto::payment::v1::payment_command_service_server::PaymentCommandServiceServer;
use ordermesh_proto::payment::v1::payment_event_service_server::PaymentEventServiceServer;
use ordermesh_proto::payment::v1::payment_query_service_server::PaymentQueryServiceServer;
use ordermesh_service::{Database, Environment, Services, StartError};
use sea_orm::{DatabaseConnection, DbBackend};

use attention::FailingOperations;
pub use config::{Config, GatewayKind, OperationsConfig, StripeConfig};
use gateway::Gateway;
use gateway::sandbox::Sandbox;
use gateway::stripe::Stripe;
use gateway::stripe::webhook::{self, Webhooks};
use policy::on_order_event::OnOrderEvent;
use store::{Claims, PaymentReader};
use worker::{Wake, Worker};

/// Name of the server.
pub const NAME: &str = "payment";
/// Name of its section of the configuration.
pub const SECTION: &str = "payment";

/// The feed that it publishes.
pub const FEED: Option<FeedSchema> = Some(PAYMENTS);

const PAYMENTS: FeedSchema = FeedSchema { events: PAYMENT_V1, key_description: "order id" };

/// Name of the server whose feed this one follows.
const ORDER_COMMAND: &str = "order_command";

fn stripe_unusable(error: std::io::Error) -> StartError {
    let address = "payment.stripe.base_url".to_owned();
    StartError::Address { what: "the certificates for", address, error: error.into() }
}

/// Opens the database, follows the order feed, starts the worker and makes the services.
pub async fn start(environment: &Environment, services: &mut Services) -> Result<Followers, StartError> {
    start_with(environment, services, |gateway| gateway).await
}

/// The same with a gateway that the caller makes of the configured one, such as one that loses answers.
pub async fn start_with(
    environment: &Environment,
    services: &mut Services,
    around: impl FnOnce(Arc<dyn Gateway>) -> Arc<dyn Gateway> + Send,
) -> Result<Followers, StartError> {
    let config: Config = environment.settings.section(SECTION)?;
    let (terms, worker_settings) = config.operations.check()?;
    if config.gateway == GatewayKind::Stripe {
        config.stripe.check(&environment.settings.server.http_listen)?;
    }
    let feed_settings = config.feed.with(&config.groups).map_err(config::unusable)?;
    let follower_settings = config.consumer.of(NAME).map_err(config::unusable)?;
    let orders =
        peer_feed!(OrderEventServiceClient, subscribe_order_events, environment.peer(ORDER_COMMAND)?);
    let Database { writer, reader, .. } =
        &environment.database::<store::Migrator>(NAME, &config.database_url).await?;
    let patience = environment.settings.database.patience();
    let patient = |connections: &DatabaseConnection| PatientConnection::new(connections.clone(), patience);
    let publisher =
        Publisher::open(writer, reader, PAYMENTS, feed_settings, environment.parts().into()).await?;
    let (committer, wake) = (publisher.committer(), Wake::default());
    let claims = Claims::new(patient(writer));
    if writer.get_database_backend() == DbBackend::Sqlite {
        claims.forget_all().await?;
    }
    let gateway: Arc<dyn Gateway> = around(match config.gateway {
        GatewayKind::Sandbox => Arc::new(Sandbox::new(patient(writer))),
        GatewayKind::Stripe => Arc::new(Stripe::new(&config.stripe).map_err(stripe_unusable)?),
    });
    let limit = environment.settings.server.max_request_bytes;
    let commands =
        grpc::CommandService::new(committer.clone(), wake.clone(), terms, gateway.is_told_of_actions());
    let queries = grpc::QueryService::new(PaymentReader::new(patient(reader)));
    let events = grpc::EventService::new(publisher.feed());
    services
        .add(PaymentCommandServiceServer::new(commands).max_decoding_message_size(limit))
        .add(PaymentQueryServiceServer::new(queries).max_decoding_message_size(limit))
        .add(PaymentEventServiceServer::new(events).max_decoding_message_size(limit));
    if config.gateway == GatewayKind::Stripe && !config.stripe.webhook_secret.is_empty() {
        let clock = environment.clock.clone();
        let webhooks = Webhooks::new(&config.stripe, claims.clone(), committer.clone(), clock, wake.clone());
        services.http(webhook::PATH, webhooks.routes());
    }
    services.attention(FailingOperations {
        reader: PaymentReader::new(patient(reader)),
        committer: committer.clone(),
        terms,
        wake: wake.clone(),
    });
    let worker = Worker {
        claims,
        committer: committer.clone(),
        gateway,
        terms,
        settings: worker_settings,
        clock: environment.clock.clone(),
        wake: wake.clone(),
    };
    worker.start(&environment.tasks, environment.shutdown.clone());
    let follower = Follower::new(writer, follower_settings, environment.parts().into());
    let consumer = follower.consume(OnOrderEvent::new(committer, terms, wake), orders).await?;
    Ok(Followers { others: vec![consumer as Arc<dyn ConsumerControl>], ..Followers::default() })
}
