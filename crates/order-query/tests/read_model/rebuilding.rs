//! Rebuilding the tables beside the live ones and swapping them in.

use ordermesh_feed::project::Projection;
use ordermesh_feed::store::WriteTransaction;
use ordermesh_order_query::store::Migrator;
use ordermesh_proto::order::v1::order_query_service_server::OrderQueryService;
use ordermesh_proto::order::v1::{ListOrdersRequest, OrderEvent};
use ordermesh_service::Database;
use ordermesh_service::config::DatabaseSettings;
use ordermesh_testkit::backend::fresh_url;
use sea_orm::{ConnectionTrait, DbBackend, Statement};
use tonic::Request;

use crate::histories::History;
use crate::support::{Sample, Shelf, numbers, samples};

pub const SUFFIX: &str = "_rebuild";
const TABLES: [&str; 3] = ["order_views", "order_view_skus", "order_timeline"];

fn history() -> Vec<OrderEvent> {
    let mut events = samples().map(|sample| sample.created()).to_vec();
    events.extend([samples()[1].requested(), samples()[1].cancelled()]);
    events.extend(History::whole(Sample { number: 6, placed_second: 500, ..Sample::default() }).events);
    events
}

/// All rows of all tables as text.
pub async fn dump(shelf: &Shelf) -> Vec<String> {
    let mut rows = Vec::new();
    for table in TABLES {
        let line = match shelf.writer.get_database_backend() {
            DbBackend::Postgres => format!("{table}::text"),
            _ => {
                let columns = "SELECT group_concat('quote(' || name || ')', ' || '','' || ') AS line";
                texts(shelf, &format!("{columns} FROM pragma_table_info('{table}')")).await.remove(0)
            }
        };
        for row in texts(shelf, &format!("SELECT {line} AS line FROM {table} ORDER BY 1")).await {
            rows.push(format!("{table}: {row}"));
        }
    }
    rows
}

/// Each index as its table and its name.
async fn indexes(shelf: &Shelf) -> Vec<String> {
    let sql = match shelf.writer.get_database_backend() {
        DbBackend::Postgres => {
            "SELECT tablename || ' ' || indexname AS line FROM pg_indexes \
             WHERE tablename LIKE 'order\\_%' ORDER BY indexname"
        }
        _ => {
            "SELECT tbl_name || ' ' || name AS line FROM sqlite_master \
             WHERE type = 'index' AND tbl_name LIKE 'order_%' ORDER BY name"
        }
    };
    texts(shelf, sql).await
}

async fn texts(shelf: &Shelf, sql: &str) -> Vec<String> {
    let statement = Statement::from_string(shelf.writer.get_database_backend(), sql);
    let rows = shelf.writer.query_all_raw(statement).await.unwrap();
    rows.iter().map(|row| row.try_get("", "line").unwrap()).collect()
}

pub async fn create(shelf: &Shelf) {
    let tx = WriteTransaction::begin(&shelf.writer).await.unwrap();
    let done = shelf.projection.create_tables(&tx, SUFFIX).await;
    tx.end(done).await.unwrap();
}

pub async fn swap(shelf: &Shelf) {
    let tx = WriteTransaction::begin(&shelf.writer).await.unwrap();
    let done = shelf.projection.swap_tables(&tx, SUFFIX).await;
    tx.end(done).await.unwrap();
}

#[tokio::test]
async fn rebuilding_again_and_again_gives_equal_rows_and_as_many_indexes() {
    let shelf = Shelf::open().await;
    shelf.apply(&history()).await;
    let (before, indexes_before) = (dump(&shelf).await, indexes(&shelf).await);
    assert_eq!(before.len(), 6 + 6 + 7 + 18);
    for _ in 0..3 {
        create(&shelf).await;
        for events in history().chunks(2) {
            shelf.apply_to(SUFFIX, events).await.unwrap();
        }
        swap(&shelf).await;
        assert_eq!(dump(&shelf).await, before);
        let indexes = indexes(&shelf).await;
        assert_eq!(indexes.len(), indexes_before.len());
        let on_tables = |index: &String| TABLES.iter().any(|table| index.starts_with(&format!("{table} ")));
        assert!(indexes.iter().all(on_tables), "{indexes:?}");
    }
}

#[tokio::test]
async fn a_rebuild_that_was_called_off_leaves_nothing_in_the_way_of_the_next() {
    let shelf = Shelf::open().await;
    shelf.apply(&history()).await;
    let before = dump(&shelf).await;
    create(&shelf).await;
    shelf.apply_to(SUFFIX, &history()[..3]).await.unwrap();
    assert_eq!(dump(&shelf).await, before);
    create(&shelf).await;
    shelf.apply_to(SUFFIX, &history()).await.unwrap();
    swap(&shelf).await;
    assert_eq!(dump(&shelf).await, before);
}

#[tokio::test]
async fn connections_that_read_before_a_swap_read_the_new_tables_after_it() {
    let directory = tempfile::tempdir().unwrap();
    let url = fresh_url(directory.path(), "order-query").await.into();
    let shelf =
        Shelf::over(Database::open::<Migrator>(&url, false, &DatabaseSettings::default()).await.unwrap());
    shelf.apply(&history()).await;
    let everything = || async {
        let page = shelf.service.list_orders(Request::new(ListOrdersRequest::default())).await.unwrap();
        numbers(&page.into_inner().orders)
    };
    assert_eq!(everything().await, [5, 4, 3, 2, 1, 6]);
    for count in [3, 4] {
        create(&shelf).await;
        shelf.apply_to(SUFFIX, &history()[..count]).await.unwrap();
        assert_ne!(everything().await.len(), count);
        swap(&shelf).await;
        assert_eq!(everything().await.len(), count);
    }
}
