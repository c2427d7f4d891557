//! A neighbour as small as possible: a feed in a database of its own, served over gRPC, that tells what the test says.

use std::collections::HashMap;
use std::sync::{Arc, Mutex};

use ordermesh_feed::commit::{Answer, Command, Committer, UnitOfWork};
use ordermesh_feed::config::{FeedConfig, GroupsConfig};
use ordermesh_feed::event::NewEvent;
use ordermesh_feed::event_service;
use ordermesh_feed::log::FeedSchema;
use ordermesh_feed::publish::Publisher;
use ordermesh_feed::runtime::Runtime;
use ordermesh_feed::serve::FeedServer;
use ordermesh_feed::store::{WriteTransaction, Writes};
use ordermesh_kernel::{Clock, SystemClock, Timestamp};
use ordermesh_order_command::store::Migrator;
use ordermesh_proto::event_types::{INVENTORY_V1, PAYMENT_V1};
use ordermesh_proto::inventory::v1::inventory_event_service_server::{
    InventoryEventService, InventoryEventServiceServer,
};
use ordermesh_proto::payment::v1::payment_event_service_server::{
    PaymentEventService, PaymentEventServiceServer,
};
use ordermesh_service::Database;
use ordermesh_service::config::DatabaseSettings;
use ordermesh_testkit::backend;
use prost::Message;
use sea_orm::DbErr;
use tempfile::TempDir;
use tokio_util::sync::CancellationToken;
use tokio_util::task::TaskTracker;
use tonic::service::RoutesBuilder;
use tonic::transport::server::TcpIncoming;
use tonic::transport::{Channel, Endpoint, Server};

use crate::house::identity;

event_service!(
    InventoryEvents,
    InventoryEventService,
    SubscribeInventoryEventsStream,
    subscribe_inventory_events
);
event_service!(PaymentEvents, PaymentEventService, SubscribePaymentEventsStream, subscribe_payment_events);

/// A neighbour of order; ends when it is dropped.
pub struct Neighbour {
    committer: Committer<Telling>,
    revisions: Mutex<HashMap<String, i64>>,
    /// To its server.
    pub channel: Channel,
    shutdown: CancellationToken,
    _files: TempDir,
}

impl Drop for Neighbour {
    fn drop(&mut self) {
        self.shutdown.cancel();
    }
}

impl Neighbour {
    pub async fn inventory() -> Self {
        let schema = FeedSchema { events: INVENTORY_V1, key_description: "order id" };
        Self::open(schema, |routes, feed| {
            routes.add_service(InventoryEventServiceServer::new(InventoryEvents::new(feed)));
        })
        .await
    }

    pub async fn payment() -> Self {
        let schema = FeedSchema { events: PAYMENT_V1, key_description: "order id" };
        Self::open(schema, |routes, feed| {
            routes.add_service(PaymentEventServiceServer::new(PaymentEvents::new(feed)));
        })
        .await
    }

    /// The tables of order's database hold any log.
    async fn open(schema: FeedSchema, serve: impl FnOnce(&mut RoutesBuilder, FeedServer)) -> Self {
        let files = tempfile::tempdir().unwrap();
        let url = backend::fresh_url(files.path(), "order-command").await;
        let settings = DatabaseSettings::default();
        let database = Database::open::<Migrator>(&url.into(), false, &settings).await.unwrap();
        let shutdown = CancellationToken::new();
        let runtime = Runtime {
            clock: Arc::new(SystemClock),
            tasks: TaskTracker::new(),
            shutdown: shutdown.clone(),
            patience: settings.patience(),
        };
        let publishing = FeedConfig::default().with(&GroupsConfig::default()).unwrap();
        let (writer, reader) = (&database.writer, &database.reader);
        let publisher = Publisher::open(writer, reader, schema, publishing, runtime).await.unwrap();
        let mut routes = RoutesBuilder::default();
        serve(&mut routes, publisher.feed());
        let incoming = TcpIncoming::bind("127.0.0.1:0".parse().unwrap()).unwrap();
        let address = incoming.local_addr().unwrap();
        let end = shutdown.clone();
        tokio::spawn(async move {
            let server = Server::builder().add_routes(routes.routes());
            server.serve_with_incoming_shutdown(incoming, end.cancelled_owned()).await.unwrap();
        });
        let channel = Endpoint::from_shared(format!("http://{address}")).unwrap().connect_lazy();
        let (committer, revisions) = (publisher.committer(), Mutex::default());
        Self { committer, revisions, channel, shutdown, _files: files }
    }

    /// Publishes an event under a key.
    pub async fn tell(&self, kind: &'static str, key: &str, payload: &impl Message) {
        let key_revision = {
            let mut revisions = self.revisions.lock().unwrap();
            let revision = revisions.entry(key.to_owned()).or_default();
            *revision += 1;
            *revision
        };
        let event = Tell(NewEvent {
            kind,
            schema_version: 1,
            key: key.to_owned(),
            key_revision,
            occurred: SystemClock.now(),
            payload: payload.encode_to_vec(),
            personal: None,
        });
        self.committer.execute(identity(), event).await.unwrap();
    }
}

/// What is to be told, and nothing else.
struct Telling(Vec<NewEvent>);

struct Tell(NewEvent);

#[derive(Clone)]
struct Told;

#[async_trait::async_trait]
impl UnitOfWork for Telling {
    type Want = ();

    async fn load(_: &WriteTransaction, _: Vec<()>) -> Result<Self, DbErr> {
        Ok(Self(vec![]))
    }

    fn take_events(&mut self) -> Vec<NewEvent> {
        std::mem::take(&mut self.0)
    }

    fn store(self, _: &mut Writes) -> Result<(), DbErr> {
        Ok(())
    }
}

impl Command<Telling> for Tell {
    type Answer = Told;
    type Refusal = &'static str;

    fn wants(&self) -> Vec<()> {
        vec![]
    }

    fn decide(&self, unit: &mut Telling, _: Timestamp) -> Result<Told, &'static str> {
        unit.0.push(self.0.clone());
        Ok(Told)
    }
}

impl Answer for Told {
    fn encode(&self) -> Vec<u8> {
        vec![]
    }

    fn decode(_: &[u8]) -> Option<Self> {
        Some(Self)
    }
}
