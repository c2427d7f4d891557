//! Order's write model between two neighbours, with its consumers, which can be stopped and set back.

use std::sync::Arc;
use std::time::Duration;

use ordermesh_feed::commit::{CommandIdentity, Committer, fingerprint};
use ordermesh_feed::config::{ConsumerConfig, FeedConfig, GroupsConfig};
use ordermesh_feed::consume::ConsumerControl;
use ordermesh_feed::event::Cause;
use ordermesh_feed::follow::Follower;
use ordermesh_feed::parking::ParkedEvent;
use ordermesh_feed::peer_feed;
use ordermesh_feed::publish::Publisher;
use ordermesh_feed::react::Reactions;
use ordermesh_feed::runtime::Runtime;
use ordermesh_feed::store::PatientConnection;
use ordermesh_kernel::{Money, OrderId, SystemClock};
use ordermesh_order_command::command::place_order::PlaceOrder;
use ordermesh_order_command::domain::{Actor, Buyer, NewLine, OrderDraft, Quantity, Sku, TaxRate};
use ordermesh_order_command::policy::{OnPayment, OnStock, PaymentDeadlines};
use ordermesh_order_command::store::{Migrator, OrdersUnit};
use ordermesh_order_command::{FEED, NAME};
use ordermesh_proto::inventory::v1::inventory_event_service_client::InventoryEventServiceClient;
use ordermesh_proto::payment::v1::payment_event_service_client::PaymentEventServiceClient;
use ordermesh_service::Database;
use ordermesh_service::config::DatabaseSettings;
use ordermesh_testkit::order::fresh_id;
use ordermesh_testkit::{backend, eventually};
use sea_orm::{ConnectionTrait, Statement};
use tempfile::TempDir;
use tokio_util::sync::CancellationToken;
use tokio_util::task::TaskTracker;

use crate::neighbour::Neighbour;

pub struct House {
    pub inventory: Neighbour,
    pub payment: Neighbour,
    database: Database,
    committer: Committer<OrdersUnit>,
    shutdown: CancellationToken,
    _files: TempDir,
}

impl Drop for House {
    fn drop(&mut self) {
        self.shutdown.cancel();
    }
}

/// The consumers of a run.
pub struct Following {
    pub stock: Arc<dyn ConsumerControl>,
    pub payment: Arc<dyn ConsumerControl>,
    runtime: Runtime,
}

impl House {
    pub async fn open() -> Self {
        let files = tempfile::tempdir().unwrap();
        let url = backend::fresh_url(files.path(), NAME).await;
        let settings = DatabaseSettings::default();
        let database = Database::open::<Migrator>(&url.into(), false, &settings).await.unwrap();
        let shutdown = CancellationToken::new();
        let publishing = FeedConfig::default().with(&GroupsConfig::default()).unwrap();
        let (writer, reader) = (&database.writer, &database.reader);
        let publisher =
            Publisher::open(writer, reader, FEED.unwrap(), publishing, runtime(shutdown.clone())).await;
        let committer = publisher.unwrap().committer();
        let (inventory, payment) = (Neighbour::inventory().await, Neighbour::payment().await);
        Self { inventory, payment, database, committer, shutdown, _files: files }
    }

    /// Follows both feeds as the server does, from where the checkpoints stand.
    pub async fn follow(&self) -> Following {
        let runtime = runtime(CancellationToken::new());
        let settings = ConsumerConfig { retry_ms: 1, max_retry_ms: 20, ..ConsumerConfig::default() };
        let follower = Follower::new(&self.database.writer, settings.of(NAME).unwrap(), runtime.clone());
        let reactions = || Reactions::new(self.committer.clone(), NAME);
        let (inventory, payment) = (self.inventory.channel.clone(), self.payment.channel.clone());
        let stock = peer_feed!(InventoryEventServiceClient, subscribe_inventory_events, inventory);
        let money = peer_feed!(PaymentEventServiceClient, subscribe_payment_events, payment);
        Following {
            stock: follower.consume(OnStock::new(reactions()), stock).await.unwrap(),
            payment: follower.consume(OnPayment::new(reactions(), 3), money).await.unwrap(),
            runtime,
        }
    }

