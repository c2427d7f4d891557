//! DispatchShipment: may these goods leave?

use super::{Target, change_command};
use crate::domain::{Carrier, LineQuantity, TrackingNumber};

/// Lets goods leave.
#[derive(Debug)]
pub struct DispatchShipment {
    /// The order.
    pub target: Target,
    /// What leaves, each line once.
    pub lines: Vec<LineQuantity>,
    /// Who carries it.
    pub carrier: Option<Carrier>,
    /// The carrier's number.
    pub tracking_number: Option<TrackingNumber>,
}

change_command!(DispatchShipment, Parts, |this, change| {
    let (lines, carrier) = (this.lines.clone(), this.carrier.clone());
    change.dispatch(lines, carrier, this.tracking_number.clone()).map(|shipment| Some(shipment.into()))
});
