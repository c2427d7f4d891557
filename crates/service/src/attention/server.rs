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
const MAX_TOKEN: usize = 1024;
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
    let well_formed = token.len() <= MAX_TOKEN && !token.contains('\0');
    match token.split_once('>') {
        Some((of, last)) if well_formed && of == source && last.contains('/') => Ok(last),
        _ => Err(Problem::invalid(CommonErrorReason::InvalidPageToken, "page_token is not of this list")
            .field("page_token", "must be the next_page_token of the page before, with the same source")),
    }
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

#[cfg(test)]
mod tests {
    use async_trait::async_trait;

    use super::*;

    /// Items by their numbers, of which one vanishes when it is tried again.
    struct Numbers(&'static str, std::sync::Mutex<Vec<u32>>);

    impl Numbers {
        fn server(sources: &[(&'static str, &[u32])]) -> AttentionServer {
            let source = |(name, numbers): &(&'static str, &[u32])| -> Arc<dyn AttentionSource> {
                Arc::new(Self(name, std::sync::Mutex::new(numbers.to_vec())))
            };
            AttentionServer::new(sources.iter().map(source))
        }

        fn items(&self) -> Vec<AttentionItem> {
            let item = |number: &u32| AttentionItem {
                id: format!("{number:03}"),
                kind: "NUMBER",
                subject: String::new(),
                detail: String::new(),
                since: Timestamp::UNIX_EPOCH,
                attempts: 0,
                next_attempt: None,
                retryable: true,
                resolutions: &["DONE"],
                last_action: None,
            };
            self.1.lock().map(|numbers| numbers.iter().map(item).collect()).unwrap_or_default()
        }
    }

    #[async_trait]
    impl AttentionSource for Numbers {
        fn name(&self) -> &str {
            self.0
        }

        async fn list(&self, after: &str, limit: u64) -> Result<Vec<AttentionItem>, DbErr> {
            let items = self.items().into_iter().filter(|item| item.id.as_str() > after);
            Ok(items.take(usize::try_from(limit).unwrap_or(0)).collect())
        }

        async fn find(&self, id: &str) -> Result<Option<AttentionItem>, DbErr> {
            Ok(self.items().into_iter().find(|item| item.id == id))
        }

        async fn retry(&self, id: &str, _: &str) -> Result<(), AttentionError> {
            if let Ok(mut numbers) = self.1.lock() {
                numbers.retain(|number| format!("{number:03}") != id);
            }
            Ok(())
        }

        async fn resolve(&self, _: &str, _: &Settlement) -> Result<(), AttentionError> {
            Err(AttentionError::NotFound)
        }
    }

    async fn page(server: &AttentionServer, source: &str, page_token: &str) -> (Vec<String>, String) {
        let (source, page_token) = (source.to_owned(), page_token.to_owned());
        let request = wire::ListAttentionItemsRequest { source, page_size: 2, page_token };
        let page = server.list_attention_items(Request::new(request)).await;
        let page = page.map(Response::into_inner).expect("a page");
        (page.items.into_iter().map(|item| item.item_id).collect(), page.next_page_token)
    }

    #[tokio::test]
    async fn pages_go_through_all_sources_by_their_names_or_through_one() {
        let server = Numbers::server(&[("b", &[1, 2, 3]), ("a", &[7]), ("c", &[]), ("d", &[4])]);
        let (mut seen, mut token) = (Vec::new(), String::new());
        loop {
            let (items, next) = page(&server, "", &token).await;
            assert!((1..=2).contains(&items.len()), "{items:?}");
            seen.extend(items);
            token = next;
            if token.is_empty() {
                break;
            }
        }
        assert_eq!(seen, ["a/007", "b/001", "b/002", "b/003", "d/004"]);
        let (first, token) = page(&server, "b", "").await;
        assert_eq!(first, ["b/001", "b/002"]);
        assert_eq!(page(&server, "b", &token).await, (vec!["b/003".to_owned()], String::new()));
    }

    #[test]
    fn a_token_is_of_its_list_alone() {
        assert_eq!(last_of("b>b/001", "b").ok(), Some("b/001"));
        for (token, source) in [("b>b/001", ""), (">b/001", "b"), (">b", ""), ("b/001", ""), (">b/\0", "")] {
            assert!(last_of(token, source).is_err(), "{token} of {source}");
        }
        assert!(last_of(&format!(">b/{}", "x".repeat(MAX_TOKEN)), "").is_err());
    }

    #[tokio::test]
    async fn an_item_that_is_gone_after_its_retry_is_shown_as_it_was_and_another_one_is_not_found() {
        let server = Numbers::server(&[("b", &[1])]);
        let retry = async |item_id: &str| {
            let request = wire::RetryAttentionItemRequest { item_id: item_id.to_owned() };
            server.retry_attention_item(Request::new(request)).await.map(Response::into_inner)
        };
        let shown = retry("b/001").await.expect("it is tried again").item.expect("the item");
        assert_eq!(shown.item_id, "b/001");
        for item_id in ["b/001", "x/001", "no slash"] {
            assert_eq!(retry(item_id).await.map(drop).map_err(|status| status.code()), Err(Code::NotFound));
        }
        let request = wire::ResolveAttentionItemRequest {
            item_id: "b/001".to_owned(),
            resolution: "DONE".to_owned(),
            note: "seen".to_owned(),
        };
        let gone = server.resolve_attention_item(Request::new(request)).await;
        assert_eq!(gone.map(drop).map_err(|status| status.code()), Err(Code::NotFound));
    }
}
