//! `ordermesh order timeline`: what happened to an order, oldest first.

use clap::Args;
use ordermesh_console::connect::{Common, Session, unary};
use ordermesh_console::failure::Failure;
use ordermesh_console::order::state;
use ordermesh_console::render::{table, time};
use ordermesh_proto::order::v1::actor::Kind;
use ordermesh_proto::order::v1::{
    Actor, GetOrderTimelineRequest, GetOrderTimelineResponse, OrderTimelineEntry,
};

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
        let header = ["REVISION", "TIME", "EVENT", "STATE", "BY", "SUMMARY"];
        table(header, whole.entries.iter().map(row))
    })
}

fn row(entry: &OrderTimelineEntry) -> [String; 6] {
    [
        entry.revision.to_string(),
        time(entry.occurred_time.as_ref()),
        entry.r#type.clone(),
        state(entry.state),
        actor(entry.actor.as_ref()),
        entry.summary.clone(),
    ]
}

fn actor(actor: Option<&Actor>) -> String {
    match actor.and_then(|actor| actor.kind.as_ref()) {
        Some(Kind::Workload(name)) => format!("workload {name}"),
        Some(Kind::Staff(id)) => format!("staff {id}"),
        Some(Kind::Customer(id)) => format!("customer {id}"),
        Some(Kind::Policy(name)) => format!("policy {name}"),
        None => "-".to_owned(),
    }
}
