//! The naive server's one transaction: an INSERT a row.

use ordermesh_kernel::{Clock, SystemClock, to_micros};
use ordermesh_proto::common::v1::Money;
use ordermesh_proto::order::v1::place_order_request::Buyer;
use ordermesh_proto::order::v1::{OrderState, OrderTotals, PlaceOrderRequest, PlaceOrderResponse};
use prost::Message;
use sea_orm::{
    ConnectionTrait, DatabaseConnection, DatabaseTransaction, DbBackend, DbErr, Statement, TransactionTrait,
    Value,
};
use uuid::Uuid;

/// One order on its way into the tables.
struct Placing<'a> {
    tx: &'a DatabaseTransaction,
    request: &'a PlaceOrderRequest,
    id: Uuid,
    now: i64,
    goods: i64,
    total: i64,
}

/// Writes an order and answers.
pub(super) async fn place(
    db: &DatabaseConnection,
    request: &PlaceOrderRequest,
) -> Result<PlaceOrderResponse, DbErr> {
    let minor = |money: Option<&Money>| money.map_or(0, |money| money.minor_units);
    let price = |line: &ordermesh_proto::order::v1::NewOrderLine| minor(line.unit_price.as_ref());
    let goods = request.lines.iter().map(|line| i64::from(line.quantity) * price(line)).sum();
    let shipping = request.shipping.as_ref().map_or(0, |shipping| minor(shipping.amount.as_ref()));
    let (id, now, total) = (Uuid::now_v7(), to_micros(SystemClock.now()), goods + shipping);
    let tx = db.begin().await?;
    let placing = Placing { tx: &tx, request, id, now, goods, total };
    placing.idempotency().await?;
    placing.head().await?;
    placing.terms().await?;
    placing.lines().await?;
    placing.personal().await?;
    placing.event().await?;
    tx.commit().await?;
    Ok(answer(request, id, goods, shipping, now))
}

fn answer(request: &PlaceOrderRequest, id: Uuid, goods: i64, shipping: i64, now: i64) -> PlaceOrderResponse {
    let euro = |minor_units| Some(Money { currency_code: "EUR".to_owned(), minor_units });
    let total = goods + shipping;
    PlaceOrderResponse {
        order_id: id.to_string(),
        order_reference: request.order_reference.clone(),
        revision: 1,
        state: OrderState::Placed.into(),
        totals: Some(OrderTotals {
            goods: euro(goods),
            discount: euro(0),
            shipping: euro(shipping),
            tax: euro(total * 19 / 119),
            total: euro(total),
        }),
        amount_due: euro(total),
        placed_time: Some(prost_types::Timestamp {
            seconds: now / 1_000_000,
            nanos: i32::try_from(now % 1_000_000 * 1000).unwrap_or(0),
        }),
        // As long as one of ours.
        consistency_token: "t".repeat(60),
        replayed: false,
    }
}

