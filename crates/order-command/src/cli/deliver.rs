//! `ordermesh order deliver`: says that a shipment has arrived.

use clap::Args;
use ordermesh_console::connect::Common;
use ordermesh_console::failure::Failure;
use ordermesh_proto::order::v1::ConfirmShipmentDeliveryRequest;

use super::change::{Target, change};

/// Which shipment.
#[derive(Debug, Args)]
pub struct Deliver {
    #[command(flatten)]
    target: Target,
    /// The shipment's id
    shipment: String,
}

/// Asks and prints.
pub async fn run(verb: Deliver, common: Common) -> Result<(), Failure> {
    let request_id = verb.target.request_id();
    let request = ConfirmShipmentDeliveryRequest {
        request_id: request_id.clone(),
        order_id: verb.target.id,
        expected_revision: verb.target.expected_revision,
        shipment_id: verb.shipment,
    };
    change(common, request_id, request, async |mut client, request| {
        client.confirm_shipment_delivery(request).await
    })
    .await
}
