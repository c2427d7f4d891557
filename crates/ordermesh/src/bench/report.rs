//! What a benchmark prints and writes: ratios first, since only they travel to another machine.

use std::collections::BTreeMap;
use std::io::Write;
use std::path::Path;

use comfy_table::{CellAlignment, Table, presets};
use hdrhistogram::Histogram;
use serde::Serialize;

use super::BenchError;
use super::load::Measured;

/// A benchmark's results.
#[derive(Debug, Serialize)]
pub(super) struct Report {
    /// Which benchmark.
    pub bench: &'static str,
    /// The command that gave it.
    pub command: String,
    /// Commit of the working directory, or "unknown".
    pub commit: String,
    /// Model of the processor.
    pub processor: String,
    /// Processors that this process may use.
    pub cores: usize,
    /// The database's product and settings.
    pub database: String,
    /// Runs of which medians are taken.
    pub runs: usize,
    /// One row a load and system.
    pub rows: Vec<Row>,
    /// What a reader must know.
    pub remarks: Vec<String>,
}

/// One system under one load.
#[derive(Debug, Serialize)]
pub(super) struct Row {
    /// Such as `64 in flight`.
    pub load: String,
    /// Such as `ordermesh`, `echo`, `naive`.
    pub system: String,
    /// What is counted, such as `orders`.
    pub unit: &'static str,
    /// Median of the runs, a second.
    pub rate: f64,
    /// The slowest and the fastest run.
    pub rate_range: [f64; 2],
    /// This row's rate over another system's under the same load, by that system's name.
    pub ratios: BTreeMap<String, f64>,
    /// Latency over all runs; none for streams.
    pub latency_ms: Option<Latency>,
    /// Processor time of the server, of PostgreSQL and of the client a unit: medians, in microseconds.
    pub server_cpu_us: f64,
    /// None where the database has no process of its own on this machine.
    pub database_cpu_us: Option<f64>,
    /// The client's part of the same processors.
    pub client_cpu_us: f64,
    /// The server's peak memory in MB (2^20 bytes): the largest of the runs.
    pub server_peak_mb: Option<f64>,
}

/// Latency in milliseconds.
#[derive(Debug, Serialize)]
pub(super) struct Latency {
    p50: f64,
    p90: f64,
    p99: f64,
    p999: f64,
    max: f64,
}

impl Latency {
    fn of(histogram: &Histogram<u64>) -> Self {
        let at = |quantile| histogram.value_at_quantile(quantile) as f64 / 1000.0;
        Self { p50: at(0.5), p90: at(0.9), p99: at(0.99), p999: at(0.999), max: at(1.0) }
    }
}

/// Collects runs and makes rows of them, in the order of their first appearance.
#[derive(Default)]
pub(super) struct Series(Vec<(String, String, Vec<Measured>)>);

impl Series {
    /// One more run of a system under a load.
    pub(super) fn add(&mut self, load: &str, system: &str, measured: Measured) {
        let same = |(other, name, _): &&mut (String, String, _)| other == load && name == system;
        match self.0.iter_mut().find(same) {
            Some((_, _, runs)) => runs.push(measured),
            None => self.0.push((load.to_owned(), system.to_owned(), vec![measured])),
        }
    }

    /// The rows; `subject`'s have their ratios to each of the others.
    pub(super) fn rows(self, unit: &'static str, subject: &str) -> Result<Vec<Row>, BenchError> {
        let rates: Vec<_> = self
            .0
            .iter()
            .map(|(load, system, runs)| {
                (load.clone(), system.clone(), median(runs.iter().map(Measured::rate)))
            })
            .collect();
        let mut rows = Vec::new();
        for (load, system, runs) in self.0 {
            let mut row = row(load, system, unit, &runs)?;
            if row.system == subject {
                let others = rates.iter().filter(|(load, system, _)| *load == row.load && system != subject);
                row.ratios = others.map(|(_, system, rate)| (system.clone(), row.rate / rate)).collect();
            }
            rows.push(row);
        }
        Ok(rows)
    }
}

fn row(load: String, system: String, unit: &'static str, runs: &[Measured]) -> Result<Row, BenchError> {
    let rates = || runs.iter().map(Measured::rate);
    let each = |micros: fn(&Measured) -> u64| {
        median(runs.iter().map(|run| micros(run) as f64 / run.count.max(1) as f64))
    };
    let mut latency: Option<Histogram<u64>> = None;
    for own in runs.iter().filter_map(|run| run.latency.as_ref()) {
        match &mut latency {
            Some(all) => all.add(own).map_err(|error| BenchError::Other(error.to_string()))?,
            None => latency = Some(own.clone()),
        }
    }
    if runs.iter().any(|run| run.count == 0) {
        let why =
            format!("{system} at {load} was answered nothing in the measured time; give it more --seconds");
        return Err(BenchError::Other(why));
    }
    Ok(Row {
        load,
        system,
        unit,
        rate: median(rates()),
        rate_range: [rates().fold(f64::INFINITY, f64::min), rates().fold(0.0, f64::max)],
        ratios: BTreeMap::new(),
        latency_ms: latency.as_ref().map(Latency::of),
        server_cpu_us: each(|run| run.spent.server),
        database_cpu_us: runs
            .iter()
            .all(|run| run.spent.database.is_some())
            .then(|| each(|run| run.spent.database.unwrap_or(0))),
        client_cpu_us: each(|run| run.spent.client),
        server_peak_mb: runs.iter().filter_map(|run| run.peak).reduce(f64::max),
    })
}

