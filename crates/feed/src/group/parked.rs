//! What a group has parked: listing, replaying and discarding it.

use ordermesh_proto::error::{Problem, Violations};
use ordermesh_proto::feed::v1::replay_parked_events_request::What;
use ordermesh_proto::feed::v1::{
    DiscardParkedEventsRequest, DiscardParkedEventsResponse, FeedErrorReason, ListParkedEventsRequest,
    ListParkedEventsResponse, ParkedEvent, ReplayParkedEventsRequest, ReplayParkedEventsResponse,
};
use sea_orm::{ColumnTrait, DbErr, EntityTrait, QueryFilter};
use tonic::Code;

use super::admin::find;
use super::{GroupError, Groups, not_found, page, request, table};
use crate::event::wire_time;
use crate::parking::{Discarded, KeyState, ParkedEvent as Stored};
use crate::serve::{FeedServer, store_problem};
use crate::store::{WriteTransaction, group_delivery};

const MAX_KEYS: usize = 1000;
/// Bytes of events in a page, but for its last event: less than what clients take in one message.
const PAGE_BYTES: usize = 2 << 20;
/// Parked events that are read at once.
const CHUNK: u64 = 100;

impl FeedServer {
    /// A page of a group's parked events.
    pub async fn list_parked_events(
        &self,
        request: ListParkedEventsRequest,
    ) -> Result<ListParkedEventsResponse, Problem> {
        let mut violations = Violations::default();
        request::name(&mut violations, "group", &request.group);
        request::key(&mut violations, "key", &request.key);
        let size = page::size(&mut violations, request.page_size);
        violations.into_problem()?;
        find(&self.groups.reader, &request.group).await?;
        let scope = format!("parked\n{}\n{}", request.group, request.key);
        let after = page::after(&scope, &request.page_token)?;
        let after = match after.as_str() {
            "" => 0,
            after => after.parse().map_err(|_| page::invalid())?,
        };
        let key = (!request.key.is_empty()).then_some(request.key.as_str());
        let (events, more) = self
            .groups
            .parked_page(&request.group, key, after, size)
            .await
            .map_err(|error| store_problem(&error))?;
        let last = events.last().filter(|_| more).map(|last| last.position.to_string());
        Ok(ListParkedEventsResponse {
            parked_events: events.into_iter().map(wire).collect(),
            next_page_token: last.map_or_else(String::new, |last| page::token(&scope, &last)),
        })
    }

    /// Lets parked events be delivered again.
    pub async fn replay_parked_events(
        &self,
        request: ReplayParkedEventsRequest,
    ) -> Result<ReplayParkedEventsResponse, Problem> {
        let mut violations = Violations::default();
        request::name(&mut violations, "group", &request.group);
        match &request.what {
            Some(What::Keys(keys)) if keys.keys.is_empty() || keys.keys.len() > MAX_KEYS => {
                violations.add("keys.keys", "must have 1 to 1000 entries");
            }
            Some(What::All(false)) => violations.add("all", "must be true when set"),
            None => violations.add("what", "must be given"),
            Some(What::Keys(keys)) => {
                for (index, key) in keys.keys.iter().enumerate() {
                    request::key(&mut violations, &format!("keys.keys[{index}]"), key);
                }
            }
            Some(What::All(true)) => {}
        }
        violations.into_problem()?;
        let keys = match request.what {
            Some(What::Keys(keys)) => Some(keys.keys),
            _ => None,
        };
        let replayed = self.groups.replay(&request.group, keys).await?;
        self.groups.hub.wake(&request.group);
        Ok(ReplayParkedEventsResponse { keys: i32::try_from(replayed).unwrap_or(i32::MAX) })
    }

