//! A publisher of order events made by hand: a real feed behind a real event service.

use ordermesh_feed::commit::{Answer, Command, CommandIdentity, Committer, UnitOfWork, fingerprint};
use ordermesh_feed::config::{FeedConfig, GroupsConfig};
use ordermesh_feed::event::{Cause, NewEvent};
use ordermesh_feed::event_service;
use ordermesh_feed::log::FeedSchema;
use ordermesh_feed::publish::Publisher;
use ordermesh_feed::runtime::Runtime;
use ordermesh_feed::store::{
    GroupMigration, LogMigration, ParkingMigration, RetentionMigration, WriteTransaction, Writes,
};
use ordermesh_kernel::{OrderId, SystemClock, Timestamp};
use ordermesh_proto::common::v1::Money;
use ordermesh_proto::event_types::ORDER_V1;
use ordermesh_proto::order::v1 as wire;
use ordermesh_proto::order::v1::order_event_service_server::{OrderEventService, OrderEventServiceServer};
use ordermesh_service::Database;
use ordermesh_service::config::DatabaseSettings;
use ordermesh_testkit::backend;
use prost::Message;
use sea_orm::DbErr;
use sea_orm_migration::{MigrationTrait, MigratorTrait};
use std::sync::Arc;
use std::time::Duration;
use tempfile::TempDir;
use tokio::net::TcpListener;
use tokio_stream::wrappers::TcpListenerStream;
use tokio_util::sync::CancellationToken;
use tokio_util::task::TaskTracker;
use uuid::Uuid;

struct Migrator;

impl MigratorTrait for Migrator {
    fn migrations() -> Vec<Box<dyn MigrationTrait>> {
        vec![
            Box::new(LogMigration),
            Box::new(ParkingMigration),
            Box::new(GroupMigration),
            Box::new(RetentionMigration),
        ]
    }
}

/// Events that are published as they come.
#[derive(Default)]
struct Told(Vec<NewEvent>);

#[async_trait::async_trait]
impl UnitOfWork for Told {
    type Want = ();

    async fn load(_: &WriteTransaction, _: Vec<()>) -> Result<Self, DbErr> {
        Ok(Self::default())
    }

    fn take_events(&mut self) -> Vec<NewEvent> {
        std::mem::take(&mut self.0)
    }

    fn store(self, _: &mut Writes) -> Result<(), DbErr> {
        Ok(())
    }
}

struct Tell(NewEvent);

#[derive(Clone)]
struct Done;

impl Answer for Done {
    fn encode(&self) -> Vec<u8> {
        Vec::new()
    }

    fn decode(_: &[u8]) -> Option<Self> {
        Some(Self)
    }
}

impl Command<Told> for Tell {
    type Answer = Done;
    type Refusal = String;

    fn wants(&self) -> Vec<()> {
        Vec::new()
    }

    fn decide(&self, unit: &mut Told, _: Timestamp) -> Result<Done, String> {
        unit.0.push(self.0.clone());
        Ok(Done)
    }
}

event_service!(EventService, OrderEventService, SubscribeOrderEventsStream, subscribe_order_events);

/// The order server, as far as payment knows it.
pub struct Orders {
    committer: Committer<Told>,
    pub address: String,
    shutdown: CancellationToken,
    _files: TempDir,
}

impl Orders {
    pub async fn open() -> Self {
        let files = tempfile::tempdir().unwrap();
        let url = backend::fresh_url(files.path(), "orders").await;
        let database =
            Database::open::<Migrator>(&url.into(), false, &DatabaseSettings::default()).await.unwrap();
        let shutdown = CancellationToken::new();
        let runtime = Runtime {
            clock: Arc::new(SystemClock),
            tasks: TaskTracker::new(),
            shutdown: shutdown.clone(),
            patience: Duration::from_secs(20),
        };
        let settings = FeedConfig::default().with(&GroupsConfig::default()).unwrap();
        let schema = FeedSchema { events: ORDER_V1, key_description: "order id" };
        let publisher =
            Publisher::open(&database.writer, &database.reader, schema, settings, runtime).await.unwrap();
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let address = listener.local_addr().unwrap().to_string();
        let service = OrderEventServiceServer::new(EventService::new(publisher.feed()));
        tokio::spawn(
            tonic::transport::Server::builder()
                .add_service(service)
                .serve_with_incoming(TcpListenerStream::new(listener)),
        );
        Self { committer: publisher.committer(), address, shutdown, _files: files }
    }

    /// Publishes an event once more or for the first time. The log gives it another id each time.
    pub async fn tell(&self, order: &Order, revision: i64, due: i64, what: Fact) {
        let event = order.event(revision, due, what);
        let request_id = Uuid::now_v7().to_string();
        let identity = CommandIdentity {
            method: "Tell",
            principal: "test".to_owned(),
            fingerprint: fingerprint(request_id.as_bytes()),
            bytes: 1,
            cause: Cause { correlation_id: format!("cart of {}", order.id), ..Cause::default() },
            request_id,
        };
        assert!(self.committer.execute(identity, Tell(event)).await.is_ok(), "the event is published");
    }
}

impl Drop for Orders {
    fn drop(&mut self) {
        self.shutdown.cancel();
    }
}

/// What happened to an order.
#[derive(Clone, Copy)]
pub enum Fact {
    Created(&'static str),
    Retry(&'static str, i32),
    Confirmed,
    Cancelled,
    LinesCancelled,
}

/// An order to make events of.
pub struct Order {
    pub id: OrderId,
    key_revision: std::sync::atomic::AtomicI64,
}

impl Order {
    pub fn new() -> Self {
        Self { id: OrderId::from(Uuid::now_v7()), key_revision: Default::default() }
    }

    fn event(&self, order_revision: i64, due: i64, what: Fact) -> NewEvent {
        let order_id = self.id.to_string();
        let amount_due = Some(Money { currency_code: "EUR".to_owned(), minor_units: due });
        let (kind, payload) = match what {
            Fact::Created(token) => {
                let payment_method_token = token.to_owned();
                let created = wire::OrderCreated {
                    order_id,
                    order_revision,
                    amount_due,
                    payment_method_token,
                    ..Default::default()
                };
                ("OrderCreated", created.encode_to_vec())
            }
            Fact::Retry(token, attempt) => {
                let payment_method_token = token.to_owned();
                let retry = wire::PaymentRetryRequested {
                    order_id,
                    order_revision,
                    amount_due,
                    payment_method_token,
                    attempt,
                    ..Default::default()
                };
                ("PaymentRetryRequested", retry.encode_to_vec())
            }
            Fact::Confirmed => {
                let confirmed =
                    wire::OrderConfirmed { order_id, order_revision, amount_due, ..Default::default() };
                ("OrderConfirmed", confirmed.encode_to_vec())
            }
            Fact::Cancelled => {
                let cancelled = wire::OrderCancellationRequested {
                    order_id,
                    order_revision,
                    amount_due,
                    ..Default::default()
                };
                ("OrderCancellationRequested", cancelled.encode_to_vec())
            }
            Fact::LinesCancelled => {
                let less =
                    wire::OrderLinesCancelled { order_id, order_revision, amount_due, ..Default::default() };
                ("OrderLinesCancelled", less.encode_to_vec())
            }
        };
        NewEvent {
            kind,
            schema_version: 1,
            key: self.id.to_string(),
            // The feed counts; what is told again or late has an old order_revision.
            key_revision: 1 + self.key_revision.fetch_add(1, std::sync::atomic::Ordering::SeqCst),
            occurred: ordermesh_kernel::Clock::now(&SystemClock),
            payload,
            personal: None,
        }
    }
}
