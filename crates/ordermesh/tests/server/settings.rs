//! What the program is told by file, environment and flags: the last wins, and what nobody knows is refused by name.

use std::path::Path;

use ordermesh_testkit::backend::Backend;
use ordermesh_testkit::server::Finished;
use ordermesh_testkit::{Launch, order};

use crate::BINARY;

/// The effective settings with a file, as `ordermesh config` prints them.
fn config(directory: &Path, file: &str) -> Launch {
    let path = directory.join("ordermesh.toml");
    std::fs::write(&path, file).unwrap();
    Launch::program(BINARY, &["config", "--config"]).arg(&path.display().to_string()).directory(directory)
}

fn assert_refused_by_name(finished: &Finished, name: &str) {
    assert_eq!(finished.code, Some(1), "{finished:?}");
    assert!(finished.stderr.contains(name), "{name} is to be named: {finished:?}");
    assert!(finished.stdout.is_empty(), "{finished:?}");
}

#[tokio::test]
async fn an_unknown_key_of_the_file_is_refused_by_name() {
    let directory = tempfile::tempdir().unwrap();
    let files = [
        ("lissen = \"127.0.0.1:1\"", "lissen"),
        ("[server]\nlissen = \"127.0.0.1:1\"", "lissen"),
        ("[log]\ncolour = true", "colour"),
        ("[order_command]\ndatabase = \"sqlite:x.db\"", "database"),
        ("[order_command.feed]\ntail = 1", "tail"),
        ("[order_command.groups]\nlease = 1", "lease"),
        ("[order_query.consumer]\nlease = 1", "lease"),
        ("[order_comand]\ndatabase_url = \"sqlite:x.db\"", "order_comand"),
    ];
    for (file, name) in files {
        let launch = config(directory.path(), file);
        assert_refused_by_name(&launch.finish().await, name);
    }
}

#[tokio::test]
async fn an_unknown_key_of_the_environment_is_refused_by_name() {
    let directory = tempfile::tempdir().unwrap();
    let variables = [
        ("ORDERMESH_SERVER__LISSEN", "lissen"),
        ("ORDERMESH_LISSEN", "lissen"),
        ("ORDERMESH_ORDER_COMMAND__DATABASE", "database"),
        ("ORDERMESH_ORDER_COMAND__DATABASE_URL", "order_comand"),
        ("ORDERMESH_ORDER_COMMAND__GROUPS__LEASE", "lease"),
    ];
    for (variable, name) in variables {
        let finished = config(directory.path(), "").env(variable, "x").finish().await;
        assert_refused_by_name(&finished, name);
    }
}

#[tokio::test]
async fn a_server_does_not_start_with_settings_that_it_does_not_know() {
    let data = tempfile::tempdir().unwrap();
    let start = || Launch::dev(BINARY, data.path());
    assert_refused_by_name(&start().env("ORDERMESH_SERVER__LISSEN", "x").finish().await, "lissen");
    let section = start().env("ORDERMESH_ORDER_COMMAND__DATABASE", "x").finish().await;
    assert_refused_by_name(&section, "database");
    let missing = data.path().join("missing.toml").display().to_string();
    assert_refused_by_name(&start().arg("--config").arg(&missing).finish().await, "missing.toml");
}

#[tokio::test]
async fn a_value_of_a_flag_that_cannot_be_used_is_refused_by_name() {
    let data = tempfile::tempdir().unwrap();
    let start = || Launch::dev(BINARY, data.path());
    for address in ["nowhere", "127.0.0.1:notaport", "256.0.0.1:1"] {
        assert_refused_by_name(&start().listen(address).finish().await, address);
        assert_refused_by_name(&start().arg("--health-listen").arg(address).finish().await, address);
    }
    assert_refused_by_name(&start().arg("--log-level").arg("in=fo=x").finish().await, "in=fo=x");
    let unknown = start().arg("--lissen").finish().await;
    assert!(unknown.code != Some(0) && unknown.stderr.contains("--lissen"), "{unknown:?}");
}

