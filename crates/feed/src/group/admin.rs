//! Looking at groups, setting them to another place, forgetting them.

use std::collections::HashMap;

use ordermesh_kernel::clock;
use ordermesh_proto::error::{Problem, Violations};
use ordermesh_proto::feed::v1::reset_group_request::To;
use ordermesh_proto::feed::v1::{
    ConsumerGroup, DeleteGroupRequest, DeleteGroupResponse, FeedErrorReason, GetGroupRequest,
    GetGroupResponse, GroupMember, GroupSlot, ListGroupsRequest, ListGroupsResponse, ResetGroupRequest,
    ResetGroupResponse, SubscribeRequest, subscribe_request,
};
use sea_orm::{ColumnTrait, ConnectionTrait, DbErr, EntityTrait, QueryFilter, QueryOrder, QuerySelect};
use tonic::Code;

use super::plan::QUEUED;
use super::terms::Terms;
use super::{GroupError, Groups, not_found, page, request, table};
use crate::event::wire_time;
use crate::serve::{FeedServer, Start, parse, resolve_start, store_problem};
use crate::store::{WriteTransaction, consumer_group, group_delivery, group_member, group_slot};
use crate::token::LogPosition;

const GROUPS: &str = "groups";

/// A group's rows.
struct Rows {
    members: Vec<group_member::Model>,
    slots: Vec<group_slot::Model>,
    deliveries: Vec<group_delivery::Model>,
}

impl FeedServer {
    /// How a group stands.
    pub async fn get_group(&self, request: GetGroupRequest) -> Result<GetGroupResponse, Problem> {
        named(&request.group)?;
        let group = find(&self.groups.reader, &request.group).await?;
        let rows = self.rows(&group.name).await.map_err(|error| store_problem(&error))?;
        let figures = self.figures(group, &rows).await?;
        Ok(GetGroupResponse { group: Some(figures), members: members(&rows), slots: slots(&rows) })
    }

    /// A page of the groups.
    pub async fn list_groups(&self, request: ListGroupsRequest) -> Result<ListGroupsResponse, Problem> {
        let mut violations = Violations::default();
        let size = page::size(&mut violations, request.page_size);
        violations.into_problem()?;
        let after = page::after(GROUPS, &request.page_token)?;
        Ok(self.group_page(&after, size).await?)
    }

    /// Sets a group to another place.
    pub async fn reset_group(&self, request: ResetGroupRequest) -> Result<ResetGroupResponse, Problem> {
        let mut violations = Violations::default();
        request::name(&mut violations, "group", &request.group);
        if request.to.is_none() {
            violations.add("to", "must be given");
        }
        violations.into_problem()?;
        let start = request.to.map(|to| match to {
            To::Earliest(yes) => subscribe_request::Start::Earliest(yes),
            To::Latest(yes) => subscribe_request::Start::Latest(yes),
            To::Since(time) => subscribe_request::Start::Since(time),
            To::AfterCursor(cursor) => subscribe_request::Start::AfterCursor(cursor),
            To::AfterPosition(position) => subscribe_request::Start::AfterPosition(position),
        });
        let start =
            parse(SubscribeRequest { start, ..SubscribeRequest::default() }, self.source.schema())?.start;
        let position = resolve_start(&start, self.source.as_ref()).await?;
        let event_id = match position {
            0 => None,
            position => self.source.event_id_at(position).await.map_err(|error| store_problem(&error))?,
        };
        let group = request.group;
        let place = LogPosition { feed_id: self.source.feed_id(), position, event_id };
        let since = match start {
            Start::Since(time) => Some(time),
            _ => None,
        };
        let change = async |tx: &WriteTransaction, known: &consumer_group::Model| {
            let terms = Terms::decode(&known.terms)?.reset(since);
            Ok(table::reset(tx, &group, place, terms.encode()).await?)
        };
        self.groups.change(&group, request.force, change).await?;
        Ok(ResetGroupResponse { position })
    }

    /// Forgets a group.
    pub async fn delete_group(&self, request: DeleteGroupRequest) -> Result<DeleteGroupResponse, Problem> {
        named(&request.group)?;
        let group = request.group;
        let change =
            async |tx: &WriteTransaction, _: &consumer_group::Model| Ok(table::delete(tx, &group).await?);
        self.groups.change(&group, request.force, change).await?;
        Ok(DeleteGroupResponse {})
    }

    async fn group_page(&self, after: &str, size: u64) -> Result<ListGroupsResponse, GroupError> {
        let mut found = consumer_group::Entity::find()
            .filter(consumer_group::Column::Name.gt(after))
            .order_by_asc(consumer_group::Column::Name)
            .limit(size + 1)
            .all(&self.groups.reader)
            .await?;
        let more = found.len() as u64 > size;
        found.truncate(size as usize);
        let mut groups = Vec::new();
        for group in found {
            let rows = self.rows(&group.name).await?;
            groups.push(self.figures(group, &rows).await?);
        }
        let last = groups.last().filter(|_| more);
        let next_page_token = last.map_or_else(String::new, |last| page::token(GROUPS, &last.name));
        Ok(ListGroupsResponse { groups, next_page_token })
    }

