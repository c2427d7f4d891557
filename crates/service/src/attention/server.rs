//! `ordermesh.attention.v1.AttentionService` over the sources of a server.

use std::collections::BTreeMap;
use std::sync::Arc;
use std::time::Duration;

use ordermesh_kernel::Timestamp;
use ordermesh_proto::attention::v1 as wire;
use ordermesh_proto::attention::v1::AttentionErrorReason;
use ordermesh_proto::attention::v1::attention_service_server::AttentionService;
use ordermesh_proto::common::v1::CommonErrorReason;
use ordermesh_proto::error::{Problem, Violations};
use sea_orm::DbErr;
use tonic::{Code, Request, Response, Status};

use super::{AttentionError, AttentionItem, AttentionSource, LastAction, Settlement};
use crate::Caller;

const DEFAULT_PAGE: usize = 50;
const MAX_PAGE: i32 = 200;
const MAX_ID: usize = 512;
const MAX_RESOLUTION: usize = 100;
const MAX_NOTE: usize = 500;
const STORE_RETRY: Duration = Duration::from_millis(500);

/// `ordermesh.attention.v1.AttentionService`.
pub struct AttentionServer {
    sources: BTreeMap<String, Arc<dyn AttentionSource>>,
}

impl AttentionServer {
    /// Serves `sources`.
    pub fn new(sources: impl IntoIterator<Item = Arc<dyn AttentionSource>>) -> Self {
        Self { sources: sources.into_iter().map(|source| (source.name().to_owned(), source)).collect() }
    }

    /// The source of an item's id, and the id within it.
    fn split<'a>(&self, item_id: &'a str) -> Option<(&Arc<dyn AttentionSource>, &'a str)> {
        let (source, id) = item_id.split_once('/')?;
        Some((self.sources.get(source)?, id))
    }

    async fn item(&self, item_id: &str) -> Result<(&Arc<dyn AttentionSource>, AttentionItem), Problem> {
        let mut violations = Violations::default();
        expect_length(&mut violations, "item_id", item_id, MAX_ID);
        violations.into_problem()?;
        let (source, id) = self.split(item_id).ok_or_else(|| not_found(item_id))?;
        let item = source.find(id).await.map_err(store_problem)?;
        Ok((source, item.ok_or_else(|| not_found(item_id))?))
    }

    /// A page of the items after the one of `after`, of one source or of all in the order of their names.
    async fn page(&self, only: &str, after: &str, size: usize) -> Result<Vec<wire::AttentionItem>, Problem> {
        let (from, mut after) = after.split_once('/').unwrap_or(("", ""));
        let mut items = Vec::new();
        for (name, source) in self.sources.range(from.to_owned()..) {
            if !only.is_empty() && name != only {
                continue;
            }
            if name != from {
                after = "";
            }
            let limit = u64::try_from(size - items.len()).unwrap_or(0);
            let found = source.list(after, limit).await.map_err(store_problem)?;
            items.extend(found.into_iter().map(|item| wire_item(name, item)));
            if items.len() >= size {
                break;
            }
        }
        Ok(items)
    }
}

#[tonic::async_trait]
impl AttentionService for AttentionServer {
    async fn list_attention_items(
        &self,
        request: Request<wire::ListAttentionItemsRequest>,
    ) -> Result<Response<wire::ListAttentionItemsResponse>, Status> {
        let request = request.into_inner();
        let mut violations = Violations::default();
        let size = match request.page_size {
            0 => DEFAULT_PAGE,
            1..=MAX_PAGE => usize::try_from(request.page_size).unwrap_or(DEFAULT_PAGE),
            size => {
                violations.add("page_size", format!("must be 0 to {MAX_PAGE}, not {size}"));
                DEFAULT_PAGE
            }
        };
        let source = request.source.as_str();
        if !source.is_empty() && !self.sources.contains_key(source) {
            let known = self.sources.keys().map(String::as_str).collect::<Vec<_>>().join(", ");
            violations.add("source", format!("must be empty or one of: {known}"));
        }
        violations.into_problem()?;
        let after = last_of(&request.page_token, source)?;
        // One more than the page holds tells whether there is another.
        let mut items = self.page(source, after, size + 1).await?;
        let more = items.len() > size;
        items.truncate(size);
        let next_page_token = match items.last() {
            Some(last) if more => format!("{source}>{}", last.item_id),
            _ => String::new(),
        };
        Ok(Response::new(wire::ListAttentionItemsResponse { items, next_page_token }))
    }

    async fn retry_attention_item(
        &self,
        request: Request<wire::RetryAttentionItemRequest>,
    ) -> Result<Response<wire::RetryAttentionItemResponse>, Status> {
        let actor = actor(&request);
        let item_id = request.into_inner().item_id;
        let (source, item) = self.item(&item_id).await?;
        if !item.retryable {
            return Err(forbidden(&item, "tried again").into());
        }
        source.retry(&item.id, &actor).await.map_err(|error| problem(error, &item_id, &item))?;
        tracing::info!(item_id, kind = item.kind, actor, "an item that needs a person is tried again");
        // One that is gone by now was tried with success.
        let now = source.find(&item.id).await.map_err(store_problem)?.unwrap_or(item);
        Ok(Response::new(wire::RetryAttentionItemResponse { item: Some(wire_item(source.name(), now)) }))
    }