#[tokio::test]
async fn a_postgresql_of_its_own_is_refused_where_everything_is_kept_in_memory() {
    let directory = tempfile::tempdir().unwrap();
    let data = directory.path().join("data");
    let start = || Launch::dev(BINARY, &data).arg("--postgres");
    assert_refused_by_name(&start().env("ORDERMESH_IN_MEMORY", "true").finish().await, "ORDERMESH_IN_MEMORY");
    let flags = start().arg("--in-memory").finish().await;
    assert!(flags.code == Some(2) && flags.stderr.contains("--in-memory"), "{flags:?}");
    assert!(!data.exists(), "nothing is made");
}

#[tokio::test]
async fn a_database_that_is_not_supported_is_refused_without_its_password() {
    let data = tempfile::tempdir().unwrap();
    let url = "mysql://shop:s3cret@db/orders";
    let finished =
        Launch::dev(BINARY, data.path()).env("ORDERMESH_ORDER_COMMAND__DATABASE_URL", url).finish().await;
    assert_refused_by_name(&finished, "mysql://***@db/orders");
    assert!(!finished.stderr.contains("s3cret"), "{finished:?}");
}

#[tokio::test]
async fn group_settings_that_no_group_could_work_with_are_refused_by_name() {
    let data = tempfile::tempdir().unwrap();
    for (variable, value, name) in [
        ("GROUPS__LEASE_MS", "99", "order_command.groups.lease_ms"),
        ("GROUPS__LEASE_MS", "0", "order_command.groups.lease_ms"),
        ("GROUPS__MAX_ATTEMPTS", "0", "order_command.groups.max_attempts"),
        ("GROUPS__MAX_ATTEMPTS", "-1", "order_command.groups.max_attempts"),
    ] {
        let launch = Launch::dev(BINARY, data.path());
        let finished = launch.env(&format!("ORDERMESH_ORDER_COMMAND__{variable}"), value).finish().await;
        assert_refused_by_name(&finished, &format!("`{name}` is {value}"));
    }
}

#[tokio::test]
async fn config_prints_what_holds_and_masks_passwords() {
    let directory = tempfile::tempdir().unwrap();
    let file = "[server]\nlisten = \"127.0.0.1:1\"\nhealth_listen = \"127.0.0.1:2\"\nmax_request_bytes = 4096\n\
                [order_command]\ndatabase_url = \"postgres://shop:s3cret@db/orders\"";
    let finished = config(directory.path(), file)
        .env("ORDERMESH_SERVER__LISTEN", "127.0.0.1:3")
        .env("ORDERMESH_SERVER__HEALTH_LISTEN", "127.0.0.1:4")
        .env("ORDERMESH_ORDER_COMMAND__GROUPS__LEASE_MS", "150")
        .listen("127.0.0.1:5")
        .finish()
        .await;
    assert_eq!(finished.code, Some(0), "{finished:?}");
    assert!(!finished.stdout.contains("s3cret"), "{finished:?}");
    let table: toml::Table = finished.stdout.parse().unwrap();
    assert_eq!(table["server"]["listen"].as_str(), Some("127.0.0.1:5"), "a flag wins");
    assert_eq!(
        table["server"]["health_listen"].as_str(),
        Some("127.0.0.1:4"),
        "the environment is over the file"
    );
    assert_eq!(table["server"]["max_request_bytes"].as_integer(), Some(4_096));
    let (feed, groups) = (&table["order_command"]["feed"], &table["order_command"]["groups"]);
    assert_eq!(groups["lease_ms"].as_integer(), Some(150), "what all contexts have in their sections, too");
    assert_eq!(
        (feed["max_age_seconds"].as_integer(), groups["max_attempts"].as_integer()),
        (Some(0), Some(5))
    );
    let url = table["order_command"]["database_url"].as_str();
    assert_eq!(url, Some("postgres://***@db/orders"));
}

#[tokio::test]
async fn a_server_reads_its_file() {
    if Backend::skips("the setting names a file") {
        return;
    }
    let data = tempfile::tempdir().unwrap();
    let file = data.path().join("shop.toml");
    let database = data.path().join("elsewhere/shop.db");
    let toml = format!("[order_command]\ndatabase_url = \"sqlite:{}\"", database.display());
    std::fs::write(&file, toml).unwrap();
    let launch = Launch::dev(BINARY, data.path()).arg("--config").arg(&file.display().to_string());
    let server = launch.start().await;
    server.commands().place_order(order("TEA", 1, 450)).await.unwrap();
    assert!(database.exists() && !data.path().join("order-command.db").exists());
}
