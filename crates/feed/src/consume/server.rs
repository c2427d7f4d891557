//! `ordermesh.feed.v1.ConsumerService` over the consumers of a server.

use std::collections::BTreeMap;
use std::sync::Arc;
use std::time::Duration;

use base64::Engine;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use bytes::Bytes;
use ordermesh_proto::common::v1::CommonErrorReason;
use ordermesh_proto::error::{Problem, Violations};
use ordermesh_proto::feed::v1::consumer_service_replay_parked_events_request::What;
use ordermesh_proto::feed::v1::consumer_service_server::ConsumerService;
use ordermesh_proto::feed::v1::{
    Consumer as WireConsumer, ConsumerParkedEvent, ConsumerServiceDiscardParkedEventsRequest,
    ConsumerServiceDiscardParkedEventsResponse, ConsumerServiceListParkedEventsRequest,
    ConsumerServiceListParkedEventsResponse, ConsumerServiceReplayParkedEventsRequest,
    ConsumerServiceReplayParkedEventsResponse, FeedErrorReason, ListConsumersRequest, ListConsumersResponse,
};
use sea_orm::DbErr;
use tonic::{Code, Request, Response, Status};

use super::feed::envelope;
use super::{ConsumerControl, ControlError};
use crate::event::wire_time;
use crate::group::not_parked;
use crate::parking::ParkedEvent;
use crate::store::is_transient;

const MAX_NAME: usize = 100;
const MAX_KEY: usize = 256;
const MAX_KEYS: usize = 1000;
const DEFAULT_PAGE: i32 = 50;
const MAX_PAGE: i32 = 200;
/// Bytes of events that a page holds, but for its last one.
const MAX_PAGE_BYTES: usize = 1 << 20;
const STORE_RETRY: Duration = Duration::from_millis(500);

/// `ordermesh.feed.v1.ConsumerService`.
pub struct ConsumerServer {
    consumers: BTreeMap<&'static str, Arc<dyn ConsumerControl>>,
}

impl ConsumerServer {
    /// Serves `consumers`.
    pub fn new(consumers: impl IntoIterator<Item = Arc<dyn ConsumerControl>>) -> Self {
        Self { consumers: consumers.into_iter().map(|consumer| (consumer.name(), consumer)).collect() }
    }

    fn find(&self, mut violations: Violations, name: &str) -> Result<&Arc<dyn ConsumerControl>, Problem> {
        if name.is_empty() || name.len() > MAX_NAME {
            violations.add("consumer", format!("must have 1 to {MAX_NAME} characters"));
        }
        violations.into_problem()?;
        self.consumers.get(name).ok_or_else(|| {
            let known = self.consumers.keys().copied().collect::<Vec<_>>().join(", ");
            let message = format!("there is no consumer {name:?} here; there are: {known}");
            Problem::new(Code::NotFound, FeedErrorReason::ConsumerNotFound, message)
                .field("consumer", "must be the name of a consumer of this server")
                .with("known_consumers", known)
        })
    }
}

#[tonic::async_trait]
impl ConsumerService for ConsumerServer {
    async fn list_consumers(
        &self,
        _: Request<ListConsumersRequest>,
    ) -> Result<Response<ListConsumersResponse>, Status> {
        let mut consumers = Vec::with_capacity(self.consumers.len());
        for consumer in self.consumers.values() {
            consumers.push(describe(consumer.as_ref()).await.map_err(store_problem)?);
        }
        Ok(Response::new(ListConsumersResponse { consumers }))
    }

    async fn list_parked_events(
        &self,
        request: Request<ConsumerServiceListParkedEventsRequest>,
    ) -> Result<Response<ConsumerServiceListParkedEventsResponse>, Status> {
        let request = request.into_inner();
        let mut violations = Violations::default();
        if request.key.len() > MAX_KEY {
            violations.add("key", format!("must have at most {MAX_KEY} characters"));
        }
        let size = match request.page_size {
            0 => DEFAULT_PAGE,
            size if (0..=MAX_PAGE).contains(&size) => size,
            size => {
                violations.add("page_size", format!("must be 0 to {MAX_PAGE}, not {size}"));
                DEFAULT_PAGE
            }
        };
        let consumer = self.find(violations, &request.consumer)?;
        let page = Page { consumer: &request.consumer, key: &request.key };
        let after = page.position_of(&request.page_token)?;
        let key = (!request.key.is_empty()).then_some(request.key.as_str());
        // One more than the page holds tells whether there is another.
        let limit = u64::try_from(size).unwrap_or(0) + 1;
        let events = consumer.parked(key, after, limit).await.map_err(store_problem)?;
        Ok(Response::new(page.of(events, usize::try_from(size).unwrap_or(0))?))
    }

    async fn replay_parked_events(
        &self,
        request: Request<ConsumerServiceReplayParkedEventsRequest>,
    ) -> Result<Response<ConsumerServiceReplayParkedEventsResponse>, Status> {
        let request = request.into_inner();
        let mut violations = Violations::default();
        let keys = match &request.what {
            Some(What::All(true)) => None,
            Some(What::All(false)) => {
                violations.add("all", "must be true");
                None
            }
            Some(What::Keys(keys)) if (1..=MAX_KEYS).contains(&keys.keys.len()) => Some(keys.keys.as_slice()),
            Some(What::Keys(keys)) => {
                let count = keys.keys.len();
                violations.add("keys.keys", format!("must have 1 to {MAX_KEYS} entries, not {count}"));
                None
            }
            None => {
                violations.add("what", "must be keys or all");
                None
            }
        };
        let consumer = self.find(violations, &request.consumer)?;
        let planned = consumer.replay(keys, request.suppress_effects).await.map_err(control_problem)?;
        let suppress_effects = request.suppress_effects;
        tracing::info!(
            consumer = consumer.name(),
            keys = planned,
            suppress_effects,
            "a replay of parked events"
        );
        let key_count = i64::try_from(planned).unwrap_or(i64::MAX);
        Ok(Response::new(ConsumerServiceReplayParkedEventsResponse { key_count }))
    }

