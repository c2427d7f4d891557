//! ConfirmShipmentDelivery: a shipment has arrived.

use ordermesh_kernel::ShipmentId;

use super::{Target, change_command};

/// Says that a shipment has arrived.
#[derive(Debug)]
pub struct ConfirmShipmentDelivery {
    /// The order.
    pub target: Target,
    /// The shipment.
    pub shipment_id: ShipmentId,
}

change_command!(ConfirmShipmentDelivery, Parts, |this, change| {
    change.deliver(this.shipment_id)?;
    Ok(Some(this.shipment_id.into()))
});
