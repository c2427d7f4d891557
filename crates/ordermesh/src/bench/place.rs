//! `bench place`: PlaceOrder on the order write server, beside the bare echo and the naive server, each on a fresh
//! database at every load of every run.

use ordermesh_proto::order::v1::PlaceOrderResponse;
use prost::Message;

use super::child::{Child, Launch, NOBODY};
use super::load::{Measured, Phases, closed_loop, connect};
use super::order::{Placer, deal};
use super::report::{Report, Series};
use super::usage::Meter;
use super::{Bench, BenchError, LoadArgs};

const SYSTEMS: [&str; 3] = ["echo", "naive", "ordermesh"];

/// Runs it.
pub(super) async fn run(load: &LoadArgs, bench: &Bench) -> Result<Report, BenchError> {
    let answer = sample(bench).await?;
    let file = bench.file("place.bin", &answer.encode_to_vec())?;
    let mut series = Series::default();
    bench.steps(load.runs * load.in_flight.len() * SYSTEMS.len());
    for _ in 0..load.runs {
        for &in_flight in &load.in_flight {
            let name = format!("{in_flight} in flight");
            for system in SYSTEMS {
                bench.step(&format!("{system}, {name}"));
                let server = match system {
                    "echo" => {
                        Launch::new("echo", &["bench", "serve-echo"]).argument("--place", file.display())
                    }
                    "naive" => naive(&bench.databases.fresh().await?),
                    _ => order_command(&bench.databases.fresh().await?),
                };
                let measured = measure(load, bench, server.start().await?, in_flight).await?;
                series.add(&name, system, measured);
                bench.databases.discard().await?;
            }
        }
    }
    let rows = series.rows("orders", "ordermesh")?;
    let mut report = Report::new("place", bench.databases.description(), load.runs, rows);
    report.remarks.push(format!("an answer has {} bytes, the echo's too", answer.encoded_len()));
    report.remarks.push(
        "naive: pool of 16, one transaction a request, 9 INSERTs (idempotency, order, terms, 3 lines, contact, \
         address, event)"
            .to_owned(),
    );
    Ok(report)
}

/// The order write server on a database.
pub(super) fn order_command(url: &str) -> Launch {
    Launch::new("order-command", &["serve", "order-command"])
        .setting("ORDERMESH_ORDER_COMMAND__DATABASE_URL", url)
        .setting("ORDERMESH_PEERS__INVENTORY", NOBODY)
        .setting("ORDERMESH_PEERS__PAYMENT", NOBODY)
}

/// The URL goes by the environment, where other users of the machine do not see its password.
fn naive(url: &str) -> Launch {
    let url = url.strip_prefix("sqlite:").map_or_else(|| url.to_owned(), |path| format!("sqlite://{path}"));
    Launch::new("naive", &["bench", "serve-naive"]).setting("ORDERMESH_BENCH_ORDERS", url)
}

async fn measure(
    load: &LoadArgs,
    bench: &Bench,
    server: Child,
    in_flight: usize,
) -> Result<Measured, BenchError> {
    let channels = connect(&server.url(), load.connections(in_flight)).await?;
    let workers = deal(&channels, in_flight, Placer::new);
    let meter = Meter { server: server.pid(), postmaster: bench.databases.postmaster() };
    let measured = match closed_loop(workers, Phases::of(load.seconds), meter).await {
        Ok(measured) => measured,
        Err(error) => return Err(server.failed(error.to_string())),
    };
    drop(channels);
    server.stop().await?;
    Ok(measured)
}

/// What the order write server really answers, for the echo to answer the same.
async fn sample(bench: &Bench) -> Result<PlaceOrderResponse, BenchError> {
    let server = order_command(&bench.databases.fresh().await?).start().await?;
    let mut workers = deal(&connect(&server.url(), 1).await?, 1, Placer::keeping);
    workers = super::load::make_calls(workers, 1).await?;
    let answer = workers.pop().and_then(|worker| worker.answers?.pop());
    server.stop().await?;
    bench.databases.discard().await?;
    answer.ok_or_else(|| BenchError::Other("no answer to an order".to_owned()))
}
