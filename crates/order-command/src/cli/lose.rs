//! `ordermesh order lose`: says that a shipment will not arrive.

use clap::Args;
use ordermesh_console::connect::Common;
use ordermesh_console::failure::Failure;
use ordermesh_proto::order::v1::ReportShipmentLossRequest;

use super::change::{Target, change};

/// Which shipment, and what happened.
#[derive(Debug, Args)]
pub struct Lose {
    #[command(flatten)]
    target: Target,
    /// The shipment's id
    shipment: String,
    /// Why, for people
    #[arg(long, default_value = "", hide_default_value = true)]
    reason: String,
}

/// Asks and prints.
pub async fn run(verb: Lose, common: Common) -> Result<(), Failure> {
    let request_id = verb.target.request_id();
    let request = ReportShipmentLossRequest {
        request_id: request_id.clone(),
        order_id: verb.target.id,
        expected_revision: verb.target.expected_revision,
        shipment_id: verb.shipment,
        reason: verb.reason,
    };
    change(common, request_id, request, async |mut client, request| {
        client.report_shipment_loss(request).await
    })
    .await
}
