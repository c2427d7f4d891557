//! Valid commands to inventory, to start from.

use ordermesh_proto::inventory::v1::adjust_stock_request::Adjustment;
use ordermesh_proto::inventory::v1::{
    AdjustStockRequest, NewReservationLine, ReceiveStockRequest, ReleaseReservationRequest,
    ReserveStockRequest, SetReorderLevelRequest, StockChangeReason, TransferStockRequest,
};
use prost_types::Duration;

use crate::order::fresh_id;

/// Pieces come in at the location main.
pub fn receive(sku: &str, quantity: i64) -> ReceiveStockRequest {
    let (request_id, note) = (fresh_id(), String::new());
    ReceiveStockRequest { request_id, sku: sku.to_owned(), location: main(), quantity, note }
}

/// Pieces at main are counted, or more or fewer are there than were thought.
pub fn adjust(sku: &str, adjustment: Adjustment) -> AdjustStockRequest {
    AdjustStockRequest {
        request_id: fresh_id(),
        sku: sku.to_owned(),
        location: main(),
        adjustment: Some(adjustment),
        reason: StockChangeReason::Counted.into(),
        note: String::new(),
    }
}

/// Pieces go from main to another location.
pub fn transfer(sku: &str, to: &str, quantity: i64) -> TransferStockRequest {
    TransferStockRequest {
        request_id: fresh_id(),
        sku: sku.to_owned(),
        from_location: main(),
        to_location: to.to_owned(),
        quantity,
        note: String::new(),
    }
}

/// Pieces of an article are set aside for ten minutes.
pub fn reserve(sku: &str, quantity: i32) -> ReserveStockRequest {
    ReserveStockRequest {
        request_id: fresh_id(),
        lines: vec![NewReservationLine { sku: sku.to_owned(), quantity }],
        hold_duration: Some(Duration { seconds: 600, nanos: 0 }),
    }
}

/// A reservation ends.
pub fn release(reservation_id: &str) -> ReleaseReservationRequest {
    ReleaseReservationRequest { request_id: fresh_id(), reservation_id: reservation_id.to_owned() }
}

/// An article at main is low at or below so many pieces.
pub fn reorder_at(sku: &str, level: i64) -> SetReorderLevelRequest {
    let (request_id, reorder_level) = (fresh_id(), Some(level));
    SetReorderLevelRequest { request_id, sku: sku.to_owned(), location: main(), reorder_level }
}

fn main() -> String {
    "main".to_owned()
}
