//! Events made by hand, and a read model to apply them to.

use std::sync::Arc;
use std::time::Duration;

use ordermesh_feed::consume::{BlockedKeys, HandlerError, Progress};
use ordermesh_feed::project::Projection;
use ordermesh_feed::store::{PatientConnection, WriteTransaction};
use ordermesh_feed::token::LogPosition;
use ordermesh_kernel::EventId;
use ordermesh_order_query::grpc::QueryService;
use ordermesh_order_query::projection::{Changes, OrderProjection};
use ordermesh_order_query::query::ReadModel;
use ordermesh_order_query::query::page_reader::PageReader;
use ordermesh_order_query::query::reader::Reader;
use ordermesh_order_query::store::Migrator;
use ordermesh_proto::common::v1::Money;
use ordermesh_proto::order::v1::order_event::Payload;
use ordermesh_proto::order::v1::{self as wire, OrderEvent};
use ordermesh_service::Database;
use ordermesh_service::config::DatabaseSettings;
use ordermesh_testkit::backend::{Backend, create_database, fresh_name, server};
use sea_orm::{ConnectionTrait, DatabaseConnection, DbBackend};
use tokio::sync::watch;
use tokio_util::sync::CancellationToken;
use tokio_util::task::TaskTracker;
use uuid::Uuid;

pub const FEED: Uuid = Uuid::from_u128(0xfeed);

/// A read model without a feed: the test applies the events itself.
pub struct Shelf {
    pub projection: OrderProjection,
    pub service: QueryService,
    pub writer: DatabaseConnection,
    pub shutdown: CancellationToken,
    pub progress: watch::Sender<Progress>,
    pub blocked: BlockedKeys,
}

impl Shelf {
    /// One of its own, on this run's backend.
    pub async fn open() -> Self {
        let url = match Backend::of_this_run() {
            Backend::Sqlite => String::new(),
            Backend::Postgres => create_database(&server(), &fresh_name("order-query")).await,
        };
        let in_memory = url.is_empty();
        let database = Database::open::<Migrator>(&url.into(), in_memory, &DatabaseSettings::default()).await;
        Self::over(database.unwrap())
    }

    /// A read model that waits 50 ms for an `at_least`.
    pub fn over(database: Database) -> Self {
        let changes = Arc::new(Changes::default());
        let progress = watch::Sender::new(Progress::default());
        let shutdown = CancellationToken::new();
        let (writer, blocked) = (database.writer.clone(), BlockedKeys::default());
        let reader = PatientConnection::new(database.reader.clone(), DatabaseSettings::default().patience());
        let model = ReadModel {
            reader: Reader::start(reader.clone(), &TaskTracker::new()),
            pages: PageReader::new(reader),
            progress: progress.subscribe(),
            blocked: blocked.clone(),
            changes: changes.clone(),
            at_least_wait: Duration::from_millis(50),
            shutdown: shutdown.clone(),
        };
        let service = QueryService::new(model, database);
        Self { projection: OrderProjection::new(changes), service, writer, shutdown, progress, blocked }
    }

    /// Applies events to the tables of `suffix`, as the projector does.
    pub async fn apply_to(&self, suffix: &str, events: &[OrderEvent]) -> Result<(), HandlerError> {
        let tx = WriteTransaction::begin(&self.writer).await?;
        let applied = self.projection.apply(&tx, suffix, events).await;
        tx.end(applied).await
    }

    /// Parks the orders of the samples.
    pub fn park(&self, samples: &[&Sample]) {
        let parked = samples.iter().map(|sample| (sample.id(), "it tastes of poison".to_owned()));
        self.blocked.set(parked.collect());
    }

    /// Makes the order of the sample undecodable in the live table.
    pub async fn spoil(&self, sample: &Sample) {
        let (id, bytes) = match self.writer.get_database_backend() {
            DbBackend::Postgres => (format!("'{}'", sample.id()), r"'\xff'"),
            _ => (format!("x'{}'", sample.id().replace('-', "")), "x'ff'"),
        };
        let sql = format!("UPDATE order_views SET body = {bytes} WHERE order_id = {id}");
        assert_eq!(self.writer.execute_unprepared(&sql).await.unwrap().rows_affected(), 1);
    }

    /// Applies events to the live tables and tells so.
    pub async fn apply(&self, events: &[OrderEvent]) {
        self.apply_to("", events).await.unwrap();
        if let Some(last) = events.last() {
            self.progress.send_modify(|progress| progress.place = Some(place(last)));
        }
        self.projection.applied(events);
    }
}

/// The place of an event in its log.
pub fn place(event: &OrderEvent) -> LogPosition {
    let event_id = EventId::parse(&event.event_id).unwrap();
    LogPosition { feed_id: FEED, position: event.position, event_id: Some(event_id) }
}

