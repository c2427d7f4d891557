//! `bench`: how fast this build is on this machine, as ratios to baselines that run beside it.
//!
//! Every server is a process of its own, the one under test as well as the baselines, on a fresh database; this process
//! is the client. Runs of the systems alternate, so that whatever else the machine does meets all of them.
//!
//! # Layout
//! - [`place`], [`get`], [`replay`], [`fanout`], [`stock`]: the benchmarks
//! - [`echo`], [`naive`]: the baselines' servers; [`baseline`]: what they share
//! - [`load`], [`order`], [`subscriber`], [`history`]: clients, and what they are fed with
//! - [`child`], [`database`], [`usage`]: processes, databases, processor time and memory
//! - [`report`]: the results

mod baseline;
mod child;
mod database;
mod echo;
mod fanout;
mod get;
mod history;
mod load;
mod naive;
mod order;
mod place;
mod replay;
mod report;
mod stock;
mod subscriber;
mod usage;

use std::path::{Path, PathBuf};

use clap::{Args, Subcommand};
use indicatif::{ProgressBar, ProgressStyle};
use tokio::signal::unix::{SignalKind, signal};

use database::Databases;
use report::Report;

/// Measures this build on this machine, beside baselines, as ratios.
#[derive(Debug, Subcommand)]
pub(crate) enum BenchCommand {
    /// Place orders: beside a bare echo and a server that makes one transaction a request.
    #[command(allow_negative_numbers = true)]
    Place(PlaceArgs),
    /// Read orders: beside a bare echo and a server that makes one query a request.
    #[command(allow_negative_numbers = true)]
    Get(GetArgs),
    /// Read a feed from its beginning: beside a raw scan of its table.
    #[command(allow_negative_numbers = true)]
    Replay(ReplayArgs),
    /// Follow a feed with 1 and 10 subscribers, live at full speed and replaying.
    #[command(allow_negative_numbers = true)]
    Fanout(FanoutArgs),
    /// Reserve the stock of orders: one article that everybody buys, beside a thousand articles.
    #[command(allow_negative_numbers = true)]
    Stock(StockArgs),
    /// The bare echo.
    #[command(hide = true)]
    ServeEcho(echo::EchoArgs),
    /// The naive server.
    #[command(hide = true)]
    ServeNaive(naive::NaiveArgs),
}

/// What all benchmarks take.
#[derive(Debug, Args)]
pub(crate) struct Repeats {
    /// Measure on PostgreSQL: URL of any database there; fresh ones are made beside it and dropped again.
    #[arg(long, value_name = "URL", conflicts_with = "sqlite")]
    postgres: Option<String>,
    /// Measure on SQLite, with files below this directory [default: the directory for temporary files].
    #[arg(long, value_name = "DIR")]
    sqlite: Option<PathBuf>,
    /// Seconds of each measurement, after a warm-up of a fifth of it.
    #[arg(long, default_value_t = 5.0, value_parser = seconds)]
    seconds: f64,
    /// Runs of which medians are taken.
    #[arg(long, default_value_t = 3, value_parser = at_least_one)]
    runs: usize,
    /// Write the results as JSON, too.
    #[arg(long, value_name = "FILE")]
    json: Option<PathBuf>,
}

/// What benchmarks of unary calls take.
#[derive(Debug, Args)]
pub(crate) struct LoadArgs {
    #[command(flatten)]
    repeats: Repeats,
    /// Calls that wait for their answers at the same time.
    #[arg(long, value_name = "N,…", value_delimiter = ',', default_value = "1,16,64,256", value_parser = at_least_one)]
    in_flight: Vec<usize>,
    /// HTTP/2 connections [default: 2, and 4 from 256 in flight on].
    #[arg(long, value_name = "N", value_parser = at_least_one)]
    connections: Option<usize>,
}

impl std::ops::Deref for LoadArgs {
    type Target = Repeats;

    fn deref(&self) -> &Repeats {
        &self.repeats
    }
}

impl LoadArgs {
    fn connections(&self, in_flight: usize) -> usize {
        connections(self.connections, in_flight)
    }
}

