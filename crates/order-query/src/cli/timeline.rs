//! `ordermesh order timeline`: what happened to an order, by whom and because of which command or event, oldest first.

use clap::Args;
use ordermesh_console::connect::{Common, Session, unary};
use ordermesh_console::failure::Failure;
use ordermesh_console::order::{actor, state};
use ordermesh_console::render::{table, time};
use ordermesh_proto::order::v1::{GetOrderTimelineRequest, GetOrderTimelineResponse, OrderTimelineEntry};

use super::queries;

/// Which order.
#[derive(Debug, Args)]
pub struct Timeline {
    /// The order's id
    id: String,
    /// Wait until the read model has what this consistency token stands for
    #[arg(long, value_name = "TOKEN", default_value = "", hide_default_value = true)]
    at_least: String,
}

/// Asks for all pages, since a timeline is short, and prints them as one.
pub async fn run(timeline: Timeline, common: Common) -> Result<(), Failure> {
    let session = Session::open(common).await?;
    let mut whole = GetOrderTimelineResponse::default();
    loop {
        let request = GetOrderTimelineRequest {
            order_id: timeline.id.clone(),
            page_token: whole.next_page_token,
            at_least: timeline.at_least.clone(),
            ..GetOrderTimelineRequest::default()
        };
        let mut page = queries(&session).get_order_timeline(unary(request)).await?.into_inner();
        whole.entries.append(&mut page.entries);
        whole = GetOrderTimelineResponse { entries: whole.entries, ..page };
        if whole.next_page_token.is_empty() {
            break;
        }
    }
    session.out.answer(&whole, |whole| {
        let header = ["REVISION", "TIME", "EVENT", "STATE", "BY", "CAUSE", "SUMMARY"];
        table(header, whole.entries.iter().map(row))
    })
}

fn row(entry: &OrderTimelineEntry) -> [String; 7] {
    [
        entry.revision.to_string(),
        time(entry.occurred_time.as_ref()),
        entry.r#type.clone(),
        state(entry.state),
        actor(entry.actor.as_ref()),
        entry.causation_id.clone(),
        entry.summary.clone(),
    ]
}
