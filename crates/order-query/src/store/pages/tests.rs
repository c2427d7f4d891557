//! Which indexes SQLite takes.

use ordermesh_service::Database;
use ordermesh_service::config::DatabaseSettings;
use sea_orm::{DatabaseConnection, DbBackend, QueryTrait, Statement};

use super::*;
use crate::query::filter::Filter;
use crate::store::Migrator;

/// The plan of the first page and that of a later one.
async fn plans(db: &DatabaseConnection, filter: &str, order: OrderBy) -> [String; 2] {
    let filter = Filter::parse(filter).unwrap();
    let place = Place { currency: "EUR".to_owned(), number: 7, order_id: Uuid::from_u128(7) };
    let mut plans = [String::new(), String::new()];
    for (plan, after) in plans.iter_mut().zip([None, Some(&place)]) {
        let select = select_orders(filter.conditions(), order, after).limit(51).build(DbBackend::Sqlite);
        let sql = format!("EXPLAIN QUERY PLAN {}", select.sql);
        let values = select.values.into_iter().flatten();
        let rows = db.query_all_raw(Statement::from_sql_and_values(DbBackend::Sqlite, sql, values)).await;
        let steps = rows.unwrap().into_iter().map(|row| row.try_get::<String>("", "detail").unwrap());
        *plan = steps.collect::<Vec<_>>().join("; ");
    }
    plans
}

#[tokio::test]
async fn a_customer_or_a_reference_is_looked_up_whatever_else_the_filter_says() {
    let database =
        Database::open::<Migrator>(&String::new().into(), true, &DatabaseSettings::default()).await.unwrap();
    let time = "\"2026-01-01T00:00:00Z\"";
    let others = [
        String::new(),
        " AND state = PLACED".to_owned(),
        " AND state != PLACED".to_owned(),
        " AND currency = EUR".to_owned(),
        " AND sku = TEA".to_owned(),
        " AND payment = CAPTURED AND stock != RESERVED AND fulfilment = FULL".to_owned(),
        " AND held = true".to_owned(),
        " AND waiting_for = DISPATCH".to_owned(),
        format!(" AND placed_time = {time}"),
        format!(" AND placed_time >= {time} AND placed_time < {time}"),
        format!(" AND state = PLACED AND currency = EUR AND sku = TEA AND placed_time = {time}"),
    ];
    for (lead, index) in [
        ("customer_id = mia", "order_views_customer_1 (customer_id=?"),
        ("order_reference = shop-1", "order_views_reference_1 (order_reference=?"),
        ("customer_id = mia AND order_reference = shop-1", "order_views_reference_1 (order_reference=?"),
    ] {
        for other in &others {
            for order in ["", "placed_time", "total", "total desc"] {
                let filter = format!("{lead}{other}");
                for plan in plans(&database.reader, &filter, OrderBy::parse(order).unwrap()).await {
                    assert!(plan.contains(index), "{filter} by {order}: {plan}");
                    assert!(!plan.contains("LIST SUBQUERY"), "{filter} by {order}: {plan}");
                }
            }
        }
    }
}

#[tokio::test]
async fn a_page_of_one_filter_in_the_order_of_placing_is_read_off_an_index_without_sorting() {
    let database =
        Database::open::<Migrator>(&String::new().into(), true, &DatabaseSettings::default()).await.unwrap();
    for (filter, index) in [
        ("", "order_views_placed_1"),
        ("state = PLACED", "order_views_state_1 (state=?"),
        ("payment = DECLINED", "order_views_payment_1 (payment=?"),
        ("stock = SHORTFALL", "order_views_stock_1 (stock=?"),
        ("fulfilment = PARTIAL", "order_views_placed_1"),
        ("held = false", "order_views_placed_1"),
        ("held = true", "order_views_held_1"),
        ("held = true AND sku = TEA AND state = PLACED AND waiting_for = HOLD", "order_views_held_1"),
        ("waiting_for = DISPATCH", "order_views_waiting_1"),
        ("customer_id = mia", "order_views_customer_1 (customer_id=?"),
        ("currency = EUR", "order_views_currency_1 (currency=?"),
        ("sku = TEA", "order_view_skus_placed_1 (sku=?"),
    ] {
        for plan in plans(&database.reader, filter, OrderBy::default()).await {
            assert!(plan.contains(&format!("INDEX {index}")), "{filter}: {plan}");
            assert!(!plan.contains("TEMP B-TREE"), "{filter}: {plan}");
        }
    }
}
