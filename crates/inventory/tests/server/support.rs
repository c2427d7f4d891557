//! A shop: an order feed, a database, and inventory servers on it.

use std::sync::Arc;

use ordermesh_kernel::SystemClock;
use ordermesh_proto::feed::v1::subscribe_response::Frame;
use ordermesh_proto::feed::v1::until::Bound;
use ordermesh_proto::feed::v1::{EventFilter, SubscribeRequest};
use ordermesh_proto::inventory::v1::inventory_command_service_client::InventoryCommandServiceClient;
use ordermesh_proto::inventory::v1::inventory_event::Payload;
use ordermesh_proto::inventory::v1::inventory_event_service_client::InventoryEventServiceClient;
use ordermesh_proto::inventory::v1::inventory_query_service_client::InventoryQueryServiceClient;
use ordermesh_proto::inventory::v1::{self as wire, InventoryEvent, adjust_stock_request::Adjustment};
use ordermesh_service::config::Settings;
use ordermesh_service::server::{Listeners, serve};
use ordermesh_service::{Environment, Services};
use ordermesh_testkit::backend::fresh_url;
use ordermesh_testkit::feed::until;
use prost::Message;
use tempfile::TempDir;
use tokio_util::sync::{CancellationToken, DropGuard};
use tonic::transport::Channel;
use uuid::Uuid;

use crate::orders::Orders;

pub struct Shop {
    pub orders: Orders,
    url: String,
    _files: TempDir,
}

impl Shop {
    pub async fn open() -> Self {
        let files = tempfile::tempdir().unwrap();
        let orders = Orders::open(files.path()).await;
        Self { orders, url: fresh_url(files.path(), "inventory").await, _files: files }
    }

    /// A server on the shop's database.
    pub async fn inventory(&self) -> Inventory {
        let variables = [
            ("SERVER__LISTEN", "127.0.0.1:0"),
            ("PEERS__ORDER_COMMAND", &self.orders.addr),
            ("INVENTORY__DATABASE_URL", &self.url),
            ("INVENTORY__DUE__INTERVAL_MS", "20"),
            ("INVENTORY__CONSUMER__LEASE_MS", "500"),
        ];
        let variables = variables.map(|(name, value)| (format!("ORDERMESH_{name}"), value.to_owned()));
        let mut settings = Settings::load(None, variables, [], &[ordermesh_inventory::SECTION]).unwrap();
        let listeners = Listeners::bind(&mut settings.server).await.unwrap();
        let addr = format!("http://{}", settings.server.listen);
        let stop = CancellationToken::new();
        let environment = Environment::new(settings, Arc::new(SystemClock), stop.clone());
        let mut services = Services::default();
        ordermesh_inventory::start(&environment, &mut services).await.unwrap();
        let ended =
            tokio::spawn(async move { serve(&environment, services, listeners, || ()).await.unwrap() });
        let channel = Channel::from_shared(addr).unwrap().connect_lazy();
        Inventory { channel, stop: stop.drop_guard(), ended }
    }
}

pub struct Inventory {
    channel: Channel,
    stop: DropGuard,
    ended: tokio::task::JoinHandle<()>,
}

impl Inventory {
    pub fn commands(&self) -> InventoryCommandServiceClient<Channel> {
        InventoryCommandServiceClient::new(self.channel.clone())
    }

    pub fn queries(&self) -> InventoryQueryServiceClient<Channel> {
        InventoryQueryServiceClient::new(self.channel.clone())
    }

    /// Ends it as an operator would.
    pub async fn end(self) {
        drop(self.stop);
        self.ended.await.unwrap();
    }

    /// Pieces come in at a location.
    pub async fn receive(&self, sku: &str, location: &str, quantity: i64) -> wire::StockItem {
        let answer = self.commands().receive_stock(receive(sku, location, quantity)).await.unwrap();
        answer.into_inner().item.unwrap()
    }

    /// On hand and available, at all locations together.
    pub async fn stock(&self, sku: &str) -> (i64, i64) {
        let request = wire::GetStockRequest { sku: sku.to_owned() };
        let stock = self.queries().get_stock(request).await.unwrap().into_inner();
        for item in &stock.items {
            assert_eq!(item.on_hand, item.available + item.reserved, "{item:?}");
            assert!(item.available >= 0 && item.reserved >= 0, "{item:?}");
        }
        (stock.on_hand, stock.available)
    }

