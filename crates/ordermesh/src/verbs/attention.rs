//! `ordermesh attention list|retry|resolve`: the queue of what needs a person, at any server.

use clap::{Args, Subcommand};
use ordermesh_console::connect::{Common, Session, unary};
use ordermesh_console::failure::Failure;
use ordermesh_console::render::{facts, time};
use ordermesh_proto::attention::v1::attention_service_client::AttentionServiceClient;
use ordermesh_proto::attention::v1::{
    AttentionItem, ListAttentionItemsRequest, ResolveAttentionItemRequest, RetryAttentionItemRequest,
};
use tonic::transport::Channel;

/// A verb on the queue with its options.
#[derive(Debug, Args)]
pub struct AttentionCommand {
    #[command(flatten)]
    common: Common,
    #[command(subcommand)]
    verb: AttentionVerb,
}

#[derive(Debug, Subcommand)]
enum AttentionVerb {
    /// List what needs a person at this server
    List {
        /// Only of this source, such as order-command.holds
        #[arg(long, default_value = "", hide_default_value = true)]
        source: String,
    },
    /// Have an item tried again now
    Retry {
        /// The item, as list shows it
        item: String,
    },
    /// Say that an item is settled
    Resolve {
        /// The item, as list shows it
        item: String,
        /// How: one of the words that list shows
        resolution: String,
        /// Why, for people
        #[arg(long)]
        note: String,
    },
}

/// Runs one verb against the server.
pub async fn run(command: AttentionCommand) -> Result<(), Failure> {
    let session = Session::open(command.common).await?;
    let mut queue = AttentionServiceClient::new(session.channel());
    match command.verb {
        AttentionVerb::List { source } => list(&session, queue, source).await,
        AttentionVerb::Retry { item } => {
            let request = RetryAttentionItemRequest { item_id: item };
            let answer = queue.retry_attention_item(unary(request)).await?.into_inner();
            session.out.answer(&answer, |answer| one(answer.item.as_ref()))
        }
        AttentionVerb::Resolve { item, resolution, note } => {
            let request = ResolveAttentionItemRequest { item_id: item, resolution, note };
            let answer = queue.resolve_attention_item(unary(request)).await?.into_inner();
            session.out.answer(&answer, |answer| one(answer.item.as_ref()))
        }
    }
}

async fn list(
    session: &Session,
    mut queue: AttentionServiceClient<Channel>,
    source: String,
) -> Result<(), Failure> {
    let mut request = ListAttentionItemsRequest { source, page_size: 200, ..Default::default() };
    let mut items = Vec::new();
    loop {
        let page = queue.list_attention_items(unary(request.clone())).await?.into_inner();
        items.extend(page.items);
        request.page_token = page.next_page_token;
        if request.page_token.is_empty() {
            break;
        }
    }
    if session.out.is_json() {
        let items = items.iter().map(|item| session.out.value(item)).collect::<Result<Vec<_>, _>>()?;
        return session.out.document(&serde_json::json!({ "items": items }));
    }
    let shown: Vec<_> = items.iter().map(|item| one(Some(item))).collect();
    match shown.is_empty() {
        true => session.out.text("nothing needs a person here"),
        false => session.out.text(&shown.join("\n\n")),
    }
}

fn one(item: Option<&AttentionItem>) -> String {
    let Some(item) = item else { return String::new() };
    let last = match item.last_action.as_str() {
        "" => String::new(),
        action => format!("{} {action}", item.last_actor),
    };
    let next = item.next_attempt_time.as_ref();
    let retry = item.retryable.then_some("retried");
    let can: Vec<_> = retry.into_iter().chain(item.resolutions.iter().map(String::as_str)).collect();
    facts(&[
        ("item", item.item_id.clone()),
        ("kind", item.kind.clone()),
        ("about", item.subject.clone()),
        ("what", item.detail.clone()),
        ("since", time(item.since.as_ref())),
        ("attempts", if item.attempts == 0 { String::new() } else { item.attempts.to_string() }),
        ("next attempt", next.map_or_else(String::new, |next| time(Some(next)))),
        ("last", last),
        ("can be", can.join(", ")),
    ])
}