    /// What expires orders, with such a follower of payment.
    pub fn deadlines(&self, payment: Arc<dyn ConsumerControl>) -> PaymentDeadlines {
        let patience = DatabaseSettings::default().patience();
        let db = PatientConnection::new(self.database.reader.clone(), patience);
        PaymentDeadlines::new(db, self.committer.clone(), payment)
    }

    /// The checkpoints as they were before everything: what a crash between effect and checkpoint leaves behind.
    pub async fn forget_checkpoints(&self) {
        self.database.writer.execute_unprepared("DELETE FROM checkpoints").await.unwrap();
    }

    /// Three packets of tea for 13.50 EUR.
    pub async fn place(&self) -> OrderId {
        let line = NewLine {
            sku: Sku::parse("TEA").unwrap(),
            title: None,
            quantity: Quantity::new(3).unwrap(),
            unit_price: Money::parse("4.50 EUR").unwrap(),
            tax_rate: TaxRate::from_ppm(0).unwrap(),
        };
        let draft = OrderDraft {
            order_reference: None,
            buyer: Buyer::Guest,
            personal: None,
            billing_account_id: None,
            payment_method_token: None,
            lines: vec![line],
            shipping: None,
            discounts: vec![],
            prices_include_tax: true,
            expected_total: None,
        };
        let actor = Actor::Workload("shop".to_owned());
        let command = PlaceOrder { draft, actor, payment_window: Duration::from_secs(3_600) };
        self.committer.execute(identity(), command).await.unwrap().answer.order_id
    }

    /// State, stock, payment and revision of an order.
    pub async fn order(&self, order: OrderId) -> String {
        let db = &self.database.writer;
        let backend = db.get_database_backend();
        let sql = "SELECT state, stock, payment, revision FROM orders WHERE order_id = $1";
        let statement = Statement::from_sql_and_values(backend, sql, [(*order.as_uuid()).into()]);
        let row = db.query_one_raw(statement).await.unwrap().unwrap();
        let text = |column: &str| row.try_get::<String>("", column).unwrap();
        let revision: i64 = row.try_get("", "revision").unwrap();
        format!("{} {} {} {revision}", text("state"), text("stock"), text("payment"))
    }

    /// Names of the events of an order, in order.
    pub async fn events(&self, order: OrderId) -> Vec<String> {
        let db = &self.database.writer;
        let sql = "SELECT kind FROM events WHERE key = $1 ORDER BY position";
        let values = [order.to_string().into()];
        let statement = Statement::from_sql_and_values(db.get_database_backend(), sql, values);
        let rows = db.query_all_raw(statement).await.unwrap();
        rows.iter().map(|row| row.try_get("", "kind").unwrap()).collect()
    }
}

impl Following {
    /// Both have taken in all that there is, or parked it.
    pub async fn caught_up(&self, stock: i64, payment: i64) {
        for (consumer, head) in [(&self.stock, stock), (&self.payment, payment)] {
            eventually!(
                match consumer.progress().place {
                    Some(place) if place.position >= head => Ok(()),
                    place => Err(format!("{place:?}")),
                },
                "{} is at {head}",
                consumer.name()
            );
        }
    }

    pub async fn stop(self) {
        self.runtime.shutdown.cancel();
        self.runtime.tasks.close();
        self.runtime.tasks.wait().await;
    }
}

pub async fn parked(consumer: &Arc<dyn ConsumerControl>) -> Vec<ParkedEvent> {
    consumer.parked(None, 0, 100).await.unwrap().into_iter().map(|(event, _)| event).collect()
}

fn runtime(shutdown: CancellationToken) -> Runtime {
    let patience = DatabaseSettings::default().patience();
    Runtime { clock: Arc::new(SystemClock), tasks: TaskTracker::new(), shutdown, patience }
}

pub fn identity() -> CommandIdentity {
    let request_id = fresh_id();
    CommandIdentity {
        method: "Test",
        principal: "test".to_owned(),
        fingerprint: fingerprint(request_id.as_bytes()),
        bytes: 100,
        cause: Cause::default(),
        request_id,
    }
}
