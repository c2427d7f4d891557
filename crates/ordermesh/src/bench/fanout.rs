//! `bench fanout`: many subscribers of one feed: live, while orders are placed as fast as the server takes them, and
//! replaying a log all at once. With a slow one beside nine fast ones it shows what the slow one costs the others.

use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Instant;

use tokio::task::JoinSet;

use super::child::Child;
use super::load::{Measured, Phases, closed_loop, connect};
use super::order::{Placer, deal};
use super::place::order_command;
use super::report::{Report, Series, median};
use super::subscriber::{Pace, Subscriber};
use super::usage::{Meter, peak_megabytes};
use super::{Bench, BenchError, FanoutArgs, history};

/// Numbers of subscribers.
const CROWDS: [usize; 3] = [0, 1, 10];
/// Fast subscribers beside a slow one.
const FAST: usize = 9;
/// What the slow one takes, events a second.
const SLOW_RATE: u32 = 100;

/// A live load: what came of the placing, and what each subscriber got within the measured time.
struct Live {
    placed: Measured,
    received: Vec<f64>,
}

/// Runs the live crowds, then the replaying ones.
pub(super) async fn run(args: &FanoutArgs, bench: &Bench) -> Result<Report, BenchError> {
    let runs = args.repeats.runs;
    let (mut placed, mut received) = (Series::default(), Series::default());
    bench.steps(1 + runs * (2 * CROWDS.len() - 1));
    for _ in 0..runs {
        for crowd in CROWDS {
            let load = format!("live, {crowd} subscribers");
            bench.step(&load);
            let live = live(args, bench, &vec![Pace::Live; crowd]).await?;
            if crowd > 0 {
                received.add(&load, "ordermesh", together(&live));
            }
            placed.add(&load, "ordermesh", live.placed);
        }
    }
    let url = bench.databases.fresh().await?;
    bench.step(&format!("making {} events", args.events));
    history::make(&url, args.events).await?;
    for _ in 0..runs {
        for crowd in CROWDS.into_iter().filter(|crowd| *crowd > 0) {
            let load = format!("replay, {crowd} subscribers");
            bench.step(&load);
            received.add(&load, "ordermesh", replay(args, bench, &url, crowd).await?);
        }
    }
    let mut rows = placed.rows("orders", "ordermesh")?;
    rows.extend(received.rows("events in all", "ordermesh")?);
    let mut report = Report::new("fanout", bench.databases.description(), runs, rows);
    report.remarks.push(format!("live: orders placed by {} callers at once", args.in_flight));
    report.remarks.push(format!("replay: {} events each", args.events));
    Ok(report)
}

/// Runs nine fast subscribers with and without a slow one, in turn.
pub(super) async fn run_slow(args: &FanoutArgs, bench: &Bench) -> Result<Report, BenchError> {
    let runs = args.repeats.runs;
    let (mut placed, mut received) = (Series::default(), Series::default());
    let mut slow_rates = Vec::new();
    let alone = vec![Pace::Live; FAST];
    let mut beside = alone.clone();
    beside.push(Pace::Slow(SLOW_RATE));
    bench.steps(2 * runs);
    for run in 0..runs {
        let mut turns = [("nine fast alone", &alone), ("nine fast beside a slow one", &beside)];
        // Neither is always the first, which may find the machine quieter or the disk emptier.
        if run % 2 == 1 {
            turns.reverse();
        }
        for (system, paces) in turns {
            bench.step(system);
            let mut live = live(args, bench, paces).await?;
            slow_rates.extend(live.received.split_off(FAST));
            received.add("live", system, together(&live));
            placed.add("live", system, live.placed);
        }
    }
    let mut rows = received.rows("events of the nine", "nine fast beside a slow one")?;
    rows.extend(placed.rows("orders", "nine fast beside a slow one")?);
    let mut report = Report::new("fanout --slow", bench.databases.description(), runs, rows);
    report.remarks.push(format!(
        "the slow one wants {SLOW_RATE} events a second and got {:.0} (median), each position in turn",
        median(slow_rates.into_iter())
    ));
    report.remarks.push(format!("orders placed by {} callers at once", args.in_flight));
    Ok(report)
}

