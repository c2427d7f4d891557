//! A subscription's request: checked, and its start turned into a position.

use std::collections::HashSet;
use std::time::Duration;

use ordermesh_kernel::Timestamp;
use ordermesh_proto::error::{Problem, Violations};
use ordermesh_proto::feed::v1::subscribe_request::Start as WireStart;
use ordermesh_proto::feed::v1::until::Bound;
use ordermesh_proto::feed::v1::{FeedErrorReason, SubscribeRequest};
use tonic::Code;

use super::{store_problem, truncated};
use crate::event::{WireEvent, kernel_time};
use crate::log::{FeedSchema, FeedSource};
use crate::token::LogPosition;

/// Events a frame unless the subscriber says otherwise.
const DEFAULT_BATCH: usize = 500;

const AFTER_CURSOR: &str = "after_cursor";
const AFTER_POSITION: &str = "after_position";

/// A request that keeps the contract.
pub(crate) struct Subscribe {
    pub start: Start,
    pub filter: Filter,
    pub until: Option<Bound>,
    pub max_batch: usize,
    pub heartbeat: Option<Duration>,
}

pub(crate) enum Start {
    Cursor(LogPosition),
    After(i64),
    Since(Timestamp),
    Earliest,
    Latest,
}

/// What a subscriber wants to see.
#[derive(Default)]
pub(crate) struct Filter {
    /// Empty: all.
    kinds: Vec<&'static str>,
    /// Empty: all.
    keys: HashSet<String>,
    /// Index and count.
    shard: Option<(u64, u64)>,
    /// Only events recorded then or later: a time to come has no position yet.
    since: Option<Timestamp>,
}

impl Filter {
    /// The same for only events of a time or later, or of any time.
    pub fn since(self, since: Option<Timestamp>) -> Self {
        Self { since, ..self }
    }

    pub fn passes(&self, event: &WireEvent) -> bool {
        (self.kinds.is_empty() || self.kinds.contains(&event.kind))
            && (self.keys.is_empty() || self.keys.contains(&event.key))
            && self.shard.is_none_or(|(index, count)| event.key_hash % count == index)
            && self.since.is_none_or(|since| event.recorded >= since)
    }
}

/// Checks a request against the rules of the contract; names every field that breaks one.
pub(crate) fn parse(request: SubscribeRequest, schema: FeedSchema) -> Result<Subscribe, Problem> {
    let mut violations = Violations::default();
    let start = start(request.start, &mut violations);
    let mut filter = Filter::default();
    let mut unknown_type = None;
    if let Some(wire) = request.filter {
        if wire.types.len() > 100 {
            violations.add("filter.types", "must have at most 100 entries");
        }
        if wire.keys.len() > 1000 {
            violations.add("filter.keys", "must have at most 1000 entries");
        }
        for (index, name) in wire.types.iter().enumerate() {
            match schema.event(name) {
                Some(kind) => filter.kinds.push(kind.name),
                None => unknown_type = unknown_type.or(Some((index, name.clone()))),
            }
        }
        filter.keys = wire.keys.into_iter().collect();
    }
    if let Some(shard) = request.shard {
        match (u64::try_from(shard.index), u64::try_from(shard.count)) {
            (Ok(index), Ok(count)) if (1..=1024).contains(&count) && index < count => {
                filter.shard = Some((index, count));
            }
            _ => violations.add("shard", "index must be from 0 to count - 1, count from 1 to 1024"),
        }
    }
    let until = request.until.and_then(|until| until.bound);
    match until {
        Some(Bound::CaughtUp(false)) => violations.add("until.caught_up", "must be true when set"),
        Some(Bound::Position(position)) if position < 0 => {
            violations.add("until.position", "must be 0 or more")
        }
        Some(Bound::MaxEvents(count)) if count < 1 => violations.add("until.max_events", "must be 1 or more"),
        _ => {}
    }
    let max_batch = match usize::try_from(request.max_batch) {
        Ok(0) => DEFAULT_BATCH,
        Ok(count) if count <= 10_000 => count,
        _ => {
            violations.add("max_batch", "must be from 0 to 10000");
            DEFAULT_BATCH
        }
    };
    let heartbeat = request.heartbeat_interval.and_then(|interval| {
        let interval = Duration::try_from(interval).ok();
        let allowed = Duration::from_millis(100)..=Duration::from_secs(3600);
        let interval = interval.filter(|interval| allowed.contains(interval));
        if interval.is_none() {
            violations.add("heartbeat_interval", "must be from 0.1s to 3600s");
        }
        interval
    });
    violations.into_problem()?;
    if let Some((index, name)) = unknown_type {
        return Err(unknown_event_type(index, &name));
    }
    let start = start.unwrap_or(Ok(Start::Earliest))?;
    if let Start::Since(time) = start {
        filter.since = Some(time);
    }
    Ok(Subscribe { start, filter, until, max_batch, heartbeat })
}

