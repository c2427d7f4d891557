//! Answers to responses.

use ordermesh_feed::event::wire_time;
use ordermesh_kernel::from_micros;
use ordermesh_proto::error::Problem;
use ordermesh_proto::feed::v1::{Closing, ClosingReason};
use ordermesh_proto::order::v1 as wire;
use wire::watch_order_response::Frame;

use super::problem;
use crate::projection::order_view::OrderView;
use crate::projection::timeline::TimelineEntry;
use crate::query::batch_get_orders::OrdersById;
use crate::query::get_order::FoundOrder;
use crate::query::watch_order::Sight;
use crate::query::{Answer, Rows};

pub(super) fn order(answer: Answer<FoundOrder>) -> wire::GetOrderResponse {
    wire::GetOrderResponse {
        order: Some(answer.value.view.into_wire()),
        parked_reason: answer.value.parked.unwrap_or_default(),
        as_of: answer.freshness.as_of.encode(),
        stale: answer.freshness.stale,
    }
}

pub(super) fn orders_by_id(answer: Answer<OrdersById>) -> wire::BatchGetOrdersResponse {
    wire::BatchGetOrdersResponse {
        orders: wire_orders(answer.value.orders),
        missing_order_ids: answer.value.missing.iter().map(ToString::to_string).collect(),
        parked_order_ids: answer.value.parked.iter().map(ToString::to_string).collect(),
        remaining_order_ids: answer.value.remaining.iter().map(ToString::to_string).collect(),
        as_of: answer.freshness.as_of.encode(),
        stale: answer.freshness.stale,
    }
}

pub(super) fn orders(answer: Answer<Rows<OrderView>>) -> wire::ListOrdersResponse {
    wire::ListOrdersResponse {
        orders: wire_orders(answer.value.rows),
        next_page_token: answer.value.next_page_token,
        as_of: answer.freshness.as_of.encode(),
        stale: answer.freshness.stale,
    }
}

pub(super) fn customer_orders(answer: Answer<Rows<OrderView>>) -> wire::ListCustomerOrdersResponse {
    wire::ListCustomerOrdersResponse {
        orders: wire_orders(answer.value.rows),
        next_page_token: answer.value.next_page_token,
        as_of: answer.freshness.as_of.encode(),
        stale: answer.freshness.stale,
    }
}

pub(super) fn timeline(
    answer: Answer<Rows<TimelineEntry>>,
) -> Result<wire::GetOrderTimelineResponse, Problem> {
    Ok(wire::GetOrderTimelineResponse {
        entries: answer.value.rows.into_iter().map(entry).collect::<Result<_, _>>()?,
        next_page_token: answer.value.next_page_token,
        as_of: answer.freshness.as_of.encode(),
        stale: answer.freshness.stale,
    })
}

pub(super) fn sight(sight: Sight) -> wire::WatchOrderResponse {
    let frame = match sight.view {
        Some(view) => Frame::Order(view.into_wire()),
        None => Frame::Closing(Closing { reason: ClosingReason::ServerShutdown.into() }),
    };
    let parked_reason = sight.parked.unwrap_or_default();
    wire::WatchOrderResponse { as_of: sight.as_of.encode(), frame: Some(frame), parked_reason }
}

fn wire_orders(views: Vec<OrderView>) -> Vec<wire::Order> {
    views.into_iter().map(OrderView::into_wire).collect()
}

fn entry(entry: TimelineEntry) -> Result<wire::OrderTimelineEntry, Problem> {
    let occurred = from_micros(entry.occurred_micros).map_err(|error| {
        tracing::error!(%error, order_id = %entry.order_id, "a timeline entry has no time");
        problem::internal("the read model could not be read")
    })?;
    Ok(wire::OrderTimelineEntry {
        revision: entry.revision,
        r#type: entry.kind,
        event_id: entry.event_id.to_string(),
        position: entry.position,
        occurred_time: Some(wire_time(occurred)),
        actor: entry.actor,
        causation_id: entry.causation_id,
        summary: entry.summary,
        state: entry.state.into(),
    })
}