    /// Throws a key's parked events away.
    pub async fn discard_parked_events(
        &self,
        request: DiscardParkedEventsRequest,
    ) -> Result<DiscardParkedEventsResponse, Problem> {
        let mut violations = Violations::default();
        request::name(&mut violations, "group", &request.group);
        if request.key.is_empty() {
            violations.add("key", "must be given");
        }
        request::key(&mut violations, "key", &request.key);
        if request.up_to_position < 0 {
            violations.add("up_to_position", "must be 0 or more");
        }
        violations.into_problem()?;
        let up_to = (request.up_to_position > 0).then_some(request.up_to_position);
        let discarded = self.groups.discard(&request.group, &request.key, up_to).await?;
        self.groups.hub.wake(&request.group);
        Ok(DiscardParkedEventsResponse {
            discarded_events: i64::try_from(discarded.events).unwrap_or(i64::MAX),
            unblocked: discarded.unblocked,
        })
    }
}

fn wire(stored: Stored) -> ParkedEvent {
    ParkedEvent {
        event: stored.bytes.into(),
        reason: stored.reason,
        attempts: stored.attempts,
        parked_time: Some(wire_time(stored.parked)),
        replaying: stored.state == KeyState::Replaying,
    }
}

/// Nothing of a key is parked, by a group or by a consumer.
pub(crate) fn not_parked(key: &str) -> Problem {
    let message = format!("nothing of the key {key} is parked");
    Problem::new(Code::NotFound, FeedErrorReason::KeyNotParked, message)
        .field("key", "must be a key of parked events")
        .with("key", key)
}

impl Groups {
    /// Parked events until there are enough, by number or bytes, and whether there are more.
    async fn parked_page(
        &self,
        group: &str,
        key: Option<&str>,
        mut after: i64,
        size: u64,
    ) -> Result<(Vec<Stored>, bool), DbErr> {
        let (mut events, mut bytes) = (Vec::new(), 0);
        loop {
            let chunk = Self::parking(group).list(&self.reader, key, after, CHUNK).await?;
            let last_chunk = (chunk.len() as u64) < CHUNK;
            for event in chunk {
                if events.len() as u64 == size || bytes >= PAGE_BYTES {
                    return Ok((events, true));
                }
                bytes += event.bytes.len();
                after = event.position;
                events.push(event);
            }
            if last_chunk {
                return Ok((events, false));
            }
        }
    }

    async fn replay(&self, group: &str, keys: Option<Vec<String>>) -> Result<usize, GroupError> {
        let tx = self.writer.begin().await?;
        let replayed = async {
            lock(&tx, group).await?;
            let found = Self::parking(group).start_replay(&tx, keys.as_deref()).await?;
            if let Some(missing) = keys.iter().flatten().find(|key| !found.contains(key)) {
                return Err(not_parked(missing).into());
            }
            Ok(found.len())
        };
        let replayed = replayed.await;
        tx.end(replayed).await
    }

    async fn discard(&self, group: &str, key: &str, up_to: Option<i64>) -> Result<Discarded, GroupError> {
        let tx = self.writer.begin().await?;
        let discarded = async {
            lock(&tx, group).await?;
            let parking = Self::parking(group);
            if !parking.blocked(&tx).await?.contains_key(key) {
                return Err(not_parked(key).into());
            }
            group_delivery::Entity::delete_many()
                .filter(group_delivery::Column::GroupName.eq(group))
                .filter(group_delivery::Column::Key.eq(key))
                .filter(group_delivery::Column::Replay.eq(true))
                .filter(group_delivery::Column::Position.lte(up_to.unwrap_or(i64::MAX)))
                .exec(&tx)
                .await?;
            Ok(parking.discard(&tx, key, up_to).await?)
        };
        let discarded = discarded.await;
        tx.end(discarded).await
    }
}

/// Keeps turns and acknowledgements of the group's members out until the end of the transaction.
async fn lock(tx: &WriteTransaction, group: &str) -> Result<(), GroupError> {
    table::lock_group(tx, group).await?.ok_or_else(|| not_found(group))?;
    Ok(table::lock_members(tx, group).await?)
}
