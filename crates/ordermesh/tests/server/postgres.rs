//! How a server comes to its PostgreSQL: several at once on an empty database, and over TLS.
//!
//! The certificates in `tls` are self-made, for 127.0.0.1 and a hundred years; their keys protect nothing.

use std::fs;
use std::os::unix::fs::{PermissionsExt, chown};
use std::path::{Path, PathBuf};

use ordermesh_cluster::Owner;
use ordermesh_testkit::backend::{Backend, connect};
use ordermesh_testkit::{Launch, Postgres, eventually, order, read_feed};
use sea_orm::ConnectionTrait;

use crate::BINARY;

fn not_here() -> bool {
    Backend::needs_postgres("a file has no server to come to")
}

fn certificate(name: &str) -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/server/tls").join(name)
}

#[tokio::test(flavor = "multi_thread")]
async fn servers_that_start_at_once_on_an_empty_database_make_its_tables_once() {
    if not_here() {
        return;
    }
    let postgres = Postgres::start().await;
    let database = postgres.database("order-command").await;
    let start = || Launch::replica(BINARY, &database).start();
    let (one, two, three) = tokio::join!(start(), start(), start());
    for server in [&one, &two, &three] {
        server.commands().place_order(order("TEA", 1, 450)).await.unwrap();
    }
    eventually!(read_feed(&mut two.events()).await.len() == 3, "all are servers of the same log");
}

/// The tail holds nothing, so that the feed is read by statements which the connections have prepared before.
#[tokio::test(flavor = "multi_thread")]
async fn a_column_that_a_newer_replica_adds_to_the_log_does_not_disturb_one_that_runs() {
    if not_here() {
        return;
    }
    let postgres = Postgres::start().await;
    let database = postgres.database("order-command").await;
    let launch = Launch::replica(BINARY, &database).env("ORDERMESH_ORDER_COMMAND__FEED__TAIL_BYTES", "0");
    let server = launch.env("ORDERMESH_DATABASE__READ_CONNECTIONS", "2").start().await;
    server.commands().place_order(order("TEA", 1, 450)).await.unwrap();
    let before = read_feed(&mut server.events()).await;
    let newer = connect(&database).await.unwrap();
    newer.execute_unprepared("ALTER TABLE events ADD COLUMN of_a_newer_version TEXT").await.unwrap();
    assert_eq!(read_feed(&mut server.events()).await, before);
    server.commands().place_order(order("TEA", 1, 450)).await.unwrap();
    assert_eq!(read_feed(&mut server.events()).await.len(), 2);
}

/// A server that takes connections from the network over TLS only.
async fn with_tls(folder: &Path) -> Postgres {
    let postgres = Postgres::start().await;
    fs::set_permissions(folder, fs::Permissions::from_mode(0o755)).unwrap();
    let file = |name: &str| {
        let path = folder.join(name);
        fs::copy(certificate(name), &path).unwrap();
        fs::set_permissions(&path, fs::Permissions::from_mode(0o600)).unwrap();
        if let Owner::Other { uid, gid } = Owner::find().unwrap() {
            chown(&path, Some(uid), Some(gid)).unwrap();
        }
        path.display().to_string()
    };
    let admin = connect(&postgres.url("postgres")).await.unwrap();
    for sql in [
        format!("ALTER SYSTEM SET ssl_cert_file = '{}'", file("server.pem")),
        format!("ALTER SYSTEM SET ssl_key_file = '{}'", file("server.key")),
        "ALTER SYSTEM SET ssl = on".to_owned(),
        "SELECT pg_reload_conf()".to_owned(),
    ] {
        admin.execute_unprepared(&sql).await.unwrap();
    }
    eventually!(
        connect(&format!("{}?sslmode=require", postgres.url("postgres"))).await,
        "the server has read its certificate"
    );
    postgres
}

#[tokio::test(flavor = "multi_thread")]
async fn a_database_is_reached_over_tls_and_not_when_its_certificate_is_of_another_authority() {
    if not_here() {
        return;
    }
    let folder = tempfile::tempdir().unwrap();
    let postgres = with_tls(folder.path()).await;
    let database = postgres.database("order-command").await;
    let root = |name: &str| format!("sslrootcert={}", certificate(name).display());
    let verified = format!("sslmode=verify-full&{}", root("authority.pem"));
    let admin = connect(&database).await.unwrap();
    for mode in ["sslmode=require", &verified] {
        let server = Launch::replica(BINARY, &format!("{database}?{mode}")).start().await;
        server.commands().place_order(order("TEA", 1, 450)).await.unwrap();
        let sql = "SELECT count(*) FILTER (WHERE NOT ssl) AS plain, count(*) AS all_of_them \
            FROM pg_stat_ssl JOIN pg_stat_activity USING (pid) WHERE application_name = 'ordermesh'";
        let statement = sea_orm::Statement::from_string(admin.get_database_backend(), sql);
        let row = admin.query_one_raw(statement).await.unwrap().unwrap();
        assert_eq!(row.try_get::<i64>("", "plain").unwrap(), 0, "{mode}");
        assert!(row.try_get::<i64>("", "all_of_them").unwrap() > 0, "{mode}");
    }
    let other = format!("{database}?sslmode=verify-full&{}", root("other.pem"));
    let refused = Launch::replica(BINARY, &other).finish().await;
    assert!(refused.code == Some(1) && refused.stderr.contains("certificate"), "{refused:#?}");
}
