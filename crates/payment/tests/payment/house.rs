//! The payment server in this process, over a database that outlives it.

use std::sync::Arc;

use ordermesh_kernel::SystemClock;
use ordermesh_payment::gateway::Gateway;
use ordermesh_proto::feed::v1::SubscribeRequest;
use ordermesh_proto::feed::v1::subscribe_response::Frame;
use ordermesh_proto::feed::v1::until::Bound;
use ordermesh_proto::payment::v1 as wire;
use ordermesh_proto::payment::v1::payment_command_service_client::PaymentCommandServiceClient;
use ordermesh_proto::payment::v1::payment_event::Payload;
use ordermesh_proto::payment::v1::payment_event_service_client::PaymentEventServiceClient;
use ordermesh_proto::payment::v1::payment_query_service_client::PaymentQueryServiceClient;
use ordermesh_proto::payment::v1::{Payment, PaymentEvent, PaymentStatus};
use ordermesh_service::config::Settings;
use ordermesh_service::server::{self, Listeners};
use ordermesh_service::{Environment, Services};
use ordermesh_testkit::backend::{self, Backend};
use ordermesh_testkit::client::channel;
use ordermesh_testkit::eventually;
use ordermesh_testkit::feed::until;
use ordermesh_testkit::wait::soon;
use prost::Message;
use sea_orm::{ConnectionTrait, DatabaseConnection, Statement};
use tempfile::TempDir;
use tokio::task::JoinHandle;
use tokio_util::sync::CancellationToken;
use tonic::transport::Channel;

use crate::orders::{Fact, Order, Orders};

/// A database for payment, an order server, and how payment is to be started.
pub struct House {
    pub orders: Orders,
    pub url: String,
    pub settings: Vec<(String, String)>,
    files: TempDir,
}

/// A running payment server.
pub struct Server {
    pub address: String,
    pub http: String,
    shutdown: CancellationToken,
    serving: JoinHandle<()>,
    runtime: Option<tokio::runtime::Runtime>,
}

/// Makes another gateway of the configured one.
pub type Around = Box<dyn FnOnce(Arc<dyn Gateway>) -> Arc<dyn Gateway> + Send>;

impl House {
    pub async fn open() -> Self {
        let (orders, files) = (Orders::open().await, tempfile::tempdir().unwrap());
        let url = backend::fresh_url(files.path(), "payment").await;
        Self { orders, url, settings: Vec::new(), files }
    }

    /// One more setting below `payment.`.
    pub fn set(&mut self, key: &str, value: &str) {
        let name = key.replace('.', "__").to_uppercase();
        self.settings.push((format!("ORDERMESH_PAYMENT__{name}"), value.to_owned()));
    }

    pub async fn start(&self) -> Server {
        self.start_with(Box::new(|gateway| gateway)).await
    }

    /// With a gateway made of the sandbox, on a runtime of its own, so that it can die with all its tasks.
    pub async fn start_with(&self, around: Around) -> Server {
        let mut settings = self.load();
        let runtime =
            tokio::runtime::Builder::new_multi_thread().worker_threads(2).enable_all().build().unwrap();
        let shutdown = CancellationToken::new();
        let (ready, is_ready) = tokio::sync::oneshot::channel();
        let ends = shutdown.clone();
        let serving = runtime.spawn(async move {
            let listeners = Listeners::bind(&mut settings.server).await.unwrap();
            let (address, http) = (settings.server.listen.clone(), settings.server.http_listen.clone());
            let environment = Environment::new(settings, Arc::new(SystemClock), ends);
            let mut services = Services::default();
            ordermesh_payment::start_with(&environment, &mut services, around).await.unwrap();
            services.serve_attention(environment.settings.server.max_request_bytes);
            server::serve(&environment, services, listeners, move || ready.send((address, http)).unwrap())
                .await
                .unwrap();
        });
        let (address, http) = soon("the start", is_ready).await.unwrap();
        Server { address, http, shutdown, serving, runtime: Some(runtime) }
    }

    /// Why the settings are refused at the start.
    pub async fn refusal(&self) -> String {
        let shutdown = CancellationToken::new();
        let environment = Environment::new(self.load(), Arc::new(SystemClock), shutdown.clone());
        let started = ordermesh_payment::start(&environment, &mut Services::default()).await;
        shutdown.cancel();
        started.err().expect("the start is refused").to_string()
    }

    fn load(&self) -> Settings {
        let mut variables = vec![
            ("ORDERMESH_PAYMENT__DATABASE_URL".to_owned(), self.url.clone()),
            ("ORDERMESH_PEERS__ORDER_COMMAND".to_owned(), format!("http://{}", self.orders.address)),
            ("ORDERMESH_SERVER__LISTEN".to_owned(), "127.0.0.1:0".to_owned()),
            ("ORDERMESH_SERVER__HTTP_LISTEN".to_owned(), "127.0.0.1:0".to_owned()),
            ("ORDERMESH_PAYMENT__OPERATIONS__RETRY_MS".to_owned(), "20".to_owned()),
            ("ORDERMESH_PAYMENT__OPERATIONS__INTERVAL_MS".to_owned(), "20".to_owned()),
        ];
        variables.extend(self.settings.clone());
        Settings::load(None, variables, [], &["payment"]).unwrap()
    }

    /// A number of the database, such as how many charges the customer pays for.
    pub async fn count(&self, sql: &str) -> i64 {
        let db = self.connect().await;
        let statement = Statement::from_string(db.get_database_backend(), sql.to_owned());
        let row = db.query_one_raw(statement).await.unwrap().unwrap();
        let number = row.try_get_by_index(0).unwrap();
        db.close().await.unwrap();
        number
    }