/// Options of `bench place`.
#[derive(Debug, Args)]
pub(crate) struct PlaceArgs {
    #[command(flatten)]
    load: LoadArgs,
}

/// Options of `bench get`.
#[derive(Debug, Args)]
pub(crate) struct GetArgs {
    #[command(flatten)]
    load: LoadArgs,
    /// Orders to read.
    #[arg(long, default_value_t = 20_000, value_parser = at_least_one)]
    orders: usize,
}

/// Options of `bench replay`.
#[derive(Debug, Args)]
pub(crate) struct ReplayArgs {
    #[command(flatten)]
    repeats: Repeats,
    /// Events in the log.
    #[arg(long, default_value_t = 1_000_000, value_parser = clap::value_parser!(u64).range(1..=100_000_000))]
    events: u64,
}

/// Options of `bench stock`.
#[derive(Debug, Args)]
pub(crate) struct StockArgs {
    #[command(flatten)]
    repeats: Repeats,
    /// Orders to reserve for.
    #[arg(long, default_value_t = 50_000, value_parser = at_least_one)]
    orders: usize,
}

/// Options of `bench fanout`.
#[derive(Debug, Args)]
pub(crate) struct FanoutArgs {
    #[command(flatten)]
    repeats: Repeats,
    /// Nine fast subscribers with and without one that takes 100 events a second, instead of 1 and 10.
    #[arg(long)]
    slow: bool,
    /// Events in the log that is replayed.
    #[arg(long, default_value_t = 200_000, value_parser = clap::value_parser!(u64).range(1..=100_000_000))]
    events: u64,
    /// Orders that are placed at the same time.
    #[arg(long, value_name = "N", default_value_t = 64, value_parser = clap::value_parser!(u16).range(1..=4096))]
    in_flight: u16,
    /// HTTP/2 connections of those who place [default: 2, and 4 from 256 in flight on].
    #[arg(long, value_name = "N", value_parser = at_least_one)]
    connections: Option<usize>,
}

impl FanoutArgs {
    fn connections(&self, in_flight: usize) -> usize {
        connections(self.connections, in_flight)
    }
}

/// Two connections beat one by a third, and many calls want more.
fn connections(chosen: Option<usize>, in_flight: usize) -> usize {
    chosen.unwrap_or(if in_flight >= 256 { 4 } else { 2 }).min(in_flight)
}

fn at_least_one(text: &str) -> Result<usize, String> {
    match text.parse() {
        Ok(number @ 1..=1_000_000) => Ok(number),
        _ => Err("not a number from 1 to 1000000".to_owned()),
    }
}

fn seconds(text: &str) -> Result<f64, String> {
    match text.parse() {
        Ok(seconds) if (0.05..=3600.0).contains(&seconds) => Ok(seconds),
        _ => Err("not a number of seconds from 0.05 to 3600".to_owned()),
    }
}

