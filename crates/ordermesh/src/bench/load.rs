//! The closed loop: so many workers, each of which makes its next call when its last one is answered.

use std::time::Duration;

use hdrhistogram::Histogram;
use tokio::task::JoinSet;
use tokio::time::{Instant, sleep_until};
use tonic::Status;
use tonic::transport::{Channel, Endpoint};

use super::BenchError;
use super::usage::{Meter, Spent};

/// Latencies are kept with three digits, in microseconds, up to a minute.
const SLOWEST_MICROS: u64 = 60_000_000;

/// Somebody who makes one call after the other.
pub(super) trait Worker: Send + 'static {
    /// Makes one call to its end.
    fn call(&mut self) -> impl Future<Output = Result<(), Status>> + Send;
}

/// How long a load goes on before anything counts, and then.
#[derive(Debug, Clone, Copy)]
pub(super) struct Phases {
    /// What is not counted: connections, caches and statements get warm.
    pub warm: Duration,
    /// What is.
    pub measured: Duration,
}

impl Phases {
    /// A warm-up of a fifth of what is measured, at most two seconds.
    pub(super) fn of(seconds: f64) -> Self {
        let measured = Duration::from_secs_f64(seconds);
        Self { warm: (measured / 5).min(Duration::from_secs(2)), measured }
    }
}

/// What came of a load.
#[derive(Debug)]
pub(super) struct Measured {
    /// Calls, or events, that ended within the measured time.
    pub count: u64,
    /// The measured time.
    pub seconds: f64,
    /// From the sending of each call to its answer, in microseconds; none for streams.
    pub latency: Option<Histogram<u64>>,
    /// Processor time.
    pub spent: Spent,
    /// The most memory that the server held up to now, in MB.
    pub peak: Option<f64>,
}

impl Measured {
    /// Calls or events a second.
    pub(super) fn rate(&self) -> f64 {
        self.count as f64 / self.seconds
    }
}

/// A histogram for latencies.
pub(super) fn histogram() -> Result<Histogram<u64>, BenchError> {
    Histogram::new_with_bounds(1, SLOWEST_MICROS, 3).map_err(|error| BenchError::Other(error.to_string()))
}

/// So many connections to a server.
pub(super) async fn connect(url: &str, connections: usize) -> Result<Vec<Channel>, BenchError> {
    let mut channels = Vec::with_capacity(connections);
    for _ in 0..connections {
        let endpoint = Endpoint::from_shared(url.to_owned());
        let endpoint = endpoint.map_err(|error| BenchError::Other(error.to_string()))?;
        let channel = endpoint.connect_timeout(Duration::from_secs(5)).connect().await;
        channels.push(channel.map_err(|error| BenchError::Other(format!("{url}: {error}")))?);
    }
    Ok(channels)
}

/// Runs all workers through both phases. The first call that fails ends it: what fails is not measured.
pub(super) async fn closed_loop<W: Worker>(
    workers: impl IntoIterator<Item = W>,
    phases: Phases,
    meter: Meter,
) -> Result<Measured, BenchError> {
    let from = Instant::now() + phases.warm;
    let to = from + phases.measured;
    let mut running = JoinSet::new();
    for worker in workers {
        running.spawn(work(worker, histogram()?, from, to));
    }
    sleep_until(from).await;
    let before = meter.read();
    sleep_until(to).await;
    let spent = meter.read().since(before);
    let mut latency = histogram()?;
    while let Some(ended) = running.join_next().await {
        let own = ended.map_err(|error| BenchError::Other(error.to_string()))??;
        latency.add(own).map_err(|error| BenchError::Other(error.to_string()))?;
    }
    let peak = super::usage::peak_megabytes(meter.server);
    let seconds = phases.measured.as_secs_f64();
    Ok(Measured { count: latency.len(), seconds, latency: Some(latency), spent, peak })
}

async fn work<W: Worker>(
    mut worker: W,
    mut latency: Histogram<u64>,
    from: Instant,
    to: Instant,
) -> Result<Histogram<u64>, BenchError> {
    loop {
        let sent = Instant::now();
        if sent >= to {
            return Ok(latency);
        }
        worker.call().await?;
        let answered = Instant::now();
        if answered > from && answered <= to {
            let micros = u64::try_from((answered - sent).as_micros()).unwrap_or(SLOWEST_MICROS);
            latency.saturating_record(micros);
        }
    }
}

/// Has workers make `count` calls in all, as fast as they can.
pub(super) async fn make_calls<W: Worker>(workers: Vec<W>, count: usize) -> Result<Vec<W>, BenchError> {
    let each = count.div_ceil(workers.len().max(1));
    let mut left = count;
    let mut running = JoinSet::new();
    for mut worker in workers {
        let share = each.min(left);
        left -= share;
        running.spawn(async move {
            for _ in 0..share {
                worker.call().await?;
            }
            Ok::<_, BenchError>(worker)
        });
    }
    let mut done = Vec::new();
    while let Some(ended) = running.join_next().await {
        done.push(ended.map_err(|error| BenchError::Other(error.to_string()))??);
    }
    Ok(done)
}