/// An order to make events of; `number` is its identity and the position of its creation.
#[derive(Clone)]
pub struct Sample {
    pub number: u8,
    pub customer: Option<&'static str>,
    pub sku: &'static str,
    pub total: (&'static str, i64),
    pub placed_second: i64,
}

impl Default for Sample {
    fn default() -> Self {
        Self { number: 1, customer: None, sku: "TEA", total: ("EUR", 1300), placed_second: 1_000 }
    }
}

impl Sample {
    pub fn id(&self) -> String {
        Uuid::from_u128(u128::from(self.number)).to_string()
    }

    pub fn event(&self, revision: i64, kind: &str, payload: Payload) -> OrderEvent {
        let position = i64::from(self.number) + 100 * (revision - 1);
        OrderEvent {
            position,
            event_id: Uuid::from_u128(position as u128).to_string(),
            r#type: kind.to_owned(),
            schema_version: 1,
            key: self.id(),
            key_revision: revision,
            occurred_time: Some(seconds(self.placed_second + revision - 1)),
            causation_id: format!("cause-{revision}"),
            payload: Some(payload),
            ..OrderEvent::default()
        }
    }

    pub fn created(&self) -> OrderEvent {
        use wire::order_created::Buyer;
        let contact = wire::Contact { email: "mia@example.org".to_owned(), ..Default::default() };
        let line =
            wire::OrderLine { line_id: 1, sku: self.sku.to_owned(), quantity: 2, ..Default::default() };
        let created = wire::OrderCreated {
            order_id: self.id(),
            order_reference: format!("shop-{}", self.number),
            buyer: Some(match self.customer {
                Some(id) => Buyer::CustomerId(id.to_owned()),
                None => Buyer::Guest(wire::Guest {}),
            }),
            lines: vec![line.clone(), wire::OrderLine { line_id: 2, ..line }],
            totals: Some(wire::OrderTotals { total: Some(self.money()), ..Default::default() }),
            amount_due: Some(self.money()),
            order_revision: 1,
            actor: Some(actor(wire::actor::Kind::Workload("shop".to_owned()))),
            personal_data: Some(wire::OrderPersonalData { contact: Some(contact), ..Default::default() }),
            ..Default::default()
        };
        self.event(1, "OrderCreated", Payload::OrderCreated(created))
    }

    /// The creation of an order of 600 000 bytes, half of which are personal data.
    pub fn large(&self) -> OrderEvent {
        let mut event = self.created();
        if let Some(Payload::OrderCreated(created)) = &mut event.payload {
            created.lines[0].title = "x".repeat(300_000);
            let contact = created.personal_data.as_mut().and_then(|personal| personal.contact.as_mut());
            contact.unwrap().email = "y".repeat(300_000);
        }
        event
    }

    pub fn requested(&self) -> OrderEvent {
        let payload = wire::OrderCancellationRequested {
            order_id: self.id(),
            reason: "too late".to_owned(),
            actor: Some(actor(wire::actor::Kind::Customer("mia".to_owned()))),
            order_revision: 2,
            ..Default::default()
        };
        self.event(2, "OrderCancellationRequested", Payload::OrderCancellationRequested(payload))
    }

    pub fn cancelled(&self) -> OrderEvent {
        let payload = wire::OrderCancelled {
            order_id: self.id(),
            reason: "too late".to_owned(),
            actor: Some(actor(wire::actor::Kind::Policy("cancellation".to_owned()))),
            order_revision: 3,
            ..Default::default()
        };
        self.event(3, "OrderCancelled", Payload::OrderCancelled(payload))
    }

    fn money(&self) -> Money {
        Money { currency_code: self.total.0.to_owned(), minor_units: self.total.1 }
    }
}

/// Five orders that differ in everything that lists look at.
pub fn samples() -> [Sample; 5] {
    let sample =
        |number, customer, sku, total, placed_second| Sample { number, customer, sku, total, placed_second };
    [
        sample(1, Some("mia"), "TEA", ("EUR", 500), 1_000),
        sample(2, None, "CUP", ("USD", 100), 2_000),
        sample(3, Some("mia"), "TEA", ("EUR", 500), 3_000),
        sample(4, Some("tom"), "POT", ("EUR", 200), 3_000),
        sample(5, Some("mia"), "CUP", ("CHF", 900), 4_000),
    ]
}

pub fn seconds(seconds: i64) -> prost_types::Timestamp {
    prost_types::Timestamp { seconds, nanos: 0 }
}

pub fn actor(kind: wire::actor::Kind) -> wire::Actor {
    wire::Actor { kind: Some(kind) }
}

/// The numbers of the samples that orders were made of.
pub fn numbers(orders: &[wire::Order]) -> Vec<u128> {
    orders.iter().map(|order| Uuid::parse_str(&order.order_id).unwrap().as_u128()).collect()
}