/// Why a benchmark has no result.
#[derive(Debug, thiserror::Error)]
pub(crate) enum BenchError {
    /// A server under test failed.
    #[error("the server {name}: {why}{log}")]
    Child {
        /// Which.
        name: &'static str,
        /// What is wrong.
        why: String,
        /// What it has logged beside the ordinary.
        log: String,
    },
    /// A call was refused.
    #[error("a call failed: {:?}: {}", .0.code(), .0.message())]
    Call(#[from] tonic::Status),
    /// The database refuses.
    #[error("the database: {0}")]
    Database(#[from] sea_orm::DbErr),
    /// A file or socket.
    #[error("{what}: {error}")]
    Io {
        /// Which.
        what: String,
        /// Why.
        error: std::io::Error,
    },
    /// The person ended it.
    #[error("ended by a signal; nothing was measured")]
    Signal,
    /// Anything else, in words.
    #[error("{0}")]
    Other(String),
}

/// What a benchmark works with: databases, files, and a bar that tells how far it is.
pub(crate) struct Bench {
    databases: Databases,
    files: PathBuf,
    bar: ProgressBar,
}

impl Bench {
    async fn open(repeats: &Repeats) -> Result<Self, BenchError> {
        let files =
            std::env::temp_dir().join(format!("ordermesh-bench-files-{}", uuid::Uuid::now_v7().simple()));
        let failed = |error| BenchError::Io { what: files.display().to_string(), error };
        std::fs::create_dir(&files).map_err(failed)?;
        let style = ProgressStyle::with_template("{bar:20} {pos}/{len} {elapsed} {msg}");
        let style = style.map_err(|error| BenchError::Other(error.to_string()))?;
        let bar = ProgressBar::new(0).with_style(style);
        let databases = Databases::open(repeats.postgres.as_deref(), repeats.sqlite.as_deref()).await;
        match databases {
            Ok(databases) => Ok(Self { databases, files, bar }),
            Err(error) => {
                // The error that is told is the one that matters.
                let _ = std::fs::remove_dir_all(&files);
                Err(error)
            }
        }
    }

    /// Adds so many steps to the bar.
    fn steps(&self, count: usize) {
        self.bar.inc_length(count as u64);
    }

    /// The next step begins.
    fn step(&self, what: &str) {
        if !self.bar.message().is_empty() {
            self.bar.inc(1);
        }
        self.bar.set_message(what.to_owned());
    }

    /// A file for another process to read.
    fn file(&self, name: &str, bytes: &[u8]) -> Result<PathBuf, BenchError> {
        let path = self.files.join(name);
        let failed = |error| BenchError::Io { what: path.display().to_string(), error };
        std::fs::write(&path, bytes).map_err(failed)?;
        Ok(path)
    }

    /// Removes what it has made.
    async fn close(self) -> Result<(), BenchError> {
        self.bar.finish_and_clear();
        let failed = |error| BenchError::Io { what: self.files.display().to_string(), error };
        let removed = std::fs::remove_dir_all(&self.files).map_err(failed);
        self.databases.close().await.and(removed)
    }
}

/// Runs a benchmark, or a server that one compares with.
pub(crate) async fn run(command: BenchCommand) -> Result<(), BenchError> {
    match command {
        BenchCommand::ServeEcho(args) => echo::serve(args).await,
        BenchCommand::ServeNaive(args) => naive::serve(args).await,
        BenchCommand::Place(PlaceArgs { load }) => {
            measure(&load, async |bench| place::run(&load, bench).await).await
        }
        BenchCommand::Get(GetArgs { load, orders }) => {
            measure(&load, async |bench| get::run(&load, orders, bench).await).await
        }
        BenchCommand::Replay(ReplayArgs { repeats, events }) => {
            measure(&repeats, async |bench| replay::run(&repeats, events, bench).await).await
        }
        BenchCommand::Stock(StockArgs { repeats, orders }) => {
            measure(&repeats, async |bench| stock::run(&repeats, orders, bench).await).await
        }
        BenchCommand::Fanout(args) => {
            let run = async |bench: &Bench| match args.slow {
                true => fanout::run_slow(&args, bench).await,
                false => fanout::run(&args, bench).await,
            };
            measure(&args.repeats, run).await
        }
    }
}

/// Runs a benchmark and cleans up behind it, however it ends: servers end when what owns them is dropped.
async fn measure(
    repeats: &Repeats,
    run: impl AsyncFnOnce(&Bench) -> Result<Report, BenchError>,
) -> Result<(), BenchError> {
    let bench = Bench::open(repeats).await?;
    let measured = tokio::select! {
        report = run(&bench) => report,
        error = ended_by_signal() => Err(error),
    };
    let closed = bench.close().await;
    let report = measured?;
    closed?;
    report.publish(repeats.json.as_deref().map(Path::new))
}

async fn ended_by_signal() -> BenchError {
    let failed = |error| BenchError::Io { what: "signal handler".to_owned(), error };
    let (mut terminate, mut interrupt) = match (
        signal(SignalKind::terminate()).map_err(failed),
        signal(SignalKind::interrupt()).map_err(failed),
    ) {
        (Ok(terminate), Ok(interrupt)) => (terminate, interrupt),
        (Err(error), _) | (_, Err(error)) => return error,
    };
    tokio::select! {
        _ = terminate.recv() => {}
        _ = interrupt.recv() => {}
    }
    BenchError::Signal
}
