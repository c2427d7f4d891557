//! Every benchmark runs to its end on SQLite and gives a whole report. How fast anything is, is asserted nowhere.
#![expect(clippy::unwrap_used, reason = "a test may panic, and its helpers too")]

use std::path::Path;

use ordermesh_testkit::Launch;
use ordermesh_testkit::server::Finished;
use serde_json::Value;
use tempfile::TempDir;

const BINARY: &str = env!("CARGO_BIN_EXE_ordermesh");

async fn bench(data: &Path, arguments: &[&str]) -> Finished {
    let data = data.display().to_string();
    let short = ["--runs", "1", "--seconds", "0.4"];
    let arguments = [&["bench"], arguments, &["--sqlite", &data], &short].concat();
    Launch::program(BINARY, &arguments).finish().await
}

/// Runs a benchmark and gives its report as JSON; it must leave nothing but that behind.
async fn report(arguments: &[&str]) -> Value {
    let (data, out) = (TempDir::new().unwrap(), TempDir::new().unwrap());
    let file = out.path().join("report.json");
    let finished = bench(data.path(), &[arguments, &["--json", file.to_str().unwrap()]].concat()).await;
    assert_eq!(finished.code, Some(0), "{finished:#?}");
    assert_eq!(std::fs::read_dir(data.path()).unwrap().count(), 0, "databases are left behind");
    let report: Value = serde_json::from_slice(&std::fs::read(&file).unwrap()).unwrap();
    for row in report["rows"].as_array().unwrap() {
        assert!(row["rate"].as_f64().unwrap() > 0.0, "{row:#}");
        let system = row["system"].as_str().unwrap();
        assert!(finished.stdout.contains(system), "{system} is missing in the table:\n{}", finished.stdout);
    }
    for word in ["command", "commit", "processor", "database"] {
        assert!(!report[word].as_str().unwrap().is_empty(), "{word}");
    }
    assert!(report["cores"].as_u64().unwrap() > 0);
    report
}

/// Loads and systems of the rows.
fn rows(report: &Value) -> Vec<(&str, &str)> {
    let rows = report["rows"].as_array().unwrap().iter();
    rows.map(|row| (row["load"].as_str().unwrap(), row["system"].as_str().unwrap())).collect()
}

fn row<'a>(report: &'a Value, load: &str, system: &str) -> &'a Value {
    let mut rows = report["rows"].as_array().unwrap().iter();
    let found = rows.find(|row| row["load"] == load && row["system"] == system);
    found.unwrap_or_else(|| panic!("no row of {system} at {load}: {report:#}"))
}

/// Every load has echo, naive and ordermesh, with latencies in order and both ratios.
fn assert_compared(report: &Value, loads: &[&str]) {
    let systems = ["echo", "naive", "ordermesh"];
    let expected: Vec<_> = loads.iter().flat_map(|load| systems.map(|system| (*load, system))).collect();
    assert_eq!(rows(report), expected);
    for (load, system) in expected {
        let latency = &row(report, load, system)["latency_ms"];
        let values = ["p50", "p90", "p99", "p999", "max"].map(|name| latency[name].as_f64().unwrap());
        assert!(values[0] > 0.0 && values.is_sorted(), "{system} at {load}: {latency}");
        assert!(row(report, load, system)["server_peak_mb"].as_f64().unwrap() > 1.0);
    }
    for load in loads {
        let rate = |system| row(report, load, system)["rate"].as_f64().unwrap();
        let ratios = &row(report, load, "ordermesh")["ratios"];
        for other in ["echo", "naive"] {
            let expected = rate("ordermesh") / rate(other);
            assert!((ratios[other].as_f64().unwrap() / expected - 1.0).abs() < 1e-9, "{ratios}");
        }
    }
}

#[tokio::test]
async fn placing_is_compared_with_echo_and_naive_at_every_load() {
    let report = report(&["place", "--in-flight", "1,8"]).await;
    assert_compared(&report, &["1 in flight", "8 in flight"]);
}

#[tokio::test]
async fn reading_is_compared_with_echo_and_naive() {
    let report = report(&["get", "--in-flight", "4", "--orders", "50"]).await;
    assert_compared(&report, &["4 in flight"]);
}

#[tokio::test]
async fn a_replay_of_the_whole_log_is_compared_with_a_scan() {
    let report = report(&["replay", "--events", "5000"]).await;
    assert_eq!(rows(&report), [("5000 events", "raw scan"), ("5000 events", "ordermesh")]);
    assert!(row(&report, "5000 events", "ordermesh")["ratios"]["raw scan"].as_f64().unwrap() > 0.0);
}

#[tokio::test]
async fn crowds_of_subscribers_follow_and_replay() {
    let report = report(&["fanout", "--events", "2500", "--in-flight", "8"]).await;
    let loads: Vec<_> = rows(&report).into_iter().map(|(load, _)| load).collect();
    let placing = ["live, 0 subscribers", "live, 1 subscribers", "live, 10 subscribers"];
    let receiving = ["live, 1 subscribers", "live, 10 subscribers"];
    let replaying = ["replay, 1 subscribers", "replay, 10 subscribers"];
    assert_eq!(loads, [&placing[..], &receiving[..], &replaying[..]].concat());
}

#[tokio::test]
async fn a_slow_subscriber_is_measured_beside_nine_fast_ones() {
    let report = report(&["fanout", "--slow", "--in-flight", "8"]).await;
    let ratios = &row(&report, "live", "nine fast beside a slow one")["ratios"];
    assert!(ratios["nine fast alone"].as_f64().unwrap() > 0.0, "{report:#}");
}

#[tokio::test]
async fn a_load_of_nothing_is_refused() {
    let data = TempDir::new().unwrap();
    for wrong in [["place", "--in-flight", "0"], ["get", "--orders", "0"], ["replay", "--events", "0"]] {
        let finished = bench(data.path(), &wrong).await;
        assert_eq!(finished.code, Some(2), "{finished:#?}");
        assert!(finished.stderr.contains(wrong[1]), "{finished:#?}");
    }
}

#[tokio::test]
async fn a_database_that_cannot_be_reached_is_told_and_no_report_is_written() {
    let out = TempDir::new().unwrap();
    let file = out.path().join("report.json");
    let url = "postgres://me:s3cret@127.0.0.1:1/nowhere";
    let arguments = ["bench", "place", "--postgres", url, "--json", file.to_str().unwrap()];
    let finished = Launch::program(BINARY, &arguments).finish().await;
    assert_eq!(finished.code, Some(1), "{finished:#?}");
    assert!(finished.stderr.contains("database") && !finished.stderr.contains("s3cret"), "{finished:#?}");
    assert!(!file.exists());
}