/// The middle of some numbers; of an even count the mean of the two in the middle, of none NaN.
pub(super) fn median(numbers: impl Iterator<Item = f64>) -> f64 {
    let mut sorted: Vec<f64> = numbers.collect();
    sorted.sort_by(f64::total_cmp);
    match sorted.len() {
        0 => f64::NAN,
        count => f64::midpoint(sorted[(count - 1) / 2], sorted[count / 2]),
    }
}

impl Report {
    /// A report of rows, with the machine, the commit and the command.
    pub(super) fn new(bench: &'static str, database: &str, runs: usize, rows: Vec<Row>) -> Self {
        let command: Vec<String> = std::env::args().map(|word| masked(&word)).collect();
        let mut remarks = vec![
            "client, server and database share the processors; a row's ratios are of medians".to_owned(),
        ];
        if cfg!(debug_assertions) {
            remarks.push("a debug build: these figures mean nothing".to_owned());
        }
        Self {
            bench,
            command: command.join(" "),
            commit: commit(),
            processor: processor(),
            cores: std::thread::available_parallelism().map_or(0, usize::from),
            database: database.to_owned(),
            runs,
            rows,
            remarks,
        }
    }

    /// Prints the table, and writes the JSON where it is wanted.
    pub(super) fn publish(&self, json: Option<&Path>) -> Result<(), BenchError> {
        if let Some(file) = json {
            let text =
                serde_json::to_string_pretty(self).map_err(|error| BenchError::Other(error.to_string()))?;
            let failed = |error| BenchError::Io { what: file.display().to_string(), error };
            std::fs::write(file, text + "\n").map_err(failed)?;
        }
        let failed = |error| BenchError::Io { what: "standard output".to_owned(), error };
        std::io::stdout().write_all(self.text().as_bytes()).map_err(failed)
    }

    fn text(&self) -> String {
        let Self { bench, command, commit, processor, cores, database, runs, remarks, .. } = self;
        let mut text = format!(
            "bench {bench}: medians of {runs} runs\n  command   {command}\n  commit    {commit}\n  \
             machine   {cores} × {processor}\n  database  {database}\n"
        );
        for remark in remarks {
            text += &format!("  note      {remark}\n");
        }
        format!("{text}{}\n", self.table())
    }

    fn table(&self) -> Table {
        let mut table = Table::new();
        table.load_style(presets::ASCII_MARKDOWN).set_header([
            "load",
            "system",
            "ratio",
            "a second",
            "range",
            "p50 ms",
            "p90",
            "p99",
            "p99.9",
            "max",
            "server CPU µs",
            "database",
            "client",
            "peak MB",
        ]);
        for row in &self.rows {
            table.add_row(cells(row));
        }
        for column in table.column_iter_mut().skip(2) {
            column.set_cell_alignment(CellAlignment::Right);
        }
        table
    }
}

fn cells(row: &Row) -> Vec<String> {
    let ratios: Vec<_> =
        row.ratios.iter().map(|(system, ratio)| format!("{} × {system}", digits(*ratio))).collect();
    let optional = |number: Option<f64>| number.map_or_else(String::new, digits);
    let latency = |of: fn(&Latency) -> f64| optional(row.latency_ms.as_ref().map(of));
    vec![
        row.load.clone(),
        row.system.clone(),
        ratios.join("; "),
        format!("{:.0} {}", row.rate, row.unit),
        format!("{:.0}–{:.0}", row.rate_range[0], row.rate_range[1]),
        latency(|latency| latency.p50),
        latency(|latency| latency.p90),
        latency(|latency| latency.p99),
        latency(|latency| latency.p999),
        latency(|latency| latency.max),
        digits(row.server_cpu_us),
        optional(row.database_cpu_us),
        digits(row.client_cpu_us),
        optional(row.server_peak_mb),
    ]
}

/// Three digits or so.
fn digits(number: f64) -> String {
    match number.abs() {
        size if size >= 100.0 => format!("{number:.0}"),
        size if size >= 10.0 => format!("{number:.1}"),
        _ => format!("{number:.2}"),
    }
}

/// A URL on the command line may hold a password.
fn masked(word: &str) -> String {
    match word.split_once("://") {
        Some(_) => ordermesh_service::config::MaskedUrl::from(word.to_owned()).to_string(),
        None => word.to_owned(),
    }
}

fn commit() -> String {
    let mut git = std::process::Command::new("git");
    git.args(["describe", "--always", "--dirty", "--abbrev=12", "--exclude=*"]);
    let output = git.output().ok().filter(|output| output.status.success());
    let text = output.and_then(|output| String::from_utf8(output.stdout).ok());
    text.map_or_else(|| "unknown".to_owned(), |text| text.trim().to_owned())
}

fn processor() -> String {
    let info = std::fs::read_to_string("/proc/cpuinfo").unwrap_or_default();
    let name =
        info.lines().find(|line| line.starts_with("model name")).and_then(|line| line.split_once(": "));
    name.map_or_else(|| "unknown processor".to_owned(), |(_, name)| name.to_owned())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_median_is_the_middle_whatever_the_order() {
        assert!((median([3.0, 1.0, 2.0].into_iter()) - 2.0).abs() < f64::EPSILON);
        assert!((median([4.0, 1.0, 3.0, 2.0].into_iter()) - 2.5).abs() < f64::EPSILON);
        assert!(median(std::iter::empty()).is_nan());
    }

    #[test]
    fn a_password_on_the_command_line_is_not_reported() {
        assert_eq!(masked("postgres://me:s3cret@h/d"), "postgres://***@h/d");
        assert!(!masked("--postgres=postgres://me:s3cret@h/d").contains("s3cret"));
        assert_eq!(masked("--runs"), "--runs");
    }
}
