//! `ordermesh order ship`: lets goods leave, and records that they do.

use clap::Args;
use ordermesh_console::connect::{Common, Session, unary};
use ordermesh_console::failure::Failure;
use ordermesh_proto::order::v1::{DispatchShipmentRequest, GetOrderRequest, LineQuantity};

use super::change::{Target, print};
use super::pieces::pieces;
use super::{QUERIES, commands, queries};

/// What leaves, and by whom.
#[derive(Debug, Args)]
pub struct Ship {
    #[command(flatten)]
    target: Target,
    /// What leaves, such as 1:2 for two pieces of line 1; all that is left when left out
    #[arg(value_name = "LINE:PIECES", value_parser = pieces)]
    lines: Vec<LineQuantity>,
    /// Who carries it
    #[arg(long, default_value = "", hide_default_value = true)]
    carrier: String,
    /// The carrier's number
    #[arg(long, default_value = "", hide_default_value = true)]
    tracking: String,
}

/// Asks and prints.
pub async fn run(ship: Ship, common: Common) -> Result<(), Failure> {
    let session = Session::open(common).await?;
    let request_id = ship.target.request_id();
    let lines = match ship.lines.is_empty() {
        true => left(&session, &ship.target.id).await.map_err(|failure| failure.of(QUERIES))?,
        false => ship.lines,
    };
    let request = DispatchShipmentRequest {
        request_id: request_id.clone(),
        order_id: ship.target.id,
        expected_revision: ship.target.expected_revision,
        lines,
        carrier: ship.carrier,
        tracking_number: ship.tracking,
    };
    let answered = commands(&session).dispatch_shipment(unary(request)).await;
    print(&session, answered, &request_id)
}

/// What was neither cancelled nor dispatched, as the read server has it.
async fn left(session: &Session, order_id: &str) -> Result<Vec<LineQuantity>, Failure> {
    let request = GetOrderRequest { order_id: order_id.to_owned(), ..GetOrderRequest::default() };
    let answer = queries(session).get_order(unary(request)).await?.into_inner();
    let progress = answer.order.unwrap_or_default().progress;
    let open = progress.iter().map(|line| LineQuantity {
        line_id: line.line_id,
        quantity: line.ordered - line.cancelled - line.shipped,
    });
    let open: Vec<_> = open.filter(|line| line.quantity > 0).collect();
    match open.is_empty() {
        true => Err(Failure::unexpected("nothing of this order is left to leave")),
        false => Ok(open),
    }
}