    async fn rows(&self, group: &str) -> Result<Rows, DbErr> {
        let db = &self.groups.reader;
        let now = clock::to_micros(self.clock.now());
        Ok(Rows {
            members: group_member::Entity::find()
                .filter(group_member::Column::GroupName.eq(group))
                .filter(group_member::Column::LeaseUntil.gt(now))
                .order_by_asc(group_member::Column::Member)
                .all(db)
                .await?,
            slots: group_slot::Entity::find()
                .filter(group_slot::Column::GroupName.eq(group))
                .order_by_asc(group_slot::Column::Slot)
                .all(db)
                .await?,
            deliveries: group_delivery::Entity::find()
                .filter(group_delivery::Column::GroupName.eq(group))
                .all(db)
                .await?,
        })
    }

    async fn figures(&self, group: consumer_group::Model, rows: &Rows) -> Result<ConsumerGroup, GroupError> {
        let usage = Groups::parking(&group.name).usage(&self.groups.reader).await?;
        // What is on its way again from the parking is parked, and no lag.
        let open = rows.deliveries.iter().filter(|row| !row.replay).map(|row| row.position - 1);
        let position = rows.slots.iter().map(|slot| slot.position).chain(open).min().unwrap_or(0);
        let head = position.max(self.source.stored_head().await?);
        let lag_seconds = match position < head {
            true => {
                let next = self.source.page(position, 1).await?.events;
                let recorded = next.first().map(|event| clock::to_micros(event.recorded));
                let now = clock::to_micros(self.clock.now());
                recorded.map_or(0.0, |recorded| (now - recorded).max(0) as f64 / 1e6)
            }
            false => 0.0,
        };
        let count = |count: u64| i64::try_from(count).unwrap_or(i64::MAX);
        let unacknowledged = rows.deliveries.iter().filter(|row| row.state != QUEUED).count();
        Ok(ConsumerGroup {
            created_time: clock::from_micros(group.created_time).ok().map(wire_time),
            name: group.name,
            position,
            head_position: head,
            lag_events: head - position,
            lag_seconds,
            unacknowledged_events: count(unacknowledged as u64),
            parked_keys: count(usage.keys),
            parked_events: count(usage.events),
            parked_bytes: count(usage.bytes),
            stopped_reason: group.stopped_reason,
            live_members: i32::try_from(rows.members.len()).unwrap_or(i32::MAX),
        })
    }
}

fn members(rows: &Rows) -> Vec<GroupMember> {
    let slot_count = |epoch| rows.slots.iter().filter(|slot| slot.epoch == epoch).count();
    let member = |row: &group_member::Model| GroupMember {
        name: row.member.clone(),
        epoch: row.epoch,
        lease_expire_time: clock::from_micros(row.lease_until).ok().map(wire_time),
        slot_count: i32::try_from(slot_count(row.epoch)).unwrap_or(i32::MAX),
    };
    rows.members.iter().map(member).collect()
}

fn slots(rows: &Rows) -> Vec<GroupSlot> {
    let owners: HashMap<i64, &group_member::Model> =
        rows.members.iter().map(|member| (member.epoch, member)).collect();
    let mut unacknowledged: HashMap<i32, i64> = HashMap::new();
    for row in rows.deliveries.iter().filter(|row| row.state != QUEUED) {
        *unacknowledged.entry(row.slot).or_default() += 1;
    }
    let slot = |row: &group_slot::Model| {
        let owner = owners.get(&row.epoch);
        GroupSlot {
            slot: row.slot,
            member: owner.map_or_else(String::new, |owner| owner.member.clone()),
            epoch: owner.map_or(0, |owner| owner.epoch),
            lease_expire_time: owner
                .and_then(|owner| clock::from_micros(owner.lease_until).ok())
                .map(wire_time),
            position: row.position,
            unacknowledged_events: unacknowledged.get(&row.slot).copied().unwrap_or(0),
        }
    };
    rows.slots.iter().map(slot).collect()
}

fn named(group: &str) -> Result<(), Problem> {
    let mut violations = Violations::default();
    request::name(&mut violations, "group", group);
    violations.into_problem()
}

pub(super) async fn find<C: ConnectionTrait>(db: &C, group: &str) -> Result<consumer_group::Model, Problem> {
    let found = consumer_group::Entity::find_by_id(group).one(db).await;
    found.map_err(|error| store_problem(&error))?.ok_or_else(|| not_found(group))
}

impl Groups {
    /// Changes a group as a whole: nobody is live, or `force` ends whoever is. What is parked is forgotten.
    async fn change(
        &self,
        group: &str,
        force: bool,
        change: impl AsyncFnOnce(&WriteTransaction, &consumer_group::Model) -> Result<(), GroupError>,
    ) -> Result<(), GroupError> {
        let now = clock::to_micros(self.clock.now());
        let tx = self.writer.begin().await?;
        let changed = async {
            let known = table::lock_group(&tx, group).await?.ok_or_else(|| not_found(group))?;
            let live = table::live_members(&tx, group, now).await?.len();
            if live > 0 && !force {
                let message = format!("the group {group} has {live} members with open streams");
                return Err(Problem::new(
                    Code::FailedPrecondition,
                    FeedErrorReason::GroupMembersLive,
                    message,
                )
                .with("group", group)
                .with("live_members", live)
                .into());
            }
            // No turn of a member may be under way when its deliveries go.
            table::lock_members(&tx, group).await?;
            Self::parking(group).clear(&tx).await?;
            change(&tx, &known).await
        };
        let changed: Result<(), GroupError> = changed.await;
        tx.end(changed).await?;
        self.hub.wake(group);
        Ok(())
    }
}
