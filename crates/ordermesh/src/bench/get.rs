//! `bench get`: GetOrder on the order read server, beside the bare echo of the same answer and one query by primary
//! key a request. All three answer from the same orders, chosen at random.

use ordermesh_proto::order::v1::order_query_service_client::OrderQueryServiceClient;
use ordermesh_proto::order::v1::{GetOrderRequest, GetOrderResponse, PlaceOrderResponse};
use prost::Message;
use std::sync::Arc;
use tonic::Status;
use tonic::transport::Channel;

use super::child::{Child, Launch};
use super::load::{Phases, Worker, closed_loop, connect, make_calls};
use super::order::{Placer, deal};
use super::place::order_command;
use super::report::{Report, Series};
use super::usage::Meter;
use super::{Bench, BenchError, LoadArgs};

/// Callers that place the orders to read.
const PLACERS: usize = 64;

/// The servers, in the order in which each run measures them.
struct Servers {
    measured: Vec<(&'static str, Child)>,
    order_command: Child,
}

/// Runs it over `orders` orders.
pub(super) async fn run(load: &LoadArgs, orders: usize, bench: &Bench) -> Result<Report, BenchError> {
    let (servers, ids, answer) = start(orders, bench).await?;
    let mut series = Series::default();
    bench.steps(load.runs * load.in_flight.len() * servers.measured.len());
    for _ in 0..load.runs {
        for &in_flight in &load.in_flight {
            let name = format!("{in_flight} in flight");
            for (system, server) in &servers.measured {
                bench.step(&format!("{system}, {name}"));
                let channels = connect(&server.url(), load.connections(in_flight)).await?;
                let mut getters = deal(&channels, in_flight, |channel| Getter::new(channel, ids.clone()));
                (1..).zip(&mut getters).for_each(|(seed, getter)| getter.state = seed);
                let meter = Meter { server: server.pid(), postmaster: bench.databases.postmaster() };
                let measured = closed_loop(getters, Phases::of(load.seconds), meter).await;
                series.add(&name, system, measured.map_err(|error| server.failed(error.to_string()))?);
            }
        }
    }
    for (_, server) in servers.measured {
        server.stop().await?;
    }
    servers.order_command.stop().await?;
    let rows = series.rows("orders", "ordermesh")?;
    let mut report = Report::new("get", bench.databases.description(), load.runs, rows);
    let bytes = answer.encoded_len();
    report.remarks.push(format!("{} orders; an answer has {bytes} bytes, the echo's too", ids.len()));
    report.remarks.push("naive: pool of 16, one query by primary key a request".to_owned());
    Ok(report)
}

async fn start(
    orders: usize,
    bench: &Bench,
) -> Result<(Servers, Arc<[String]>, GetOrderResponse), BenchError> {
    let commands = order_command(&bench.databases.fresh().await?).start().await?;
    let views = bench.databases.fresh().await?;
    let queries = Launch::new("order-query", &["serve", "order-query"])
        .setting("ORDERMESH_ORDER_QUERY__DATABASE_URL", &views)
        .setting("ORDERMESH_PEERS__ORDER_COMMAND", commands.url())
        .start()
        .await?;
    bench.steps(2);
    bench.step(&format!("placing {orders} orders"));
    let placed = fill(&commands, orders).await.map_err(|error| commands.failed(error.to_string()))?;
    bench.step("waiting for the read model");
    let answer = caught_up(&queries, &placed).await?;
    let file = bench.file("get.bin", &answer.encode_to_vec())?;
    let echo =
        Launch::new("echo", &["bench", "serve-echo"]).argument("--get", file.display()).start().await?;
    let views =
        views.strip_prefix("sqlite:").map_or_else(|| views.clone(), |path| format!("sqlite://{path}"));
    let naive = Launch::new("naive", &["bench", "serve-naive"]).setting("ORDERMESH_BENCH_VIEWS", views);
    let measured = vec![("echo", echo), ("naive", naive.start().await?), ("ordermesh", queries)];
    let ids = placed.into_iter().map(|answer| answer.order_id).collect();
    Ok((Servers { measured, order_command: commands }, ids, answer))
}

/// Places orders and gives the answers.
async fn fill(commands: &Child, orders: usize) -> Result<Vec<PlaceOrderResponse>, BenchError> {
    let placers = deal(&connect(&commands.url(), 2).await?, PLACERS.min(orders), Placer::keeping);
    let placers = make_calls(placers, orders).await?;
    Ok(placers.into_iter().filter_map(|placer| placer.answers).flatten().collect())
}

/// Waits until the read model has every order, and gives the answer for one.
async fn caught_up(queries: &Child, placed: &[PlaceOrderResponse]) -> Result<GetOrderResponse, BenchError> {
    let channel = connect(&queries.url(), 1).await?.remove(0);
    let mut client = OrderQueryServiceClient::new(channel);
    let mut answer = None;
    for order in placed {
        let request = GetOrderRequest {
            order_id: order.order_id.clone(),
            at_least: order.consistency_token.clone(),
            allow_stale: false,
        };
        // A server waits a few seconds for its read model; many orders take longer.
        let mut left = 60;
        answer = loop {
            match client.get_order(request.clone()).await {
                Ok(answer) => break Some(answer.into_inner()),
                Err(status) if status.code() == tonic::Code::Unavailable && left > 0 => left -= 1,
                Err(status) => return Err(queries.failed(status.to_string())),
            }
        };
    }
    answer.ok_or_else(|| BenchError::Other("there is no order to read".to_owned()))
}

/// Reads one order after the other.
struct Getter {
    client: OrderQueryServiceClient<Channel>,
    ids: Arc<[String]>,
    state: u64,
}

impl Getter {
    fn new(channel: Channel, ids: Arc<[String]>) -> Self {
        Self { client: OrderQueryServiceClient::new(channel), ids, state: 1 }
    }

    /// SplitMix64: spread evenly, and the same in every run.
    fn next(&mut self) -> usize {
        self.state = self.state.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mut z = self.state;
        z = (z ^ (z >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        z = (z ^ (z >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        usize::try_from((z ^ (z >> 31)) % self.ids.len() as u64).unwrap_or(0)
    }
}

impl Worker for Getter {
    async fn call(&mut self) -> Result<(), Status> {
        let chosen = self.next();
        let order_id = self.ids[chosen].clone();
        let request = GetOrderRequest { order_id, ..GetOrderRequest::default() };
        self.client.get_order(request).await.map(drop)
    }
}