fn start(start: Option<WireStart>, violations: &mut Violations) -> Option<Result<Start, Problem>> {
    match start? {
        WireStart::AfterCursor(cursor) => return Some(LogPosition::from_cursor(&cursor).map(Start::Cursor)),
        WireStart::AfterPosition(position) if position >= 0 => return Some(Ok(Start::After(position))),
        WireStart::AfterPosition(_) => violations.add(AFTER_POSITION, "must be 0 or more"),
        WireStart::Since(time) => match kernel_time(&time) {
            Some(time) => return Some(Ok(Start::Since(time))),
            None => violations.add("since", "must be a time of the years 1 to 9999"),
        },
        WireStart::Earliest(true) => return Some(Ok(Start::Earliest)),
        WireStart::Latest(true) => return Some(Ok(Start::Latest)),
        WireStart::Earliest(false) => violations.add("earliest", "must be true when set"),
        WireStart::Latest(false) => violations.add("latest", "must be true when set"),
    }
    None
}

/// Which ones there are says GetFeed: a list of them has no room in a status.
fn unknown_event_type(index: usize, name: &str) -> Problem {
    Problem::invalid(
        FeedErrorReason::UnknownEventType,
        format!("this feed has no event {name}; GetFeed lists those that it has"),
    )
    .field(format!("filter.types[{index}]"), "must be one of the event_types that GetFeed lists")
    .with("event_type", name)
}

/// The position after which the stream starts. A cursor is compared with the log.
pub(crate) async fn resolve_start(start: &Start, source: &dyn FeedSource) -> Result<i64, Problem> {
    let store = |error| store_problem(&error);
    let earliest = source.earliest().await.map_err(store)?.unwrap_or(1);
    let position = match start {
        Start::Earliest => return Ok(earliest - 1),
        Start::Latest => return source.stored_head().await.map_err(store),
        Start::Since(time) => source.position_before(*time).await.map_err(store)?,
        Start::Cursor(place) => {
            same_log(place, AFTER_CURSOR, source).await?;
            place.position
        }
        Start::After(position) => {
            if let Some(head) = head_before(*position, source).await? {
                let what = format!("the log ends at {head}, before the position {position}");
                return Err(diverged(AFTER_POSITION, what));
            }
            *position
        }
    };
    if position + 1 >= earliest {
        return Ok(position);
    }
    let field = match start {
        Start::Cursor(_) => AFTER_CURSOR,
        Start::Since(_) => "since",
        _ => AFTER_POSITION,
    };
    Err(truncated(position, earliest).field(field, "must not be before what the log still holds"))
}

/// The head when `position` lies past it. The database is asked before anybody is refused: what another replica has just
/// committed may not be known here yet.
async fn head_before(position: i64, source: &dyn FeedSource) -> Result<Option<i64>, Problem> {
    if position <= *source.head().borrow() {
        return Ok(None);
    }
    let head = source.stored_head().await.map_err(|error| store_problem(&error))?;
    Ok((position > head).then_some(head))
}

/// Refuses a place that is not one of this log; `field` is where it stands in the request.
pub(crate) async fn same_log(
    place: &LogPosition,
    field: &str,
    source: &dyn FeedSource,
) -> Result<(), Problem> {
    if place.feed_id != source.feed_id() {
        return Err(diverged(field, format!("the cursor is of the log {}", place.feed_id))
            .with("feed_id", source.feed_id()));
    }
    if let Some(head) = head_before(place.position, source).await? {
        return Err(diverged(field, format!("the cursor is at {}, past the head {head}", place.position)));
    }
    if place.position == 0 {
        return Ok(());
    }
    let event_id = source.event_id_at(place.position).await.map_err(|error| store_problem(&error))?;
    match event_id.is_none() || event_id == place.event_id {
        // An event that is not there any more is a truncation, which the caller checks next.
        true => Ok(()),
        false => Err(diverged(field, format!("another event stands at position {}", place.position))),
    }
}

pub(crate) fn diverged(field: &str, what: String) -> Problem {
    let message = format!("{what}: this is not the log that the subscriber knows");
    Problem::new(Code::FailedPrecondition, FeedErrorReason::FeedDiverged, message)
        .field(field, "must be a place in this log")
}