    /// The state of a reservation; none when there is no such.
    pub async fn state(&self, id: impl ToString) -> Option<wire::ReservationState> {
        self.reservation(id).await.map(|reservation| reservation.state())
    }

    pub async fn reservation(&self, id: impl ToString) -> Option<wire::Reservation> {
        let request = wire::GetReservationRequest { reservation_id: id.to_string() };
        self.queries()
            .get_reservation(request)
            .await
            .ok()
            .map(|answer| answer.into_inner().reservation.unwrap())
    }

    /// What the feed holds about a key, in order: `StockReleased 3 whole`.
    pub async fn told(&self, key: impl ToString) -> Vec<String> {
        self.events(key).await.iter().map(tell).collect()
    }

    pub async fn events(&self, key: impl ToString) -> Vec<InventoryEvent> {
        let filter = Some(EventFilter { keys: vec![key.to_string()], ..EventFilter::default() });
        let request =
            SubscribeRequest { until: until(Bound::CaughtUp(true)), filter, ..SubscribeRequest::default() };
        let mut feed = InventoryEventServiceClient::new(self.channel.clone());
        let mut frames = feed.subscribe_inventory_events(request).await.unwrap().into_inner();
        let mut events = Vec::new();
        while let Some(response) = frames.message().await.unwrap() {
            if let Some(Frame::Events(batch)) = response.frame {
                events.extend(batch.events.into_iter().map(|bytes| InventoryEvent::decode(bytes).unwrap()));
            }
        }
        let revisions: Vec<_> = events.iter().map(|event| event.key_revision).collect();
        assert_eq!(revisions, (1..=events.len() as i64).collect::<Vec<_>>());
        events
    }
}

fn tell(event: &InventoryEvent) -> String {
    let pieces = |lines: &[wire::ReservedLine]| -> i32 { lines.iter().map(|line| line.quantity).sum() };
    let what = match event.payload.as_ref().unwrap() {
        Payload::StockReserved(reserved) => pieces(&reserved.lines).to_string(),
        Payload::StockRejected(rejected) => format!("{:?}", rejected.reason()),
        Payload::StockReleased(released) => {
            format!("{}{}", pieces(&released.lines), if released.whole { " whole" } else { "" })
        }
        Payload::StockShortfallDetected(shortfall) => pieces(&shortfall.lines).to_string(),
        Payload::StockAdjusted(adjusted) => format!("{:+} {:?}", adjusted.change, adjusted.reason()),
        Payload::ReorderLevelSet(set) => format!("{:?}", set.reorder_level),
    };
    format!("{} {what}", event.r#type)
}

pub fn fresh_id() -> String {
    Uuid::now_v7().to_string()
}

pub fn receive(sku: &str, location: &str, quantity: i64) -> wire::ReceiveStockRequest {
    let (sku, location) = (sku.to_owned(), location.to_owned());
    wire::ReceiveStockRequest { request_id: fresh_id(), sku, location, quantity, note: String::new() }
}

pub fn adjust(sku: &str, location: &str, adjustment: Adjustment) -> wire::AdjustStockRequest {
    let reason = match adjustment {
        Adjustment::Counted(_) => wire::StockChangeReason::Counted,
        Adjustment::Change(_) => wire::StockChangeReason::Lost,
    };
    wire::AdjustStockRequest {
        request_id: fresh_id(),
        sku: sku.to_owned(),
        location: location.to_owned(),
        adjustment: Some(adjustment),
        reason: reason.into(),
        note: "shelf 3".to_owned(),
    }
}

pub fn reserve(lines: &[(&str, i32)], seconds: i64) -> wire::ReserveStockRequest {
    let line = |(sku, quantity): &(&str, i32)| wire::NewReservationLine {
        sku: (*sku).to_owned(),
        quantity: *quantity,
    };
    wire::ReserveStockRequest {
        request_id: fresh_id(),
        lines: lines.iter().map(line).collect(),
        hold_duration: Some(prost_types::Duration { seconds, nanos: 0 }),
    }
}

pub fn release(id: &str) -> wire::ReleaseReservationRequest {
    wire::ReleaseReservationRequest { request_id: fresh_id(), reservation_id: id.to_owned() }
}

pub fn reorder_at(sku: &str, location: &str, reorder_level: Option<i64>) -> wire::SetReorderLevelRequest {
    let (sku, location) = (sku.to_owned(), location.to_owned());
    wire::SetReorderLevelRequest { request_id: fresh_id(), sku, location, reorder_level }
}
