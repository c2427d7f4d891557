//! ReportShipmentLoss: a shipment will not arrive.

use ordermesh_kernel::ShipmentId;

use super::{Target, change_command};

/// Says that a shipment will not arrive.
#[derive(Debug)]
pub struct ReportShipmentLoss {
    /// The order.
    pub target: Target,
    /// The shipment.
    pub shipment_id: ShipmentId,
    /// What happened, for people.
    pub reason: String,
}

change_command!(ReportShipmentLoss, Parts, |this, change| {
    change.lose(this.shipment_id, this.reason.clone())?;
    Ok(Some(this.shipment_id.into()))
});
