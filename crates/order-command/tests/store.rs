//! The write model on a real database: what was stored is what was decided, a database of the earlier version is
//! brought up to date with its orders, and deadlines are found.

#![expect(clippy::unwrap_used, reason = "a test may panic, and its helpers too")]

use std::sync::Arc;
use std::time::Duration;

use ordermesh_feed::commit::{CommandIdentity, Committer, fingerprint};
use ordermesh_feed::config::{FeedConfig, GroupsConfig};
use ordermesh_feed::event::Cause;
use ordermesh_feed::publish::Publisher;
use ordermesh_feed::store::PatientConnection;
use ordermesh_kernel::{Clock, ManualClock, Money, OrderId, ShipmentId, SystemClock};
use ordermesh_order_command::FEED;
use ordermesh_order_command::command::confirm_shipment_delivery::ConfirmShipmentDelivery;
use ordermesh_order_command::command::dispatch_shipment::DispatchShipment;
use ordermesh_order_command::command::expire_order::ExpireOrder;
use ordermesh_order_command::command::place_order::PlaceOrder;
use ordermesh_order_command::command::record_payment::RecordPayment;
use ordermesh_order_command::command::record_stock::RecordStock;
use ordermesh_order_command::command::request_return::RequestReturn;
use ordermesh_order_command::command::{OrderChanged, Refusal, Target};
use ordermesh_order_command::domain::{
    Actor, Buyer, LineQuantity, NewLine, OrderDraft, OrderState, PaymentAmounts, PaymentFact, PaymentNews,
    Quantity, Refusal as Rule, Sku, StockFact, TaxRate,
};
use ordermesh_order_command::store::{Migrator, OrdersUnit, due_orders};
use ordermesh_service::Database;
use ordermesh_service::config::DatabaseSettings;
use ordermesh_service::database::MigratorTrait;
use ordermesh_testkit::backend;
use ordermesh_testkit::order::fresh_id;
use sea_orm::{ConnectionTrait, Statement};
use tempfile::TempDir;
use tokio_util::sync::CancellationToken;
use tokio_util::task::TaskTracker;

/// A write model with a committer, and a clock that is moved.
struct House {
    database: Database,
    committer: Committer<OrdersUnit>,
    clock: Arc<ManualClock>,
    _files: TempDir,
}

impl House {
    async fn open() -> Self {
        let files = tempfile::tempdir().unwrap();
        let url = backend::fresh_url(files.path(), "order-command").await;
        let settings = DatabaseSettings::default();
        let database = Database::open::<Migrator>(&url.into(), false, &settings).await.unwrap();
        let clock = Arc::new(ManualClock::new(SystemClock.now()));
        let runtime = (
            clock.clone() as Arc<dyn Clock>,
            TaskTracker::new(),
            CancellationToken::new(),
            settings.patience(),
        );
        let publishing = FeedConfig::default().with(&GroupsConfig::default()).unwrap();
        let (writer, reader) = (&database.writer, &database.reader);
        let publisher =
            Publisher::open(writer, reader, FEED.unwrap(), publishing, runtime.into()).await.unwrap();
        Self { committer: publisher.committer(), database, clock, _files: files }
    }

    async fn place(&self) -> OrderId {
        let line = |sku: &str, pieces| NewLine {
            sku: Sku::parse(sku).unwrap(),
            title: None,
            quantity: Quantity::new(pieces).unwrap(),
            unit_price: Money::parse("4.50 EUR").unwrap(),
            tax_rate: TaxRate::from_ppm(190_000).unwrap(),
        };
        let draft = OrderDraft {
            order_reference: None,
            buyer: Buyer::Guest,
            personal: None,
            billing_account_id: None,
            payment_method_token: None,
            lines: vec![line("TEA", 3), line("CUP", 2)],
            shipping: None,
            discounts: vec![],
            prices_include_tax: true,
            expected_total: None,
        };
        let command = PlaceOrder { draft, actor: shop(), payment_window: Duration::from_secs(60) };
        self.committer.execute(identity(), command).await.unwrap().answer.order_id
    }

    /// Stock is reserved and the money captured.
    async fn confirm(&self, order: OrderId) {
        let amount = Money::parse("22.50 EUR").unwrap();
        let nothing = Money::zero(amount.currency());
        let fact = |what, captured| PaymentFact {
            what,
            amounts: PaymentAmounts { authorized: amount, captured, refunded: nothing },
            attempt: 1,
            code: String::new(),
            detail: String::new(),
        };
        let stock = RecordStock { target: target(order), fact: StockFact::Reserved };
        let authorized = fact(PaymentNews::Authorized, nothing);
        let captured = fact(PaymentNews::Captured, amount);
        self.change(stock).await.unwrap();
        for fact in [authorized, captured] {
            self.change(RecordPayment { target: target(order), fact, max_attempts: 3 }).await.unwrap();
        }
    }

