//! An order feed whose events the test makes up.

use std::collections::HashMap;
use std::convert::Infallible;
use std::path::Path;
use std::sync::{Arc, Mutex};

use ordermesh_feed::commit::{Answer, Command, CommandIdentity, Committer, UnitOfWork, fingerprint};
use ordermesh_feed::config::{FeedConfig, GroupsConfig};
use ordermesh_feed::event::{Cause, NewEvent};
use ordermesh_feed::event_service;
use ordermesh_feed::log::FeedSchema;
use ordermesh_feed::publish::Publisher;
use ordermesh_feed::store::{
    GroupMigration, LogMigration, ParkingMigration, RetentionMigration, WriteTransaction, Writes,
};
use ordermesh_kernel::{Clock, SystemClock, Timestamp};
use ordermesh_proto::event_types::ORDER_V1;
use ordermesh_proto::order::v1::order_event_service_server::{OrderEventService, OrderEventServiceServer};
use ordermesh_proto::order::v1::{self as wire, LineProgress, LineQuantity, ReturnCondition};
use ordermesh_service::config::Settings;
use ordermesh_service::server::{Listeners, serve};
use ordermesh_service::{Environment, Services};
use ordermesh_testkit::backend::fresh_url;
use prost::Message;
use sea_orm::DbErr;
use sea_orm_migration::{MigrationTrait, MigratorTrait};
use tokio_util::sync::CancellationToken;
use uuid::Uuid;

event_service!(FeedService, OrderEventService, SubscribeOrderEventsStream, subscribe_order_events);

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

/// Nothing but events.
#[derive(Default)]
struct Said(Vec<NewEvent>);

#[async_trait::async_trait]
impl UnitOfWork for Said {
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

struct Say(Vec<NewEvent>);

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

impl Command<Said> for Say {
    type Answer = Done;
    type Refusal = Infallible;

    fn wants(&self) -> Vec<()> {
        Vec::new()
    }

    fn decide(&self, unit: &mut Said, _: Timestamp) -> Result<Done, Infallible> {
        unit.0.extend(self.0.iter().cloned());
        Ok(Done)
    }
}

/// A fact of an order: its name, and the payload.
pub type Fact = (&'static str, Vec<u8>);

/// The feed's server.
pub struct Orders {
    pub addr: String,
    committer: Committer<Said>,
    revisions: Mutex<HashMap<Uuid, i64>>,
    _stop: tokio_util::sync::DropGuard,
}

impl Orders {
    pub async fn open(directory: &Path) -> Self {
        let url = fresh_url(directory, "order-command").await;
        let listen = [("ORDERMESH_SERVER__LISTEN".to_owned(), "127.0.0.1:0".to_owned())];
        let mut settings = Settings::load(None, listen, [], &[]).unwrap();
        let listeners = Listeners::bind(&mut settings.server).await.unwrap();
        let addr = format!("http://{}", settings.server.listen);
        let stop = CancellationToken::new();
        let environment = Environment::new(settings, Arc::new(SystemClock), stop.clone());
        let database = environment.database::<Migrator>("order-command", &url.into()).await.unwrap();
        let settings = FeedConfig::default().with(&GroupsConfig::default()).unwrap();
        let schema = FeedSchema { events: ORDER_V1, key_description: "order id" };
        let runtime = environment.parts().into();
        let publisher =
            Publisher::open(&database.writer, &database.reader, schema, settings, runtime).await.unwrap();
        let mut services = Services::default();
        services.add(OrderEventServiceServer::new(FeedService::new(publisher.feed())));
        let committer = publisher.committer();
        tokio::spawn(async move { serve(&environment, services, listeners, || ()).await.unwrap() });
        Self { addr, committer, revisions: Mutex::default(), _stop: stop.drop_guard() }
    }

    /// Facts of an order, one after the other.
    pub async fn say(&self, order: Uuid, facts: impl IntoIterator<Item = Fact>) {
        self.say_all(facts.into_iter().map(|fact| (order, fact)).collect()).await;
    }

    /// Facts of many orders in one commit.
    pub async fn say_all(&self, facts: Vec<(Uuid, Fact)>) {
        let event = |(order, (kind, payload)): (Uuid, Fact)| {
            let mut revisions = self.revisions.lock().unwrap();
            let revision = revisions.entry(order).or_default();
            *revision += 1;
            NewEvent {
                kind,
                schema_version: 1,
                key: order.to_string(),
                key_revision: *revision,
                occurred: SystemClock.now(),
                payload,
                personal: None,
            }
        };
        let events = facts.into_iter().map(event).collect();
        let request_id = Uuid::now_v7().to_string();
        let identity = CommandIdentity {
            method: "Say",
            principal: "test".to_owned(),
            fingerprint: fingerprint(request_id.as_bytes()),
            request_id,
            bytes: 100,
            cause: Cause::default(),
        };
        self.committer.execute(identity, Say(events)).await.unwrap();
    }
}

pub fn created(lines: &[(&str, i32)]) -> Fact {
    let line = |(line_id, (sku, quantity)): (i32, &(&str, i32))| wire::OrderLine {
        line_id,
        sku: (*sku).to_owned(),
        quantity: *quantity,
        ..Default::default()
    };
    let lines = (1..).zip(lines).map(line).collect();
    ("OrderCreated", wire::OrderCreated { lines, ..Default::default() }.encode_to_vec())
}

pub fn confirmed() -> Fact {
    ("OrderConfirmed", wire::OrderConfirmed::default().encode_to_vec())
}

pub fn rejected() -> Fact {
    ("OrderRejected", wire::OrderRejected::default().encode_to_vec())
}

pub fn expired() -> Fact {
    ("OrderExpired", wire::OrderExpired::default().encode_to_vec())
}

pub fn cancellation_requested() -> Fact {
    ("OrderCancellationRequested", wire::OrderCancellationRequested::default().encode_to_vec())
}

fn progress(line_id: i32, ordered: i32) -> LineProgress {
    LineProgress { line_id, ordered, ..Default::default() }
}

/// Of a line of `ordered` pieces so many are cancelled by now.
pub fn line_cancelled(line_id: i32, ordered: i32, cancelled: i32) -> Fact {
    let progress = vec![LineProgress { cancelled, ..progress(line_id, ordered) }];
    let lines = vec![LineQuantity { line_id, quantity: cancelled }];
    let fact = wire::OrderLinesCancelled { progress, lines, ..Default::default() };
    ("OrderLinesCancelled", fact.encode_to_vec())
}

/// Of a line of `ordered` pieces so many are cancelled, and so many have left by now.
pub fn dispatched(line_id: i32, ordered: i32, cancelled: i32, shipped: i32) -> Fact {
    let progress = vec![LineProgress { cancelled, shipped, ..progress(line_id, ordered) }];
    ("ShipmentDispatched", wire::ShipmentDispatched { progress, ..Default::default() }.encode_to_vec())
}

/// Pieces of a line are back, some to be sold again and some not.
pub fn returned(return_id: Uuid, line_id: i32, resaleable: i32, damaged: i32) -> Fact {
    let part = |accepted_quantity, condition: ReturnCondition| wire::ReceivedLine {
        line_id,
        accepted_quantity,
        condition: condition.into(),
    };
    let received =
        vec![part(resaleable, ReturnCondition::Resaleable), part(damaged, ReturnCondition::Damaged)];
    let order_return = wire::OrderReturn { return_id: return_id.to_string(), received, ..Default::default() };
    let fact = wire::ReturnReceived { order_return: Some(order_return), ..Default::default() };
    ("ReturnReceived", fact.encode_to_vec())
}
