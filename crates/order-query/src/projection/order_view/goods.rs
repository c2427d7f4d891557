//! The goods of an order: what became of the lines' pieces, shipments, returns. Events carry what is so by now, never a
//! difference.

use ordermesh_proto::order::v1::{LineProgress, Order, OrderLine, OrderReturn, Shipment};

use super::MAX_PARTS;
use super::parts::{add, replace};

/// The lines' progress before anything has become of them.
pub(super) fn at_first(lines: &[OrderLine]) -> Vec<LineProgress> {
    let progress = |line: &OrderLine| LineProgress {
        line_id: line.line_id,
        sku: line.sku.clone(),
        ordered: line.quantity,
        ..LineProgress::default()
    };
    lines.iter().map(progress).collect()
}

/// Lines of which nothing is told stay as they are.
pub(super) fn progress(order: &mut Order, entries: &[LineProgress]) -> Result<(), String> {
    for entry in entries {
        let of_line = order.progress.iter_mut().find(|known| known.line_id == entry.line_id);
        let of_line = of_line.ok_or_else(|| format!("the order has no line {}", entry.line_id))?;
        of_line.clone_from(entry);
    }
    Ok(())
}

pub(super) fn dispatched(
    order: &mut Order,
    shipment: Option<&Shipment>,
    entries: &[LineProgress],
) -> Result<(), String> {
    add("shipment", MAX_PARTS, &mut order.shipments, shipment)?;
    progress(order, entries)
}

pub(super) fn shipment_ended(
    order: &mut Order,
    shipment: Option<&Shipment>,
    entries: &[LineProgress],
) -> Result<(), String> {
    replace("shipment", &mut order.shipments, shipment)?;
    progress(order, entries)
}

pub(super) fn return_requested(order: &mut Order, wanted: Option<&OrderReturn>) -> Result<(), String> {
    add("return", MAX_PARTS, &mut order.returns, wanted)
}

pub(super) fn return_changed(
    order: &mut Order,
    changed: Option<&OrderReturn>,
    entries: &[LineProgress],
) -> Result<(), String> {
    replace("return", &mut order.returns, changed)?;
    progress(order, entries)
}
