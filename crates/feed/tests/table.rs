//! Bulk statements: any number of rows and keys, whatever the groups they go out in.
#![expect(clippy::unwrap_used, reason = "in a test a panic is the failure")]

use ordermesh_feed::store::Table;
use ordermesh_testkit::backend::{Backend, connect, create_database, fresh_name, server};
use sea_orm::sea_query::Value;
use sea_orm::{ConnectionTrait, DatabaseConnection};
use uuid::Uuid;

mod thing {
    use sea_orm::entity::prelude::*;

    /// A column of each kind that stores have, and one of each that may be empty.
    #[sea_orm::model]
    #[derive(Clone, Debug, PartialEq, Eq, DeriveEntityModel)]
    #[sea_orm(table_name = "things")]
    pub struct Model {
        #[sea_orm(primary_key, auto_increment = false)]
        pub id: i64,
        pub name: Option<String>,
        pub bytes: Vec<u8>,
        pub maybe_bytes: Option<Vec<u8>>,
        pub number: i32,
        pub maybe_number: Option<i32>,
        pub maybe_large: Option<i64>,
        pub sure: bool,
        pub maybe_sure: Option<bool>,
        pub uuid: Uuid,
        pub maybe_uuid: Option<Uuid>,
    }

    impl ActiveModelBehavior for ActiveModel {}
}

async fn things() -> (DatabaseConnection, Table<thing::Entity>) {
    let (url, bytes) = match Backend::of_this_run() {
        Backend::Sqlite => ("sqlite::memory:".to_owned(), "BLOB"),
        Backend::Postgres => (create_database(&server(), &fresh_name("table")).await, "BYTEA"),
    };
    let db = connect(&url).await.unwrap();
    let create = format!(
        "CREATE TABLE things_new (id BIGINT PRIMARY KEY, name TEXT, bytes {bytes} NOT NULL, maybe_bytes {bytes}, \
         number INTEGER NOT NULL, maybe_number INTEGER, maybe_large BIGINT, sure BOOLEAN NOT NULL, \
         maybe_sure BOOLEAN, uuid UUID NOT NULL, maybe_uuid UUID)"
    );
    db.execute_unprepared(&create).await.unwrap();
    (db, Table::with_suffix("_new"))
}

fn rows(count: i64, name: &str) -> Vec<thing::Model> {
    let number = |id: i64| i32::try_from(id).unwrap() - 50;
    let uuid = |id: i64| Uuid::from_u128(u128::MAX - u128::from(id.unsigned_abs()));
    (1..=count)
        .map(|id| thing::Model {
            id,
            name: (id % 3 != 0).then(|| format!("{name} {id} ü\"'\\{{}}")),
            bytes: vec![0; usize::try_from(id % 5).unwrap()],
            maybe_bytes: (id % 2 == 0).then(|| vec![255, 0, 1]),
            number: number(id),
            maybe_number: (id % 4 != 0).then(|| number(id)),
            maybe_large: (id % 5 != 0).then_some(i64::MIN + id),
            sure: id % 2 == 0,
            maybe_sure: (id % 3 != 1).then_some(id % 2 == 1),
            uuid: uuid(id),
            maybe_uuid: (id % 7 != 0).then(|| uuid(2 * id)),
        })
        .collect()
}

#[tokio::test]
async fn every_row_is_written_and_found_whatever_their_number() {
    for count in [0, 1, 7, 8, 9, 31, 128, 129, 300] {
        let (db, table) = things().await;
        table.insert(&db, &rows(count, "a")).await.unwrap();
        let keys = (1..=count + 5).map(Value::from);
        let mut found = table.find_in(&db, thing::Column::Id, keys).await.unwrap();
        found.sort_by_key(|row| row.id);
        assert_eq!(found, rows(count, "a"), "{count} rows");
    }
}

#[tokio::test]
async fn an_upsert_replaces_what_is_there_and_inserts_what_is_not() {
    let (db, table) = things().await;
    table.insert(&db, &rows(10, "old")).await.unwrap();
    table.upsert(&db, &rows(20, "new")).await.unwrap();
    let mut found = table.find_in(&db, thing::Column::Id, (1..=20_i64).map(Value::from)).await.unwrap();
    found.sort_by_key(|row| row.id);
    assert_eq!(found, rows(20, "new"));
}

#[tokio::test]
async fn a_key_asked_for_twice_is_found_once_and_no_key_finds_nothing() {
    let (db, table) = things().await;
    table.insert(&db, &rows(3, "a")).await.unwrap();
    let twice = table.find_in(&db, thing::Column::Id, [2_i64, 2].map(Value::from)).await.unwrap();
    assert_eq!(twice.len(), 1);
    // Also where it takes several statements to ask for all of them.
    let many = (1..=3_i64).cycle().take(400).map(Value::from);
    assert_eq!(table.find_in(&db, thing::Column::Id, many).await.unwrap().len(), 3);
    assert!(table.find_in(&db, thing::Column::Id, []).await.unwrap().is_empty());
}

#[tokio::test]
async fn a_row_whose_key_is_there_fails_the_insert() {
    let (db, table) = things().await;
    table.insert(&db, &rows(3, "a")).await.unwrap();
    assert!(table.insert(&db, &rows(1, "b")).await.is_err());
}
