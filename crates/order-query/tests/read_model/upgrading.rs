//! A read model that an earlier version made.

use ordermesh_order_query::store::Migrator;
use ordermesh_proto::order::v1::order_query_service_server::OrderQueryService;
use ordermesh_proto::order::v1::{ListOrdersRequest, Order, OrderEvent};
use prost::Message;
use sea_orm::{ConnectionTrait, DbBackend, Statement, Value};
use sea_orm_migration::MigratorTrait;
use tonic::Request;

use crate::histories::History;
use crate::rebuilding::{SUFFIX, create, dump, swap};
use crate::support::{Sample, Shelf, samples};

/// Events as the version before wrote them; one order cost nothing.
fn history() -> Vec<OrderEvent> {
    let free = Sample { number: 6, total: ("EUR", 0), placed_second: 500, ..Sample::default() };
    let mut events = samples().map(|sample| sample.created()).to_vec();
    events.extend([free.created(), samples()[1].requested(), samples()[1].cancelled()]);
    events
}

/// Takes away what the version before did not have: columns, indexes, parts of the bodies.
async fn make_old(shelf: &Shelf) {
    for index in ["payment", "stock", "held", "waiting"] {
        run(shelf, &format!("DROP INDEX order_views_{index}_1"), vec![]).await;
    }
    for column in ["note_texts", "payment", "stock", "fulfilment", "held", "waiting_for"] {
        run(shelf, &format!("ALTER TABLE order_views DROP COLUMN {column}"), vec![]).await;
    }
    run(shelf, "DELETE FROM seaql_migrations WHERE version = 'order_query_0002_order_life'", vec![]).await;
    let bodies = Statement::from_string(backend(shelf), "SELECT body FROM order_views");
    for row in shelf.writer.query_all_raw(bodies).await.unwrap() {
        let body: Vec<u8> = row.try_get("", "body").unwrap();
        let mut order = Order::decode(body.as_slice()).unwrap();
        (order.status, order.progress) = (None, Vec::new());
        let values = vec![order.encode_to_vec().into(), body.into()];
        let changed = run(shelf, "UPDATE order_views SET body = $1 WHERE body = $2", values).await;
        assert_eq!(changed, 1);
    }
}

fn backend(shelf: &Shelf) -> DbBackend {
    shelf.writer.get_database_backend()
}

async fn run(shelf: &Shelf, sql: &str, values: Vec<Value>) -> u64 {
    let statement = Statement::from_sql_and_values(backend(shelf), sql, values);
    let done = shelf.writer.execute_raw(statement).await.unwrap_or_else(|error| panic!("{sql}: {error}"));
    done.rows_affected()
}

async fn found(shelf: &Shelf, filter: &str) -> Vec<Order> {
    let request = ListOrdersRequest { filter: filter.to_owned(), ..Default::default() };
    shelf.service.list_orders(Request::new(request)).await.unwrap().into_inner().orders
}

#[tokio::test]
async fn a_read_model_of_the_version_before_answers_without_a_rebuild_as_it_would_after_one() {
    let shelf = Shelf::open().await;
    shelf.apply(&history()).await;
    let everything = found(&shelf, "").await;
    make_old(&shelf).await;
    Migrator::up(&shelf.writer, None).await.unwrap();
    let filters = [
        "",
        "payment = NOT_REQUIRED",
        "payment = PENDING",
        "stock = PENDING",
        "held = true",
        "waiting_for = STOCK",
    ];
    let mut without = Vec::new();
    for filter in filters {
        without.push(found(&shelf, filter).await);
    }
    assert_eq!(without[0], everything);
    assert_eq!(without.iter().map(Vec::len).collect::<Vec<_>>(), [6, 1, 5, 6, 0, 0]);
    create(&shelf).await;
    shelf.apply_to(SUFFIX, &history()).await.unwrap();
    swap(&shelf).await;
    for (filter, before) in filters.iter().zip(without) {
        assert_eq!(found(&shelf, filter).await, before, "{filter}");
    }
}

#[tokio::test]
async fn an_order_of_the_version_before_goes_on_with_its_life() {
    let (shelf, new) = (Shelf::open().await, Shelf::open().await);
    let mut life = History::whole(Sample::default()).events;
    life[0] = Sample::default().created();
    new.apply(&life).await;
    shelf.apply(&life[..1]).await;
    make_old(&shelf).await;
    Migrator::up(&shelf.writer, None).await.unwrap();
    shelf.apply(&life[1..]).await;
    assert_eq!(dump(&shelf).await, dump(&new).await);
}

#[tokio::test]
async fn a_new_read_model_has_the_shape_from_the_beginning() {
    let shelf = Shelf::open().await;
    shelf.apply(&history()).await;
    let rows = dump(&shelf).await;
    run(&shelf, "DELETE FROM seaql_migrations WHERE version = 'order_query_0002_order_life'", vec![]).await;
    Migrator::up(&shelf.writer, None).await.unwrap();
    assert_eq!(dump(&shelf).await, rows);
}