impl Placing<'_> {
    async fn insert(&self, sql: &str, values: impl IntoIterator<Item = Value>) -> Result<(), DbErr> {
        let backend = self.tx.get_database_backend();
        self.tx.execute_raw(Statement::from_sql_and_values(backend, sql, values)).await.map(drop)
    }

    async fn idempotency(&self) -> Result<(), DbErr> {
        let key = self.request.request_id.clone().into_bytes();
        let sql = "INSERT INTO idempotency_records (id, request_id, fingerprint, answer, event_key, \
             event_key_revision, recorded_time) VALUES ($1, $2, $3, $4, $5, $6, $7)";
        let values: [Value; 7] = [
            key.into(),
            self.request.request_id.clone().into(),
            vec![0_u8; 32].into(),
            vec![0_u8; 150].into(),
            self.id.to_string().into(),
            1_i64.into(),
            self.now.into(),
        ];
        self.insert(sql, values).await
    }

    async fn head(&self) -> Result<(), DbErr> {
        let sql = "INSERT INTO orders (order_id, state, revision, currency, amount_due, update_time, ordered, \
             payment_deadline, due_time, state_since, stock_since, payment_since, goods_since, due_since) \
             VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $8, $6, $6, $6, $6, $6)";
        let pieces: i64 = self.request.lines.iter().map(|line| i64::from(line.quantity)).sum();
        let values: [Value; 8] = [
            self.id.into(),
            "placed".into(),
            1_i64.into(),
            "EUR".into(),
            self.total.into(),
            self.now.into(),
            pieces.into(),
            (self.now + 3_600_000_000).into(),
        ];
        self.insert(sql, values).await
    }

    async fn terms(&self) -> Result<(), DbErr> {
        let customer = match &self.request.buyer {
            Some(Buyer::CustomerId(id)) => Some(id.clone()),
            Some(Buyer::Guest(_)) | None => None,
        };
        let sql = "INSERT INTO order_terms (order_id, order_reference, customer_id, payment_method_token, \
             prices_include_tax, shipping_amount, shipping_tax_rate_ppm, goods, discount, shipping, tax, total, \
             placed_time) VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12, $13)";
        let values: [Value; 13] = [
            self.id.into(),
            self.request.order_reference.clone().into(),
            customer.into(),
            self.request.payment_method_token.clone().into(),
            self.request.prices_include_tax.into(),
            (self.total - self.goods).into(),
            190_000_i32.into(),
            self.goods.into(),
            0_i64.into(),
            (self.total - self.goods).into(),
            (self.total * 19 / 119).into(),
            self.total.into(),
            self.now.into(),
        ];
        self.insert(sql, values).await
    }

    async fn lines(&self) -> Result<(), DbErr> {
        let sql = "INSERT INTO order_lines (order_id, line_id, sku, title, quantity, unit_price, tax_rate_ppm, \
             amount, discount, tax) VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10)";
        for (number, line) in (1_i32..).zip(&self.request.lines) {
            let price = line.unit_price.as_ref().map_or(0, |price| price.minor_units);
            let amount = price * i64::from(line.quantity);
            let values: [Value; 10] = [
                self.id.into(),
                number.into(),
                line.sku.clone().into(),
                line.title.clone().into(),
                line.quantity.into(),
                price.into(),
                line.tax_rate_ppm.into(),
                amount.into(),
                0_i64.into(),
                (amount * 19 / 119).into(),
            ];
            self.insert(sql, values).await?;
        }
        Ok(())
    }

    async fn personal(&self) -> Result<(), DbErr> {
        let contact = self.request.contact.clone().unwrap_or_default();
        let sql = "INSERT INTO order_contacts (order_id, email, name, locale) VALUES ($1, $2, $3, $4)";
        let values: [Value; 4] =
            [self.id.into(), contact.email.into(), contact.name.into(), contact.locale.into()];
        self.insert(sql, values).await?;
        let address = self.request.ship_to.clone().unwrap_or_default();
        let sql = "INSERT INTO order_addresses (order_id, role, recipient, address_lines, locality, postal_code, \
             country_code) VALUES ($1, $2, $3, $4, $5, $6, $7)";
        let values: [Value; 7] = [
            self.id.into(),
            "ship_to".into(),
            address.recipient.into(),
            address.address_lines.join("\n").into(),
            address.locality.into(),
            address.postal_code.into(),
            address.country_code.into(),
        ];
        self.insert(sql, values).await
    }

    /// The outbox row. Its position comes from a sequence, which is what an ordinary team takes, although its order is
    /// not the order of commits.
    async fn event(&self) -> Result<(), DbErr> {
        let position = match self.tx.get_database_backend() {
            DbBackend::Postgres => "nextval('positions')",
            _ => "(SELECT COALESCE(MAX(position), 0) + 1 FROM events)",
        };
        let sql = format!(
            "INSERT INTO events (position, event_id, kind, schema_version, key, key_revision, key_hash, \
             occurred_time, recorded_time, correlation_id, causation_id, traceparent, payload) \
             VALUES ({position}, $1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12)"
        );
        let values: [Value; 12] = [
            Uuid::now_v7().into(),
            "OrderCreated".into(),
            1_i32.into(),
            self.id.to_string().into(),
            1_i64.into(),
            0_i64.into(),
            self.now.into(),
            self.now.into(),
            self.request.request_id.clone().into(),
            self.request.request_id.clone().into(),
            "".into(),
            self.request.encode_to_vec().into(),
        ];
        self.insert(&sql, values).await
    }
}
