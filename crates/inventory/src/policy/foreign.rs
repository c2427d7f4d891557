//! The events of order that inventory knows, in inventory's words: the one place that reads another context's messages.

use std::collections::BTreeMap;

use ordermesh_kernel::OrderId;
use ordermesh_proto::order::v1::{
    LineProgress, OrderCreated, OrderEvent, OrderReturn, ReturnCondition, order_event::Payload,
};

use crate::domain::{LineDispatch, LineTarget, ReturnId, Sku, Wanted};

/// The events that inventory asks for.
pub const TYPES: [&str; 8] = [
    "OrderCreated",
    "OrderConfirmed",
    "OrderRejected",
    "OrderExpired",
    "OrderCancellationRequested",
    "OrderLinesCancelled",
    "ShipmentDispatched",
    "ReturnReceived",
];

/// What happened to an order.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct OrderFact {
    /// The order.
    pub order_id: OrderId,
    /// What.
    pub happened: Happened,
}

/// What happened, as far as stock is concerned.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Happened {
    /// It was placed, and wants these pieces.
    Created(Vec<Wanted>),
    /// It will be fulfilled.
    Confirmed,
    /// It needs nothing any more: rejected, expired, or on the way to being cancelled.
    Ended,
    /// Of these lines no more than so many pieces are to leave yet.
    LinesCancelled(Vec<LineTarget>),
    /// Of these lines so many pieces have left by now.
    Dispatched(Vec<LineDispatch>),
    /// Goods came back.
    ReturnReceived {
        /// The return.
        return_id: ReturnId,
        /// How many pieces of the lines can be sold again.
        resaleable: Vec<LineTarget>,
    },
}

/// What an event means, or what is wrong with it.
pub fn fact(event: &OrderEvent) -> Result<OrderFact, String> {
    let order_id = OrderId::parse(&event.key).map_err(|error| format!("its key {error}"))?;
    let payload = event.payload.as_ref().ok_or("it has no payload")?;
    let happened = match payload {
        Payload::OrderCreated(created) => Happened::Created(wanted(created)?),
        Payload::OrderConfirmed(_) => Happened::Confirmed,
        Payload::OrderRejected(_) | Payload::OrderExpired(_) | Payload::OrderCancellationRequested(_) => {
            Happened::Ended
        }
        Payload::OrderLinesCancelled(cancelled) => {
            let keep = |line: LineDispatch| LineTarget { line_id: line.line_id, quantity: line.open };
            Happened::LinesCancelled(dispatches(&cancelled.progress)?.into_iter().map(keep).collect())
        }
        Payload::ShipmentDispatched(dispatched) => Happened::Dispatched(dispatches(&dispatched.progress)?),
        Payload::ReturnReceived(received) => {
            returned(received.order_return.as_ref().ok_or("it names no return")?)?
        }
        _ => return Err(format!("{} was not asked for", event.r#type)),
    };
    Ok(OrderFact { order_id, happened })
}

fn wanted(created: &OrderCreated) -> Result<Vec<Wanted>, String> {
    let line = |line: &ordermesh_proto::order::v1::OrderLine| {
        let sku = Sku::parse(line.sku.as_str()).map_err(|error| format!("line {}: {error}", line.line_id))?;
        let quantity = pieces(line.line_id, line.quantity)?;
        Ok(Wanted { line_id: line.line_id, sku, quantity })
    };
    match created.lines.is_empty() {
        true => Err("it has no lines".to_owned()),
        false => created.lines.iter().map(line).collect(),
    }
}

/// How far lines are dispatched, by the order's own counts.
fn dispatches(progress: &[LineProgress]) -> Result<Vec<LineDispatch>, String> {
    let dispatch = |line: &LineProgress| {
        let [ordered, cancelled, shipped] = [line.ordered, line.cancelled, line.shipped].map(i64::from);
        let (line_id, open) = (line.line_id, ordered - cancelled - shipped);
        match shipped < 0 || open < 0 {
            true => Err(format!("line {line_id} has {shipped} pieces shipped and {open} to ship")),
            false => Ok(LineDispatch { line_id, shipped, open }),
        }
    };
    progress.iter().map(dispatch).collect()
}

fn returned(order_return: &OrderReturn) -> Result<Happened, String> {
    let return_id =
        ReturnId::parse(&order_return.return_id).map_err(|error| format!("the return's id {error}"))?;
    let mut resaleable: BTreeMap<i32, i64> = BTreeMap::new();
    for line in &order_return.received {
        if line.condition() == ReturnCondition::Resaleable {
            *resaleable.entry(line.line_id).or_default() += pieces(line.line_id, line.accepted_quantity)?;
        }
    }
    let target = |(line_id, quantity)| LineTarget { line_id, quantity };
    Ok(Happened::ReturnReceived { return_id, resaleable: resaleable.into_iter().map(target).collect() })
}

fn pieces(line_id: i32, quantity: i32) -> Result<i64, String> {
    match quantity {
        1.. => Ok(quantity.into()),
        less => Err(format!("line {line_id} has {less} pieces")),
    }
}
