//! Acknowledge: done and failed deliveries of a member, all or nothing, on any replica.

use std::collections::{BTreeMap, BTreeSet, HashSet};

use ordermesh_kernel::clock;
use ordermesh_proto::error::{Problem, Violations};
use ordermesh_proto::feed::v1::{AcknowledgeRequest, AcknowledgeResponse};
use sea_orm::sea_query::Value;
use sea_orm::{ColumnTrait, EntityTrait, QueryFilter};

use super::plan::{FAILED, POISON, QUEUED};
use super::table::Membership;
use super::{GroupError, Groups, internal, lease_lost, not_found, request};
use crate::serve::FeedServer;
use crate::store::{Table, WriteTransaction, consumer_group, group_delivery};

const MAX_POSITIONS: usize = 10_000;
const MAX_FAILURES: usize = 1000;
/// A member that reports a failure has trouble enough: more characters are left out.
const MAX_REASON: usize = 500;

impl FeedServer {
    /// Takes what a member says of its deliveries.
    pub async fn acknowledge(&self, request: AcknowledgeRequest) -> Result<AcknowledgeResponse, Problem> {
        check(&request)?;
        let membership =
            Membership { group: request.group.clone(), member: request.member.clone(), epoch: request.epoch };
        let groups = self.groups.clone();
        // A caller that has no patience must not cost a connection in the middle of a statement.
        let done = self.tasks.spawn(async move {
            let acknowledged = groups.acknowledge(&membership, &request).await?;
            groups.hub.wake_epoch(&membership.group, membership.epoch);
            Ok(AcknowledgeResponse { acknowledged })
        });
        done.await.unwrap_or_else(|_| Err(internal("the acknowledgement was not carried out")))
    }
}

fn check(request: &AcknowledgeRequest) -> Result<(), Problem> {
    let mut violations = Violations::default();
    request::name(&mut violations, "group", &request.group);
    request::member(&mut violations, "member", &request.member);
    if request.epoch < 1 {
        violations.add("epoch", "must be 1 or more");
    }
    if request.positions.len() > MAX_POSITIONS {
        violations.add("positions", "must have at most 10000 entries");
    } else if let Some(index) = request.positions.iter().position(|position| *position < 1) {
        violations.add(format!("positions[{index}]"), "must be 1 or more");
    }
    if request.failures.len() > MAX_FAILURES {
        violations.add("failures", "must have at most 1000 entries");
        return violations.into_problem();
    }
    let mut seen: HashSet<i64> = request.positions.iter().copied().collect();
    for (index, failure) in request.failures.iter().enumerate() {
        if failure.position < 1 {
            violations.add(format!("failures[{index}].position"), "must be 1 or more");
        }
        if !seen.insert(failure.position) {
            violations.add(format!("failures[{index}].position"), "must not be told twice");
        }
    }
    violations.into_problem()
}

impl Groups {
    async fn acknowledge(
        &self,
        membership: &Membership,
        request: &AcknowledgeRequest,
    ) -> Result<i32, GroupError> {
        let tx = self.writer.begin().await?;
        let now = clock::to_micros(self.clock.now());
        let outcome = acknowledge_in(&tx, membership, request, now).await;
        let outcome = tx.end(outcome).await;
        match outcome {
            Err(GroupError::LeaseLost) => {
                let group = consumer_group::Entity::find_by_id(&membership.group).one(&self.writer).await?;
                let lost = lease_lost().with("epoch", membership.epoch);
                Err(group.map_or_else(|| not_found(&membership.group), |_| lost).into())
            }
            outcome => outcome,
        }
    }
}

async fn acknowledge_in(
    tx: &WriteTransaction,
    membership: &Membership,
    request: &AcknowledgeRequest,
    now: i64,
) -> Result<i32, GroupError> {
    membership.lock(tx, now).await?;
    let told = request.positions.iter().chain(request.failures.iter().map(|failure| &failure.position));
    let rows = find(tx, &membership.group, told.copied()).await?;
    for row in rows.values() {
        if row.epoch != membership.epoch {
            return Err(lease_lost().with("epoch", membership.epoch).into());
        }
        if row.state == QUEUED {
            let mut violations = Violations::default();
            violations.add("positions", format!("position {} was not delivered yet", row.position));
            violations.into_problem()?;
        }
    }
    let done: BTreeSet<i64> =
        request.positions.iter().filter(|position| rows.contains_key(position)).copied().collect();
    let done = Vec::from_iter(done);
    let replayed: Vec<i64> = done.iter().filter(|position| rows[position].replay).copied().collect();
    membership.delete(tx, &done).await?;
    if !replayed.is_empty() {
        Groups::parking(&membership.group).remove(tx, &replayed).await?;
    }
    let failed = request.failures.iter().filter_map(|failure| {
        let mut row = rows.get(&failure.position)?.clone();
        row.state = if failure.park { POISON } else { FAILED }.to_owned();
        // PostgreSQL stores no NUL.
        row.last_error =
            failure.reason.chars().take(MAX_REASON).map(|it| if it == '\0' { ' ' } else { it }).collect();
        Some(row)
    });
    let failed: Vec<_> = failed.collect();
    Table::<group_delivery::Entity>::default().upsert(tx, &failed).await?;
    Ok(i32::try_from(done.len()).unwrap_or(i32::MAX))
}

/// The deliveries of a group at positions.
async fn find(
    tx: &WriteTransaction,
    group: &str,
    positions: impl Iterator<Item = i64>,
) -> Result<BTreeMap<i64, group_delivery::Model>, GroupError> {
    let positions: Vec<i64> = positions.collect();
    let mut rows = BTreeMap::new();
    for positions in positions.chunks(500) {
        let found = group_delivery::Entity::find()
            .filter(group_delivery::Column::GroupName.eq(group))
            .filter(group_delivery::Column::Position.is_in(positions.iter().map(|it| Value::from(*it))))
            .all(tx)
            .await?;
        rows.extend(found.into_iter().map(|row| (row.position, row)));
    }
    Ok(rows)
}