    async fn connect(&self) -> DatabaseConnection {
        match Backend::of_this_run() {
            Backend::Sqlite => backend::open(&self.files.path().join("payment.db")).await.unwrap(),
            Backend::Postgres => backend::connect(&self.url).await.unwrap(),
        }
    }

    /// How many charges of the sandbox the customer of an order pays for.
    pub async fn charges(&self, order: &Order) -> i64 {
        let sql = "SELECT COUNT(*) FROM sandbox_charges WHERE standing IN ('authorized', 'captured')";
        self.count(&format!("{sql} AND payment_id = '{}'", order.id)).await
    }

    /// What the sandbox has of the customer's money in the end.
    pub async fn kept(&self, order: &Order) -> i64 {
        let own = format!("(SELECT reference FROM sandbox_charges WHERE payment_id = '{}')", order.id);
        let captured = format!(
            "SELECT CAST(COALESCE(SUM(captured), 0) AS BIGINT) FROM sandbox_charges WHERE reference IN {own}"
        );
        let refunded = format!(
            "SELECT CAST(COALESCE(SUM(amount), 0) AS BIGINT) FROM sandbox_calls WHERE kind = 'refund' AND done AND reference IN {own}"
        );
        self.count(&captured).await - self.count(&refunded).await
    }
}

/// A house, a running server and an order of 100 that was created with a card.
pub async fn with_card(token: &'static str) -> (House, Server, Order) {
    let house = House::open().await;
    let server = house.start().await;
    let order = Order::new();
    house.orders.tell(&order, 1, 100, Fact::Created(token)).await;
    (house, server, order)
}

impl Server {
    pub fn queries(&self) -> PaymentQueryServiceClient<Channel> {
        PaymentQueryServiceClient::new(channel(&self.address))
    }

    pub fn commands(&self) -> PaymentCommandServiceClient<Channel> {
        PaymentCommandServiceClient::new(channel(&self.address))
    }

    /// A payment, if there is one.
    pub async fn payment(&self, order: &Order) -> Option<Payment> {
        let request = wire::GetPaymentRequest { payment_id: order.id.to_string() };
        self.queries().get_payment(request).await.ok()?.into_inner().payment
    }

    /// Waits until the payment stands there and gives it.
    pub async fn reaches(&self, order: &Order, status: PaymentStatus) -> Payment {
        let look = async || {
            let payment = self.payment(order).await.ok_or("no payment yet".to_owned())?;
            match payment.status() == status {
                true => Ok(payment),
                false => Err(format!("{payment:#?}")),
            }
        };
        eventually!(look().await, "the payment becomes {status:?}")
    }

    /// All events of the order's payment so far.
    pub async fn events(&self, order: &Order) -> Vec<PaymentEvent> {
        let mut client = PaymentEventServiceClient::new(channel(&self.address));
        let request = SubscribeRequest { until: until(Bound::CaughtUp(true)), ..SubscribeRequest::default() };
        let mut stream = client.subscribe_payment_events(request).await.unwrap().into_inner();
        let mut events = Vec::new();
        while let Some(response) = stream.message().await.unwrap() {
            if let Some(Frame::Events(batch)) = response.frame {
                events.extend(batch.events.iter().map(|event| PaymentEvent::decode(event.clone()).unwrap()));
            }
        }
        events.retain(|event| event.key == order.id.to_string());
        events
    }

    pub async fn names(&self, order: &Order) -> Vec<String> {
        self.events(order).await.into_iter().map(|event| event.r#type).collect()
    }

    /// Waits until the payment has published this many events and gives their names.
    pub async fn publishes(&self, order: &Order, expected: &[&str]) {
        let told = async || {
            let names = self.names(order).await;
            if names == expected { Ok(()) } else { Err(format!("{names:?}")) }
        };
        eventually!(told().await, "{expected:?} are published");
    }

    /// The end of the process without any warning: all its tasks are gone in the middle of what they do.
    pub async fn die(mut self) {
        let runtime = self.runtime.take().unwrap();
        tokio::task::spawn_blocking(move || drop(runtime)).await.unwrap();
    }

    /// The graceful end.
    pub async fn end(mut self) {
        self.shutdown.cancel();
        soon("the end of the server", &mut self.serving).await.unwrap();
        self.die().await;
    }
}

impl Drop for Server {
    fn drop(&mut self) {
        if let Some(runtime) = self.runtime.take() {
            runtime.shutdown_background();
        }
    }
}

/// The sums that an event tells: authorized, captured, refunded.
pub fn sums(event: &PaymentEvent) -> [i64; 3] {
    let amounts = match event.payload.clone().unwrap() {
        Payload::PaymentAuthorized(event) => event.amounts,
        Payload::PaymentActionRequired(event) => event.amounts,
        Payload::PaymentDeclined(event) => event.amounts,
        Payload::PaymentOutcomeUnknown(event) => event.amounts,
        Payload::PaymentCaptured(event) => event.amounts,
        Payload::PaymentCaptureFailed(event) => event.amounts,
        Payload::PaymentVoided(event) => event.amounts,
        Payload::PaymentRefunded(event) => event.amounts,
        Payload::RefundFailed(event) => event.amounts,
    };
    let amounts = amounts.unwrap();
    [amounts.authorized, amounts.captured, amounts.refunded].map(|money| money.unwrap().minor_units)
}