    async fn resolve_attention_item(
        &self,
        request: Request<wire::ResolveAttentionItemRequest>,
    ) -> Result<Response<wire::ResolveAttentionItemResponse>, Status> {
        let actor = actor(&request);
        let wire::ResolveAttentionItemRequest { item_id, resolution, note } = request.into_inner();
        let mut violations = Violations::default();
        expect_length(&mut violations, "resolution", &resolution, MAX_RESOLUTION);
        expect_length(&mut violations, "note", &note, MAX_NOTE);
        violations.into_problem()?;
        let (source, item) = self.item(&item_id).await?;
        if !item.resolutions.contains(&resolution.as_str()) {
            return Err(forbidden(&item, &format!("settled as {resolution:?}")).into());
        }
        let settlement = Settlement { resolution, note, actor };
        let settled = source.resolve(&item.id, &settlement).await;
        settled.map_err(|error| problem(error, &item_id, &item))?;
        let Settlement { resolution, note, actor } = settlement;
        tracing::info!(
            item_id,
            kind = item.kind,
            actor,
            resolution,
            "an item that needs a person is settled"
        );
        let mut settled = wire_item(source.name(), item);
        (settled.last_actor, settled.last_action) = (actor, format!("{resolution}: {note}"));
        Ok(Response::new(wire::ResolveAttentionItemResponse { item: Some(settled) }))
    }
}

fn actor<T>(request: &Request<T>) -> String {
    format!("workload:{}", Caller::of(request).principal)
}

fn expect_length(violations: &mut Violations, field: &str, text: &str, most: usize) {
    if !(1..=most).contains(&text.chars().count()) {
        violations.add(field, format!("must have 1 to {most} characters"));
    }
    if text.contains('\0') {
        violations.add(field, "must not contain the character NUL");
    }
}

/// The item that a page starts after; its token names the list that it is of.
fn last_of<'a>(token: &'a str, source: &str) -> Result<&'a str, Problem> {
    if token.is_empty() {
        return Ok("");
    }
    match token.split_once('>') {
        Some((of, last)) if of == source && is_of(last, source) => Ok(last),
        _ => Err(Problem::invalid(CommonErrorReason::InvalidPageToken, "page_token is not of this list")
            .field("page_token", "must be the next_page_token of the page before, with the same source")),
    }
}

/// Whether an item is one of a source, or of any where none is named.
fn is_of(item_id: &str, source: &str) -> bool {
    item_id.split_once('/').is_some_and(|(of, _)| source.is_empty() || of == source)
}

fn wire_item(source: &str, item: AttentionItem) -> wire::AttentionItem {
    let (last_actor, last_action, last_action_time) = match item.last_action {
        Some(LastAction { actor, what, time }) => (actor, what, Some(wire_time(time))),
        None => (String::new(), String::new(), None),
    };
    wire::AttentionItem {
        item_id: format!("{source}/{}", item.id),
        source: source.to_owned(),
        kind: item.kind.to_owned(),
        subject: item.subject,
        detail: item.detail,
        since: Some(wire_time(item.since)),
        attempts: item.attempts,
        next_attempt_time: item.next_attempt.map(wire_time),
        retryable: item.retryable,
        resolutions: item.resolutions.iter().map(|resolution| (*resolution).to_owned()).collect(),
        last_actor,
        last_action,
        last_action_time,
    }
}

fn wire_time(time: Timestamp) -> prost_types::Timestamp {
    prost_types::Timestamp { seconds: time.as_second(), nanos: time.subsec_nanosecond() }
}

fn not_found(item_id: &str) -> Problem {
    Problem::new(Code::NotFound, AttentionErrorReason::AttentionItemNotFound, "there is no such item")
        .field("item_id", "must be an item of the queue")
        .with("item_id", item_id)
}

fn forbidden(item: &AttentionItem, what: &str) -> Problem {
    let message = format!("the item cannot be {what}");
    Problem::new(Code::FailedPrecondition, AttentionErrorReason::AttentionItemForbids, message)
        .with("resolutions", item.resolutions.join(", "))
        .with("retryable", item.retryable)
}

fn problem(error: AttentionError, item_id: &str, item: &AttentionItem) -> Problem {
    match error {
        AttentionError::NotFound => not_found(item_id),
        AttentionError::Forbidden { what } => forbidden(item, &what),
        AttentionError::Store(error) => store_problem(error),
        AttentionError::Refused(problem) => problem,
    }
}

fn store_problem(error: DbErr) -> Problem {
    tracing::warn!(%error, "the queue of what needs a person cannot be read");
    Problem::new(Code::Unavailable, CommonErrorReason::StoreUnavailable, "the queue cannot be read now")
        .retry_after(STORE_RETRY)
}
