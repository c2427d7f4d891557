//! `bench stock`: inventory decides on orders of one article that everybody buys, beside orders of a thousand articles.
//!
//! The orders are placed before inventory starts, so that what is measured is how fast it reserves: from its first
//! reservation's begin to the last one's event in its feed. Each system gets as many pieces as it needs.

use std::time::Instant;

use ordermesh_proto::common::v1::Money;
use ordermesh_proto::feed::v1::subscribe_response::Frame;
use ordermesh_proto::feed::v1::{EventFilter, SubscribeRequest};
use ordermesh_proto::inventory::v1::ReceiveStockRequest;
use ordermesh_proto::inventory::v1::inventory_command_service_client::InventoryCommandServiceClient;
use ordermesh_proto::inventory::v1::inventory_event_service_client::InventoryEventServiceClient;
use ordermesh_proto::order::v1::order_command_service_client::OrderCommandServiceClient;
use ordermesh_proto::order::v1::{NewOrderLine, PlaceOrderRequest};
use tokio_stream::StreamExt;
use tonic::Status;
use tonic::transport::Channel;
use uuid::Uuid;

use super::child::{Child, Launch, NOBODY};
use super::load::{Measured, Worker, connect, make_calls};
use super::place::order_command;
use super::report::{Report, Series};
use super::usage::{Meter, peak_megabytes};
use super::{Bench, BenchError, Repeats};

/// Each system, and how many articles its orders are of.
const SYSTEMS: [(&str, usize); 2] = [("1000 articles", 1000), ("one article", 1)];
const IN_FLIGHT: usize = 256;
const PIECES: i64 = 1_000_000_000;

/// Runs it with `orders` orders.
pub(super) async fn run(repeats: &Repeats, orders: usize, bench: &Bench) -> Result<Report, BenchError> {
    let mut series = Series::default();
    bench.steps(2 * repeats.runs * SYSTEMS.len());
    let load = format!("{orders} orders");
    for _ in 0..repeats.runs {
        for (system, articles) in SYSTEMS {
            bench.step(&format!("placing orders of {system}"));
            let shop = order_command(&bench.databases.fresh().await?).start().await?;
            place(&shop, orders, articles).await?;
            bench.step(&format!("reserving {system}"));
            let url = bench.databases.fresh().await?;
            stock(&url, articles).await?;
            series.add(&load, system, reserve(&shop, &url, orders, bench).await?);
            shop.stop().await?;
            bench.databases.discard().await?;
        }
    }
    let rows = series.rows("reservations", "one article")?;
    let mut report = Report::new("stock", bench.databases.description(), repeats.runs, rows);
    report.remarks.push(
        "an order has one line of one piece; inventory follows a feed that is there already".to_owned(),
    );
    Ok(report)
}

fn sku(number: usize) -> String {
    format!("SKU-{number}")
}

/// Places orders, one article after the other.
struct Buyer {
    client: OrderCommandServiceClient<Channel>,
    next: usize,
    articles: usize,
}

impl Worker for Buyer {
    async fn call(&mut self) -> Result<(), Status> {
        self.next += 1;
        let unit_price = Some(Money { currency_code: "EUR".to_owned(), minor_units: 450 });
        let line = NewOrderLine {
            sku: sku(self.next % self.articles),
            quantity: 1,
            unit_price,
            ..NewOrderLine::default()
        };
        let request = PlaceOrderRequest {
            request_id: Uuid::now_v7().to_string(),
            lines: vec![line],
            ..PlaceOrderRequest::default()
        };
        self.client.place_order(request).await.map(drop)
    }
}

async fn place(shop: &Child, orders: usize, articles: usize) -> Result<(), BenchError> {
    let channels = connect(&shop.url(), 4).await?;
    let workers = (0..IN_FLIGHT).map(|number| Buyer {
        client: OrderCommandServiceClient::new(channels[number % channels.len()].clone()),
        // Workers begin at different articles.
        next: number * articles / IN_FLIGHT,
        articles,
    });
    make_calls(workers.collect(), orders).await.map(drop)
}

fn inventory(url: &str) -> Launch {
    Launch::new("inventory", &["serve", "inventory"]).setting("ORDERMESH_INVENTORY__DATABASE_URL", url)
}

/// Fills the shelves of an inventory that hears of no order yet.
async fn stock(url: &str, articles: usize) -> Result<(), BenchError> {
    let server = inventory(url).setting("ORDERMESH_PEERS__ORDER_COMMAND", NOBODY).start().await?;
    let channel = connect(&server.url(), 1).await?.remove(0);
    let mut client = InventoryCommandServiceClient::new(channel);
    for number in 0..articles {
        let request = ReceiveStockRequest {
            request_id: Uuid::now_v7().to_string(),
            sku: sku(number),
            location: "main".to_owned(),
            quantity: PIECES,
            note: String::new(),
        };
        client.receive_stock(request).await?;
    }
    server.stop().await
}

async fn reserve(shop: &Child, url: &str, orders: usize, bench: &Bench) -> Result<Measured, BenchError> {
    let server = inventory(url).setting("ORDERMESH_PEERS__ORDER_COMMAND", shop.url()).start().await?;
    let meter = Meter { server: server.pid(), postmaster: bench.databases.postmaster() };
    let (before, begin) = (meter.read(), Instant::now());
    let channel = connect(&server.url(), 1).await?.remove(0);
    let mut client = InventoryEventServiceClient::new(channel).max_decoding_message_size(64 << 20);
    let filter = EventFilter { types: vec!["StockReserved".to_owned()], ..EventFilter::default() };
    let request = SubscribeRequest { filter: Some(filter), ..SubscribeRequest::default() };
    let mut frames = client.subscribe_inventory_events(request).await?.into_inner();
    let mut count = 0;
    while count < orders {
        let frame = frames.next().await.ok_or_else(|| server.failed("its feed ended".to_owned()))?;
        if let Some(Frame::Events(batch)) = frame.map_err(|error| server.failed(error.to_string()))?.frame {
            count += batch.events.len();
        }
    }
    let seconds = begin.elapsed().as_secs_f64();
    let (spent, peak) = (meter.read().since(before), peak_megabytes(server.pid()));
    drop((frames, client));
    server.stop().await?;
    Ok(Measured { count: count as u64, seconds, latency: None, spent, peak })
}