/// All subscribers' events as one measurement of the same time.
fn together(live: &Live) -> Measured {
    let count = live.received.iter().sum::<f64>() * live.placed.seconds;
    Measured {
        count: count.round() as u64,
        seconds: live.placed.seconds,
        latency: None,
        spent: live.placed.spent,
        peak: live.placed.peak,
    }
}

/// Subscribers of these paces while orders are placed on a fresh database.
async fn live(args: &FanoutArgs, bench: &Bench, paces: &[Pace]) -> Result<Live, BenchError> {
    let server = order_command(&bench.databases.fresh().await?).start().await?;
    let live = subscribe_and_place(args, bench, &server, paces).await;
    let live = live.map_err(|error| server.failed(error.to_string()))?;
    server.stop().await?;
    bench.databases.discard().await?;
    Ok(live)
}

async fn subscribe_and_place(
    args: &FanoutArgs,
    bench: &Bench,
    server: &Child,
    paces: &[Pace],
) -> Result<Live, BenchError> {
    let (mut counters, mut subscribers) = (Vec::new(), JoinSet::new());
    for pace in paces {
        let subscriber = Subscriber::open(&server.url(), *pace).await?;
        counters.push(subscriber.events.clone());
        subscribers.spawn(subscriber.run());
    }
    let in_flight = usize::from(args.in_flight);
    let channels = connect(&server.url(), args.connections(in_flight)).await?;
    let phases = Phases::of(args.repeats.seconds);
    let meter = Meter { server: server.pid(), postmaster: bench.databases.postmaster() };
    let counting = count_within(phases, &counters);
    let placing = closed_loop(deal(&channels, in_flight, Placer::new), phases, meter);
    let (placed, received) = tokio::join!(placing, counting);
    // A subscriber that has ended by now has failed: live ones follow for ever.
    if let Some(ended) = subscribers.try_join_next() {
        return Err(match ended {
            Ok(Err(error)) => error,
            other => BenchError::Other(format!("a subscriber ended: {other:?}")),
        });
    }
    Ok(Live { placed: placed?, received })
}

/// What each counter grew within the measured time, a second.
async fn count_within(phases: Phases, counters: &[Arc<AtomicU64>]) -> Vec<f64> {
    let read = || counters.iter().map(|counter| counter.load(Ordering::Relaxed)).collect::<Vec<_>>();
    tokio::time::sleep(phases.warm).await;
    let (before, begin) = (read(), Instant::now());
    tokio::time::sleep(phases.measured).await;
    let seconds = begin.elapsed().as_secs_f64();
    read().into_iter().zip(before).map(|(now, then)| (now - then) as f64 / seconds).collect()
}

/// A crowd that reads the whole log at once.
async fn replay(args: &FanoutArgs, bench: &Bench, url: &str, crowd: usize) -> Result<Measured, BenchError> {
    let server = order_command(url).start().await?;
    let meter = Meter { server: server.pid(), postmaster: bench.databases.postmaster() };
    let (before, begin) = (meter.read(), Instant::now());
    let mut subscribers = JoinSet::new();
    for _ in 0..crowd {
        subscribers.spawn(Subscriber::open(&server.url(), Pace::Replay).await?.run());
    }
    let mut count = 0;
    while let Some(ended) = subscribers.join_next().await {
        let own = ended.map_err(|error| BenchError::Other(error.to_string()))?;
        let own = own.map_err(|error| server.failed(error.to_string()))?;
        if own != args.events {
            return Err(server.failed(format!("a subscriber got {own} of {} events", args.events)));
        }
        count += own;
    }
    let seconds = begin.elapsed().as_secs_f64();
    let spent = meter.read().since(before);
    let peak = peak_megabytes(server.pid());
    server.stop().await?;
    Ok(Measured { count, seconds, latency: None, spent, peak })
}
