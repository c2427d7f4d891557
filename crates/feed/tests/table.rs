//! Bulk statements: any number of rows and keys, whatever the groups they go out in.
#![expect(clippy::unwrap_used, reason = "in a test a panic is the failure")]

use ordermesh_feed::store::Table;
use sea_orm::sea_query::Value;
use sea_orm::{ConnectOptions, ConnectionTrait, Database, DatabaseConnection};

mod thing {
    use sea_orm::entity::prelude::*;

    #[sea_orm::model]
    #[derive(Clone, Debug, PartialEq, Eq, DeriveEntityModel)]
    #[sea_orm(table_name = "things")]
    pub struct Model {
        #[sea_orm(primary_key, auto_increment = false)]
        pub id: i64,
        pub name: Option<String>,
    }

    impl ActiveModelBehavior for ActiveModel {}
}

async fn things() -> (DatabaseConnection, Table<thing::Entity>) {
    let mut options = ConnectOptions::new("sqlite::memory:");
    options.max_connections(1).sqlx_logging(false);
    let db = Database::connect(options).await.unwrap();
    db.execute_unprepared("CREATE TABLE things_new (id INTEGER PRIMARY KEY, name TEXT)").await.unwrap();
    (db, Table::with_suffix("_new"))
}

fn rows(count: i64, name: &str) -> Vec<thing::Model> {
    (1..=count).map(|id| thing::Model { id, name: (id % 3 != 0).then(|| format!("{name} {id}")) }).collect()
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
    let mut found = table.find_in(&db, thing::Column::Id, (1..=20).map(Value::from)).await.unwrap();
    found.sort_by_key(|row| row.id);
    assert_eq!(found, rows(20, "new"));
}

#[tokio::test]
async fn a_key_asked_for_twice_is_found_once_and_no_key_finds_nothing() {
    let (db, table) = things().await;
    table.insert(&db, &rows(3, "a")).await.unwrap();
    let twice = table.find_in(&db, thing::Column::Id, [2_i64, 2].map(Value::from)).await.unwrap();
    assert_eq!(twice.len(), 1);
    assert!(table.find_in(&db, thing::Column::Id, []).await.unwrap().is_empty());
}

#[tokio::test]
async fn a_row_whose_key_is_there_fails_the_insert() {
    let (db, table) = things().await;
    table.insert(&db, &rows(3, "a")).await.unwrap();
    assert!(table.insert(&db, &rows(1, "b")).await.is_err());
}