    async fn change<C>(&self, command: C) -> Result<OrderChanged, Refusal>
    where
        C: ordermesh_feed::commit::Command<OrdersUnit, Answer = OrderChanged, Refusal = Refusal>,
    {
        match self.committer.execute(identity(), command).await {
            Ok(committed) => Ok(committed.answer),
            Err(ordermesh_feed::commit::CommitError::Refused(refusal)) => Err(refusal),
            Err(error) => panic!("{error}"),
        }
    }

    async fn number(&self, sql: &str) -> i64 {
        let db = &self.database.writer;
        let statement = Statement::from_string(db.get_database_backend(), sql);
        db.query_one_raw(statement).await.unwrap().unwrap().try_get("", "number").unwrap()
    }
}

fn shop() -> Actor {
    Actor::Workload("shop".to_owned())
}

fn target(order_id: OrderId) -> Target {
    Target { order_id, expected_revision: None, actor: shop() }
}

fn identity() -> CommandIdentity {
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

fn dispatch(order: OrderId, line_id: i32, quantity: i32) -> DispatchShipment {
    let lines = vec![LineQuantity { line_id, quantity }];
    DispatchShipment { target: target(order), lines, carrier: None, tracking_number: None }
}

fn deliver(order: OrderId, shipment: &OrderChanged) -> ConfirmShipmentDelivery {
    let shipment_id = ShipmentId::from(shipment.part.unwrap());
    ConfirmShipmentDelivery { target: target(order), shipment_id }
}

fn back(order: OrderId, line_id: i32, quantity: i32) -> RequestReturn {
    let lines = vec![LineQuantity { line_id, quantity }];
    RequestReturn { target: target(order), lines, reason: String::new() }
}

#[tokio::test(flavor = "multi_thread")]
async fn pieces_that_were_stored_are_those_that_later_commands_decide_on() {
    let house = House::open().await;
    let order = house.place().await;
    house.confirm(order).await;
    let first = house.change(dispatch(order, 1, 2)).await.unwrap();
    let refused = house.change(dispatch(order, 1, 2)).await.unwrap_err();
    assert_eq!(refused, Rule::QuantityExceeded { line_id: 1, wanted: 2, left: 1 }.into());
    let second = house.change(dispatch(order, 1, 1)).await.unwrap();
    let third = house.change(dispatch(order, 2, 2)).await.unwrap();
    for shipment in [&first, &second] {
        house.change(deliver(order, shipment)).await.unwrap();
    }
    let refused = house.change(deliver(order, &first)).await.unwrap_err();
    assert!(matches!(refused, Refusal::Rule(Rule::ShipmentEnded { .. })), "{refused:?}");
    let completed = house.change(deliver(order, &third)).await.unwrap();
    assert_eq!(completed.state, OrderState::Completed);
    house.change(back(order, 1, 2)).await.unwrap();
    let refused = house.change(back(order, 1, 2)).await.unwrap_err();
    assert_eq!(refused, Rule::QuantityExceeded { line_id: 1, wanted: 2, left: 1 }.into());
}

#[tokio::test(flavor = "multi_thread")]
async fn many_commands_on_one_order_at_once_are_decided_one_on_top_of_the_other() {
    let house = Arc::new(House::open().await);
    let order = house.place().await;
    house.confirm(order).await;
    let asking = (0..12).map(|_| {
        let house = house.clone();
        tokio::spawn(async move { house.change(dispatch(order, 1, 1)).await })
    });
    let mut granted = 0;
    for asked in asking.collect::<Vec<_>>() {
        granted += usize::from(asked.await.unwrap().is_ok());
    }
    assert_eq!(granted, 3, "there are three pieces");
    assert_eq!(house.number("SELECT COUNT(*) AS number FROM order_shipments").await, 3);
    assert_eq!(house.number("SELECT CAST(shipped AS BIGINT) AS number FROM order_line_progress").await, 3);
}

#[tokio::test(flavor = "multi_thread")]
async fn only_orders_whose_payment_is_late_are_due_and_each_expires_once() {
    let house = House::open().await;
    let (waiting, confirmed) = (house.place().await, house.place().await);
    house.confirm(confirmed).await;
    let reader = PatientConnection::new(house.database.reader.clone(), Duration::from_secs(10));
    let due = async || due_orders(&reader, house.clock.now(), 10).await.unwrap();
    assert!(due().await.is_empty());
    house.clock.advance(Duration::from_secs(61));
    assert_eq!(due().await.iter().map(|(order, _)| *order).collect::<Vec<_>>(), [waiting]);
    let expire =
        async |order| house.committer.execute(identity(), ExpireOrder { target: target(order) }).await;
    let expired = expire(waiting).await.unwrap().answer;
    assert_eq!((expired.state, expired.revision), (OrderState::Expired, 2));
    // Another replica that had seen the same deadline, and one that a payment was faster than.
    for order in [waiting, confirmed] {
        assert!(expire(order).await.is_err(), "there is nothing to expire");
    }
    assert_eq!(house.number("SELECT COUNT(*) AS number FROM events WHERE kind = 'OrderExpired'").await, 1);
    assert!(due().await.is_empty());
}

#[tokio::test(flavor = "multi_thread")]
async fn an_expiry_that_came_too_early_is_not_kept_under_its_request_id_and_many_at_once_are_one() {
    let house = Arc::new(House::open().await);
    let order = house.place().await;
    let identity = identity();
    let expire = move |house: Arc<House>, identity: CommandIdentity| async move {
        house.committer.execute(identity, ExpireOrder { target: target(order) }).await
    };
    assert!(expire(house.clone(), identity.clone()).await.is_err(), "there is time left");
    house.clock.advance(Duration::from_secs(61));
    let asking = (0..8).map(|_| tokio::spawn(expire(house.clone(), identity.clone())));
    for asked in asking.collect::<Vec<_>>() {
        assert_eq!(asked.await.unwrap().unwrap().answer.state, OrderState::Expired);
    }
    assert_eq!(house.number("SELECT COUNT(*) AS number FROM events WHERE kind = 'OrderExpired'").await, 1);
}

#[tokio::test]
async fn orders_of_the_earlier_version_are_brought_up_to_date() {
    let files = tempfile::tempdir().unwrap();
    let url = backend::fresh_url(files.path(), "order-command").await;
    let address = url.strip_prefix("sqlite:").map_or(url.clone(), |path| format!("sqlite://{path}?mode=rwc"));
    let old = backend::connect(&address).await.unwrap();
    // The tables of the version before the life of orders.
    Migrator::up(&old, Some(5)).await.unwrap();
    let (id, gift) = (fresh_id(), fresh_id());
    let terms = |id: &str, total: i64| {
        format!(
            "INSERT INTO order_terms (order_id, order_reference, prices_include_tax, goods, discount, shipping, \
             tax, total, placed_time) VALUES ({}, '{id}', {}, 1350, {}, 0, 0, {total}, 1700000000000000)",
            uuid(&old, id),
            if matches!(old.get_database_backend(), sea_orm::DbBackend::Postgres) { "true" } else { "1" },
            1_350 - total,
        )
    };
    for sql in [
        terms(&id, 1_350),
        terms(&gift, 0),
        format!(
            "INSERT INTO orders (order_id, state, revision, currency, amount_due, cancel_reason, update_time) \
             VALUES ({}, 'placed', 1, 'EUR', 0, NULL, 1700000000000001)",
            uuid(&old, &gift)
        ),
        format!(
            "INSERT INTO orders (order_id, state, revision, currency, amount_due, cancel_reason, update_time) \
             VALUES ({}, 'placed', 1, 'EUR', 1350, NULL, 1700000000000000)",
            uuid(&old, &id)
        ),
        format!(
            "INSERT INTO order_lines (order_id, line_id, sku, title, quantity, unit_price, tax_rate_ppm, amount, \
             discount, tax) VALUES ({}, 1, 'TEA', 'TEA', 3, 450, 0, 1350, 0, 0)",
            uuid(&old, &id)
        ),
    ] {
        old.execute_unprepared(&sql).await.unwrap();
    }
    old.close().await.unwrap();

    let settings = DatabaseSettings::default();
    let database = Database::open::<Migrator>(&url.into(), false, &settings).await.unwrap();
    let db = &database.writer;
    let sql = "SELECT stock, payment, CAST(attempt AS BIGINT) AS attempt, ordered, state_since, \
               CAST(CASE WHEN due_time = payment_deadline THEN 1 ELSE 0 END AS BIGINT) AS is_due FROM orders \
               ORDER BY update_time";
    let rows = db.query_all_raw(Statement::from_string(db.get_database_backend(), sql)).await.unwrap();
    let stands = |row: &sea_orm::QueryResult| {
        let text = |column: &str| row.try_get::<String>("", column).unwrap();
        let number = |column: &str| row.try_get::<i64>("", column).unwrap();
        let status = format!("{} {}", text("stock"), text("payment"));
        (status, number("attempt"), number("ordered"), number("state_since"), number("is_due"))
    };
    // Nobody tells of a payment that was never owed, and it has no deadline.
    let expected = [
        ("pending pending".to_owned(), 1, 3, 1_700_000_000_000_000, 1),
        ("pending not_required".to_owned(), 0, 0, 1_700_000_000_000_001, 0),
    ];
    assert_eq!(rows.iter().map(stands).collect::<Vec<_>>(), expected);
    // A replica of that version may still run, where several can: what it would place is refused.
    let late = format!(
        "INSERT INTO orders (order_id, state, revision, currency, amount_due, cancel_reason, update_time) \
         VALUES ({}, 'placed', 1, 'EUR', 1350, NULL, 1700000000000002)",
        uuid(db, &fresh_id())
    );
    let refused = db.execute_unprepared(&late).await.is_err();
    assert_eq!(refused, db.get_database_backend() == sea_orm::DbBackend::Postgres);
}

/// A UUID as a literal of the database.
fn uuid(db: &sea_orm::DatabaseConnection, id: &str) -> String {
    match db.get_database_backend() {
        sea_orm::DbBackend::Postgres => format!("'{id}'::uuid"),
        _ => format!("X'{}'", id.replace('-', "")),
    }
}
