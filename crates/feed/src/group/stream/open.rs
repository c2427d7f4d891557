//! Joining a group: its terms, its place in the log, and the member's row.

use std::collections::BTreeMap;
use std::time::Duration;

use ordermesh_kernel::{EventId, clock};
use ordermesh_proto::common::v1::CommonErrorReason;
use ordermesh_proto::error::Problem;
use ordermesh_proto::feed::v1::{self as wire, SubscribeRequest};
use sea_orm::{ColumnTrait, EntityTrait, QueryFilter};
use tonic::Code;

use super::Stream;
use crate::group::plan::{is_replaying, micros};
use crate::group::request::{self, Terms, Wish};
use crate::group::table::{self, Membership};
use crate::group::{GroupError, Groups};
use crate::log::FeedSource;
use crate::serve::{self, FeedServer, Filter, Sink, Subscribe, diverged, resolve_start};
use crate::store::{Failure, consumer_group, group_slot};

/// How often it is tried to join a group that others make, reset or remove at the same moment.
const ATTEMPTS: usize = 5;

/// Opens the stream of a group's member. `checked` is the same request without its group.
pub(crate) async fn subscribe(
    server: &FeedServer,
    wire: &SubscribeRequest,
    group: &wire::Group,
    checked: Subscribe,
    frames: Sink,
) -> Result<(), Problem> {
    let mut wish = request::parse(wire, group)?;
    (wish.max_batch, wish.heartbeat) = (checked.max_batch, checked.heartbeat);
    if let Some(place) = &wish.last {
        serve::same_log(place, request::LAST_CURSOR, server.source.as_ref()).await?;
    }
    let (membership, filter) = open(server, wire, &wish, &checked).await?;
    let stream = Stream::new(server, wish, membership, filter, frames);
    server.tasks.spawn(stream.run());
    Ok(())
}

async fn open(
    server: &FeedServer,
    wire: &SubscribeRequest,
    wish: &Wish,
    checked: &Subscribe,
) -> Result<(Membership, Filter), GroupError> {
    for _ in 0..ATTEMPTS {
        match try_open(server, wire, wish, checked).await {
            Ok(Some(opened)) => return Ok(opened),
            Ok(None) => {}
            // Another replica made the group at the same moment.
            Err(GroupError::Store(error)) if Failure::of(&error) == Failure::Conflict => {}
            Err(error) => return Err(error),
        }
    }
    let message = "the group is being changed by others";
    Err(Problem::new(Code::Unavailable, CommonErrorReason::StoreUnavailable, message)
        .retry_after(Duration::from_millis(500))
        .into())
}

/// Joins the group, making it when it is new; `None` when it has changed between the look at it and its lock.
async fn try_open(
    server: &FeedServer,
    wire: &SubscribeRequest,
    wish: &Wish,
    checked: &Subscribe,
) -> Result<Option<(Membership, Filter)>, GroupError> {
    let groups = &server.groups;
    let source = server.source.as_ref();
    let known = consumer_group::Entity::find_by_id(&wish.group).one(&groups.writer).await?;
    let terms = match &known {
        Some(group) => Terms::decode(&group.terms)?.same_as(wire, &wish.group)?,
        None => Terms::of(wire),
    };
    // The filter that counts is the group's, which was checked when the group was made.
    let filter = terms.filter(source.schema())?;
    let now = clock::to_micros(groups.clock.now());
    let new = match &known {
        Some(group) => {
            same_log(server, group).await?;
            None
        }
        None => Some(new_group(wish, &terms, checked, source, now).await?),
    };
    let tx = groups.writer.begin().await?;
    let joined = async {
        if let Some((group, position, event_id)) = &new {
            if table::lock_group(&tx, &wish.group).await?.is_some() {
                return Ok(None);
            }
            table::create(&tx, group, *position, *event_id).await?;
        }
        let expected = known.or(new.map(|(group, ..)| group));
        let group = table::lock_group(&tx, &wish.group).await?;
        let Some(group) = group.filter(|group| expected.is_some_and(|known| is_same(&known, group))) else {
            return Ok(None);
        };
        if !group.stopped_reason.is_empty() {
            let parking = Groups::parking(&wish.group);
            let full = groups.full(parking.usage(&tx).await?);
            if full.any() && !is_replaying(&parking.blocked(&tx).await?) {
                return Err(GroupError::ParkingFull);
            }
            table::stop(&tx, &wish.group, "").await?;
        }
        Ok(Some(table::join(&tx, &group, &wish.member, now, micros(groups.settings.lease)).await?))
    };
    let joined = joined.await;
    Ok(tx.end(joined).await?.map(|membership| (membership, filter)))
}

/// A group that nobody has made yet, and its place.
async fn new_group(
    wish: &Wish,
    terms: &Terms,
    checked: &Subscribe,
    source: &dyn FeedSource,
    now: i64,
) -> Result<(consumer_group::Model, i64, Option<EventId>), GroupError> {
    let start = resolve_start(&checked.start, source).await?;
    let group = consumer_group::Model {
        name: wish.group.clone(),
        feed_id: source.feed_id(),
        terms: terms.encode(),
        epoch: 0,
        created_time: now,
        stopped_reason: String::new(),
    };
    Ok((group, start, source.event_id_at(start).await?))
}

/// False when a group was reset, or removed and made again: then its place and its filter are others.
fn is_same(known: &consumer_group::Model, group: &consumer_group::Model) -> bool {
    (known.feed_id, &known.terms, known.created_time) == (group.feed_id, &group.terms, group.created_time)
}

/// Refuses to go on in a log that is not the one that the group knows.
async fn same_log(server: &FeedServer, group: &consumer_group::Model) -> Result<(), GroupError> {
    let source = server.source.as_ref();
    let refuse = |what: String| GroupError::Refused(diverged("group", what));
    if group.feed_id != source.feed_id() {
        return Err(refuse(format!("the group {} is of the log {}", group.name, group.feed_id)));
    }
    // The head in the database: what other replicas have just committed may not be known here yet.
    let head = source.stored_head().await?;
    let slots = group_slot::Entity::find()
        .filter(group_slot::Column::GroupName.eq(&group.name))
        .all(&server.groups.writer)
        .await?;
    let places: BTreeMap<i64, _> = slots.iter().map(|slot| (slot.position, slot.event_id)).collect();
    for (position, event_id) in places {
        if position > head {
            return Err(refuse(format!("the group {} is at {position}, past the head {head}", group.name)));
        }
        let there = source.event_id_at(position).await?;
        if let (Some(there), Some(known)) = (there, event_id)
            && *there.as_uuid() != known
        {
            return Err(refuse(format!("another event stands at position {position}")));
        }
    }
    Ok(())
}
