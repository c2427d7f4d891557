//! `ordermesh.inventory.v1.InventoryQueryService`.

use std::pin::Pin;

use futures_util::{Stream, StreamExt};
use ordermesh_feed::store::PatientConnection;
use ordermesh_proto::inventory::v1 as wire;
use ordermesh_proto::inventory::v1::inventory_query_service_server::InventoryQueryService;
use tokio_stream::wrappers::ReceiverStream;
use tokio_util::sync::CancellationToken;
use tonic::{Request, Response, Status};

use super::{problem, request};
use crate::codec;
use crate::domain::StockItem;
use crate::query::check_availability::Availability;
use crate::query::low_stock::LowStock;
use crate::query::watch_low_stock::Sight;

/// Serves queries.
pub struct QueryService {
    db: PatientConnection,
    low_stock: LowStock,
    shutdown: CancellationToken,
}

impl QueryService {
    /// Reads `db`; watchers listen to `low_stock` until the shutdown.
    pub fn new(db: PatientConnection, low_stock: LowStock, shutdown: CancellationToken) -> Self {
        Self { db, low_stock, shutdown }
    }
}

#[tonic::async_trait]
impl InventoryQueryService for QueryService {
    async fn get_stock(
        &self,
        request: Request<wire::GetStockRequest>,
    ) -> Result<Response<wire::GetStockResponse>, Status> {
        let query = request::get_stock(request.into_inner())?;
        let items = query.run(&self.db).await.map_err(problem::of_query)?;
        Ok(Response::new(wire::GetStockResponse {
            on_hand: items.iter().map(|item| item.on_hand).sum(),
            available: items.iter().map(StockItem::available).sum(),
            items: items.iter().map(codec::stock_item).collect(),
        }))
    }

    async fn list_stock(
        &self,
        request: Request<wire::ListStockRequest>,
    ) -> Result<Response<wire::ListStockResponse>, Status> {
        let query = request::list_stock(request.into_inner())?;
        let (items, next_page_token) = query.run(&self.db).await.map_err(problem::of_query)?;
        let items = items.iter().map(codec::stock_item).collect();
        Ok(Response::new(wire::ListStockResponse { items, next_page_token }))
    }

    async fn check_availability(
        &self,
        request: Request<wire::CheckAvailabilityRequest>,
    ) -> Result<Response<wire::CheckAvailabilityResponse>, Status> {
        let query = request::check_availability(request.into_inner())?;
        let answers = query.run(&self.db).await.map_err(problem::of_query)?;
        Ok(Response::new(wire::CheckAvailabilityResponse {
            all_sufficient: answers.iter().all(|answer| answer.sufficient),
            articles: answers.into_iter().map(availability).collect(),
        }))
    }

    async fn get_reservation(
        &self,
        request: Request<wire::GetReservationRequest>,
    ) -> Result<Response<wire::GetReservationResponse>, Status> {
        let query = request::get_reservation(request.into_inner())?;
        let reservation = query.run(&self.db).await.map_err(problem::of_query)?;
        let reservation = Some(codec::reservation(&reservation));
        Ok(Response::new(wire::GetReservationResponse { reservation }))
    }

    async fn list_reservations(
        &self,
        request: Request<wire::ListReservationsRequest>,
    ) -> Result<Response<wire::ListReservationsResponse>, Status> {
        let query = request::list_reservations(request.into_inner())?;
        let (reservations, next_page_token) = query.run(&self.db).await.map_err(problem::of_query)?;
        let reservations = reservations.iter().map(codec::reservation).collect();
        Ok(Response::new(wire::ListReservationsResponse { reservations, next_page_token }))
    }

    type WatchLowStockStream =
        Pin<Box<dyn Stream<Item = Result<wire::WatchLowStockResponse, Status>> + Send>>;

    async fn watch_low_stock(
        &self,
        request: Request<wire::WatchLowStockRequest>,
    ) -> Result<Response<Self::WatchLowStockStream>, Status> {
        let query = request::watch_low_stock(request.into_inner())?;
        let sights = query.run(self.db.clone(), &self.low_stock, self.shutdown.clone());
        let frames = ReceiverStream::new(sights).map(|seen| seen.map(sight).map_err(problem::of_query));
        Ok(Response::new(Box::pin(frames)))
    }
}

fn availability(answer: Availability) -> wire::ArticleAvailability {
    wire::ArticleAvailability {
        sku: answer.sku.into_string(),
        available: answer.available,
        largest_available: answer.largest,
        sufficient: answer.sufficient,
    }
}

fn sight(sight: Sight) -> wire::WatchLowStockResponse {
    match sight {
        Sight::Low(items) => wire::WatchLowStockResponse {
            items: items.iter().map(codec::stock_item).collect(),
            caught_up: false,
        },
        Sight::CaughtUp => wire::WatchLowStockResponse { items: Vec::new(), caught_up: true },
    }
}
