//! Answers as they are kept with their request_id: the encoded responses.

use ordermesh_feed::commit::Answer;
use ordermesh_feed::event::{kernel_time, wire_time};
use ordermesh_proto::inventory::v1 as wire;
use prost::Message;

use super::{reserved_lines, stock_item};
use crate::command::adjust_stock::StockAdjusted;
use crate::command::release_reservation::ReservationReleased;
use crate::command::reserve_stock::StockHeld;
use crate::command::transfer_stock::StockTransferred;
use crate::command::{ItemChanged, Recorded};
use crate::domain::{ItemKey, Location, Loss, Pieces, ReservationId, Sku, StockItem};

impl Answer for Recorded {
    fn encode(&self) -> Vec<u8> {
        Vec::new()
    }

    fn decode(bytes: &[u8]) -> Option<Self> {
        bytes.is_empty().then_some(Self)
    }
}

/// The answer to ReceiveStock and, under the same fields, to SetReorderLevel.
pub fn item_changed(changed: &ItemChanged) -> wire::ReceiveStockResponse {
    wire::ReceiveStockResponse { item: Some(stock_item(&changed.item)), ..Default::default() }
}

impl Answer for ItemChanged {
    fn encode(&self) -> Vec<u8> {
        item_changed(self).encode_to_vec()
    }

    fn decode(bytes: &[u8]) -> Option<Self> {
        let stored = wire::ReceiveStockResponse::decode(bytes).ok()?;
        Some(Self { item: domain_item(stored.item)? })
    }
}

/// The answer to AdjustStock.
pub fn stock_adjusted(adjusted: &StockAdjusted) -> wire::AdjustStockResponse {
    let loss = |loss: &Loss| {
        let reservation_id = loss.id.to_string();
        let order_id = if loss.of_order { reservation_id.clone() } else { String::new() };
        wire::StockLoss { reservation_id, order_id, quantity: loss.quantity }
    };
    wire::AdjustStockResponse {
        item: Some(stock_item(&adjusted.item)),
        losses: adjusted.losses.iter().map(loss).collect(),
        ..Default::default()
    }
}

impl Answer for StockAdjusted {
    fn encode(&self) -> Vec<u8> {
        stock_adjusted(self).encode_to_vec()
    }

    fn decode(bytes: &[u8]) -> Option<Self> {
        let stored = wire::AdjustStockResponse::decode(bytes).ok()?;
        let loss = |loss: wire::StockLoss| {
            let id = ReservationId::parse(&loss.reservation_id).ok()?;
            Some(Loss { id, of_order: !loss.order_id.is_empty(), quantity: loss.quantity })
        };
        let losses = stored.losses.into_iter().map(loss).collect::<Option<_>>()?;
        Some(Self { item: domain_item(stored.item)?, losses })
    }
}

/// The answer to TransferStock.
pub fn stock_transferred(transferred: &StockTransferred) -> wire::TransferStockResponse {
    wire::TransferStockResponse {
        from: Some(stock_item(&transferred.from)),
        to: Some(stock_item(&transferred.to)),
        ..Default::default()
    }
}

impl Answer for StockTransferred {
    fn encode(&self) -> Vec<u8> {
        stock_transferred(self).encode_to_vec()
    }

    fn decode(bytes: &[u8]) -> Option<Self> {
        let stored = wire::TransferStockResponse::decode(bytes).ok()?;
        Some(Self { from: domain_item(stored.from)?, to: domain_item(stored.to)? })
    }
}

/// The answer to ReserveStock.
pub fn stock_held(held: &StockHeld) -> wire::ReserveStockResponse {
    wire::ReserveStockResponse {
        reservation_id: held.id.to_string(),
        lines: reserved_lines(&held.lines),
        expire_time: Some(wire_time(held.expire_time)),
        ..Default::default()
    }
}

impl Answer for StockHeld {
    fn encode(&self) -> Vec<u8> {
        stock_held(self).encode_to_vec()
    }

    fn decode(bytes: &[u8]) -> Option<Self> {
        let stored = wire::ReserveStockResponse::decode(bytes).ok()?;
        let id = ReservationId::parse(&stored.reservation_id).ok()?;
        let expire_time = kernel_time(&stored.expire_time?)?;
        Some(Self { id, lines: domain_lines(stored.lines)?, expire_time })
    }
}

/// The answer to ReleaseReservation.
pub fn reservation_released(released: &ReservationReleased) -> wire::ReleaseReservationResponse {
    wire::ReleaseReservationResponse {
        reservation_id: released.id.to_string(),
        lines: reserved_lines(&released.lines),
        ..Default::default()
    }
}

impl Answer for ReservationReleased {
    fn encode(&self) -> Vec<u8> {
        reservation_released(self).encode_to_vec()
    }

    fn decode(bytes: &[u8]) -> Option<Self> {
        let stored = wire::ReleaseReservationResponse::decode(bytes).ok()?;
        let id = ReservationId::parse(&stored.reservation_id).ok()?;
        Some(Self { id, lines: domain_lines(stored.lines)? })
    }
}

/// An item without its revision, which no answer shows.
fn domain_item(item: Option<wire::StockItem>) -> Option<StockItem> {
    let item = item?;
    Some(StockItem {
        key: ItemKey { sku: Sku::parse(item.sku).ok()?, location: Location::parse(item.location).ok()? },
        on_hand: item.on_hand,
        reserved: item.reserved,
        reorder_level: item.reorder_level,
        revision: 0,
        update_time: kernel_time(&item.update_time?)?,
    })
}

fn domain_lines(lines: Vec<wire::ReservedLine>) -> Option<Vec<Pieces>> {
    let line = |line: wire::ReservedLine| {
        let (sku, location) = (Sku::parse(line.sku).ok()?, Location::parse(line.location).ok()?);
        Some(Pieces { line_id: line.line_id, sku, location, quantity: line.quantity.into() })
    };
    lines.into_iter().map(line).collect()
}