    async fn discard_parked_events(
        &self,
        request: Request<ConsumerServiceDiscardParkedEventsRequest>,
    ) -> Result<Response<ConsumerServiceDiscardParkedEventsResponse>, Status> {
        let request = request.into_inner();
        let mut violations = Violations::default();
        if request.key.is_empty() || request.key.len() > MAX_KEY {
            violations.add("key", format!("must have 1 to {MAX_KEY} characters"));
        }
        let up_to = match request.up_to_position {
            0 => i64::MAX,
            position if position > 0 => position,
            _ => {
                violations.add("up_to_position", "must not be negative");
                0
            }
        };
        let consumer = self.find(violations, &request.consumer)?;
        let gone = consumer.discard(&request.key, up_to).await.map_err(control_problem)?;
        tracing::warn!(
            consumer = consumer.name(),
            key = request.key,
            events = gone,
            "parked events were discarded"
        );
        Ok(Response::new(ConsumerServiceDiscardParkedEventsResponse { event_count: count(gone) }))
    }
}

async fn describe(consumer: &dyn ConsumerControl) -> Result<WireConsumer, DbErr> {
    let (progress, usage) = (consumer.progress(), consumer.usage().await?);
    let lag = progress.lag_time(consumer.now());
    Ok(WireConsumer {
        name: consumer.name().to_owned(),
        feed_id: progress.place.map_or_else(String::new, |place| place.feed_id.to_string()),
        position: progress.place.map_or(0, |place| place.position),
        head_position: progress.head,
        lag_events: progress.lag_events(),
        // Within the years of our times a duration fits.
        lag_time: lag.and_then(|lag| prost_types::Duration::try_from(lag).ok()),
        last_contact_time: progress.contact.map(wire_time),
        error: progress.error.unwrap_or_default(),
        active: progress.active,
        parked_keys: count(usage.keys),
        parked_events: count(usage.events),
        parked_bytes: count(usage.bytes),
    })
}

fn count(count: u64) -> i64 {
    i64::try_from(count).unwrap_or(i64::MAX)
}

/// What a page is of. Its token holds the consumer and the key, so that another list's is refused.
struct Page<'a> {
    consumer: &'a str,
    key: &'a str,
}

impl Page<'_> {
    fn token_of(&self, position: i64) -> String {
        URL_SAFE_NO_PAD.encode(format!("{position} {} {}", self.consumer, self.key))
    }

    /// The position that the page starts after.
    fn position_of(&self, token: &str) -> Result<i64, Problem> {
        if token.is_empty() {
            return Ok(0);
        }
        let text = URL_SAFE_NO_PAD.decode(token).ok().and_then(|bytes| String::from_utf8(bytes).ok());
        let position = text.and_then(|text| text.split(' ').next()?.parse().ok());
        // Making it anew compares all of it.
        position.filter(|position| self.token_of(*position) == token).ok_or_else(|| {
            Problem::invalid(CommonErrorReason::InvalidPageToken, "page_token is not of this list").field(
                "page_token",
                "must be the next_page_token of the page before, with the same consumer and key",
            )
        })
    }

    fn of(
        &self,
        events: Vec<(ParkedEvent, bool)>,
        size: usize,
    ) -> Result<ConsumerServiceListParkedEventsResponse, Problem> {
        let (mut bytes, found) = (0, events.len());
        let mut page = Vec::with_capacity(found.min(size));
        for (event, replaying) in events.into_iter().take(size) {
            bytes += event.bytes.len();
            page.push(wire_event(event, replaying)?);
            if bytes >= MAX_PAGE_BYTES {
                break;
            }
        }
        let last = page.last().and_then(|event| event.envelope.as_ref());
        let next_page_token = match last {
            Some(last) if page.len() < found => self.token_of(last.position),
            _ => String::new(),
        };
        Ok(ConsumerServiceListParkedEventsResponse { events: page, next_page_token })
    }
}

fn wire_event(event: ParkedEvent, replaying: bool) -> Result<ConsumerParkedEvent, Problem> {
    let bytes = Bytes::from(event.bytes);
    let envelope = envelope(&bytes).map_err(|error| {
        tracing::error!(position = event.position, %error, "a parked event cannot be read");
        Problem::new(Code::Internal, CommonErrorReason::Internal, "a parked event cannot be read")
    })?;
    Ok(ConsumerParkedEvent {
        envelope: Some(envelope),
        event: bytes,
        reason: event.reason,
        attempts: event.attempts,
        key_parked_time: Some(wire_time(event.key_parked)),
        replaying,
    })
}

fn control_problem(error: ControlError) -> Problem {
    match error {
        ControlError::NotParked(key) => not_parked(&key),
        ControlError::Store(error) => store_problem(error),
    }
}

fn store_problem(error: DbErr) -> Problem {
    match is_transient(&error) {
        true => {
            let message = "the parking cannot be reached now";
            Problem::new(Code::Unavailable, CommonErrorReason::StoreUnavailable, message)
                .retry_after(STORE_RETRY)
        }
        false => {
            tracing::error!(%error, "the parking could not be used");
            Problem::new(Code::Internal, CommonErrorReason::Internal, "the parking could not be used")
        }
    }
}
