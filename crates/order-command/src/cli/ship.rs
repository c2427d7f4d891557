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
    if ship.lines.is_empty() && ship.target.request_id.is_some() {
        // What is left has changed by then: it would be another request under the same key.
        return Err(Failure::usage(
            "give the lines, too, to repeat a request: what is left may be something else by now",
        ));
    }
    let session = Session::open(common).await?;
    let request_id = ship.target.request_id();
    let mut request = DispatchShipmentRequest {
        request_id: request_id.clone(),
        order_id: ship.target.id,
        expected_revision: ship.target.expected_revision,
        lines: ship.lines,
        carrier: ship.carrier,
        tracking_number: ship.tracking,
    };
    let mut repeat = String::new();
    if request.lines.is_empty() {
        let (lines, revision) =
            left(&session, &request.order_id).await.map_err(|failure| failure.of(QUERIES))?;
        // Somebody who was faster than the read model, or than us, is told apart.
        request.expected_revision.get_or_insert(revision);
        let shown: Vec<_> = lines.iter().map(|line| format!("{}:{}", line.line_id, line.quantity)).collect();
        let revision = request.expected_revision.unwrap_or(revision);
        repeat = format!("{} --expected-revision {revision} ", shown.join(" "));
        request.lines = lines;
    }
    let answered = commands(&session).dispatch_shipment(unary(request)).await;
    print(&session, answered, &request_id, &repeat)
}

/// What was neither cancelled nor dispatched, as the read server has it, and the order's revision there.
async fn left(session: &Session, order_id: &str) -> Result<(Vec<LineQuantity>, i64), Failure> {
    let request = GetOrderRequest { order_id: order_id.to_owned(), ..GetOrderRequest::default() };
    let order = queries(session).get_order(unary(request)).await?.into_inner().order.unwrap_or_default();
    let open = order.progress.iter().map(|line| LineQuantity {
        line_id: line.line_id,
        quantity: line.ordered - line.cancelled - line.shipped,
    });
    let open: Vec<_> = open.filter(|line| line.quantity > 0).collect();
    match open.is_empty() {
        true => Err(Failure::unexpected("nothing of this order is left that could leave")),
        false => Ok((open, order.revision)),
    }
}
