//! Membership, slots and deliveries in the database: what each transaction locks, and in which order.
//!
//! Locks are taken group first, member second. Opening, rebalancing, releasing and resetting lock the group's row;
//! a turn and an Acknowledge lock only the member's, so members of a group do not wait for each other.

use std::collections::BTreeMap;

use ordermesh_kernel::EventId;
use sea_orm::sea_query::Expr;
use sea_orm::{
    ActiveModelTrait, ColumnTrait, ConnectionTrait, DbErr, EntityTrait, IntoActiveModel, QueryFilter,
    QueryOrder, Statement,
};

use super::GroupError;
use super::plan::{ALONE, SENT, SLOTS, WAITING};
use crate::store::{StoreConnection, Table, consumer_group, group_delivery, group_member, group_slot};
use crate::token::LogPosition;

/// When something was due that its member has had for too long.
pub(super) const TIMED_OUT_TIME: i64 = 0;

/// A membership: everything that it owns goes by its epoch.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Membership {
    pub group: String,
    pub member: String,
    pub epoch: i64,
}

/// Locks a group's row until the end of the transaction and gives it; `None` when there is none.
pub(super) async fn lock_group<C: ConnectionTrait>(
    tx: &C,
    group: &str,
) -> Result<Option<consumer_group::Model>, DbErr> {
    // An update that changes nothing locks on both databases.
    let sql = "UPDATE consumer_groups SET epoch = epoch WHERE name = $1";
    run(tx, sql, [group.into()]).await?;
    consumer_group::Entity::find_by_id(group).one(tx).await
}

/// Makes a group with all slots at a place.
pub(super) async fn create<C: StoreConnection>(
    tx: &C,
    group: &consumer_group::Model,
    position: i64,
    event_id: Option<EventId>,
) -> Result<(), DbErr> {
    group.clone().into_active_model().insert(tx).await?;
    let slot = |slot| group_slot::Model {
        group_name: group.name.clone(),
        slot,
        epoch: 0,
        position,
        event_id: event_id.map(|id| *id.as_uuid()),
    };
    let slots: Vec<_> = (0..SLOTS).map(slot).collect();
    Table::<group_slot::Entity>::default().insert(tx, &slots).await
}

/// Gives a member the next epoch; an older membership of the same name ends. The group's row must be locked.
///
/// Epochs follow the clock, in microseconds: a database restored from an older copy counts on from an older epoch, and
/// one that it gave twice would let a member of the lost history acknowledge events of the new one.
pub(super) async fn join<C: StoreConnection>(
    tx: &C,
    group: &consumer_group::Model,
    member: &str,
    now: i64,
    lease: i64,
) -> Result<Membership, DbErr> {
    let (epoch, lease_until) = (now.max(group.epoch + 1), now + lease);
    let sql = "UPDATE consumer_groups SET epoch = $2 WHERE name = $1";
    run(tx, sql, [group.name.as_str().into(), epoch.into()]).await?;
    let row =
        group_member::Model { group_name: group.name.clone(), member: member.to_owned(), epoch, lease_until };
    Table::<group_member::Entity>::default().upsert(tx, &[row]).await?;
    Ok(Membership { group: group.name.clone(), member: member.to_owned(), epoch })
}

impl Membership {
    /// Locks the member's row and renews its lease. Whoever takes its slots must have deleted the row before.
    pub async fn renew<C: ConnectionTrait>(&self, tx: &C, lease_until: i64) -> Result<(), GroupError> {
        const RENEW: &str = "UPDATE group_members SET lease_until = $4 \
             WHERE group_name = $1 AND member = $2 AND epoch = $3";
        let [group, member, epoch] = self.values();
        self.found(run(tx, RENEW, [group, member, epoch, lease_until.into()]).await?)
    }

    /// Locks the member's row. A lease that ran out is lost even where nobody has taken the slots yet: nothing renews it
    /// any more, as in a database that was restored from a copy.
    pub async fn lock<C: ConnectionTrait>(&self, tx: &C, now: i64) -> Result<(), GroupError> {
        const LOCK: &str = "UPDATE group_members SET lease_until = lease_until \
             WHERE group_name = $1 AND member = $2 AND epoch = $3 AND lease_until > $4";
        let [group, member, epoch] = self.values();
        self.found(run(tx, LOCK, [group, member, epoch, now.into()]).await?)
    }

    /// How many deliveries it has, and of how many the member has said that they failed.
    pub async fn answered<C: ConnectionTrait>(&self, db: &C) -> Result<(i64, i64), DbErr> {
        const COUNT: &str = "SELECT COUNT(*) AS all_rows, \
             CAST(COALESCE(SUM(CASE WHEN state IN ('failed', 'poison') THEN 1 ELSE 0 END), 0) AS BIGINT) AS failed \
             FROM group_deliveries WHERE group_name = $1 AND epoch = $2";
        let [group, _, epoch] = self.values();
        let statement = Statement::from_sql_and_values(db.get_database_backend(), COUNT, [group, epoch]);
        let row = db.query_one_raw(statement).await?;
        let row = row.ok_or_else(|| DbErr::RecordNotFound("an aggregate has a row".to_owned()))?;
        Ok((row.try_get("", "all_rows")?, row.try_get("", "failed")?))
    }

    fn found(&self, rows: u64) -> Result<(), GroupError> {
        match rows {
            0 => Err(GroupError::LeaseLost),
            _ => Ok(()),
        }
    }

    fn values(&self) -> [sea_orm::Value; 3] {
        [self.group.as_str().into(), self.member.as_str().into(), self.epoch.into()]
    }

    /// Its slots and how far each is.
    pub async fn slots<C: ConnectionTrait>(&self, db: &C) -> Result<BTreeMap<i32, i64>, DbErr> {
        let rows = group_slot::Entity::find()
            .filter(group_slot::Column::GroupName.eq(&self.group))
            .filter(group_slot::Column::Epoch.eq(self.epoch))
            .all(db)
            .await?;
        Ok(rows.into_iter().map(|row| (row.slot, row.position)).collect())
    }

    /// Its deliveries.
    pub async fn deliveries<C: ConnectionTrait>(
        &self,
        db: &C,
    ) -> Result<BTreeMap<i64, group_delivery::Model>, DbErr> {
        let rows = group_delivery::Entity::find()
            .filter(group_delivery::Column::GroupName.eq(&self.group))
            .filter(group_delivery::Column::Epoch.eq(self.epoch))
            .all(db)
            .await?;
        Ok(rows.into_iter().map(|row| (row.position, row)).collect())
    }

    /// Moves those of its slots that are before a position up to it.
    pub async fn advance<C: ConnectionTrait>(
        &self,
        tx: &C,
        slots: impl IntoIterator<Item = i32>,
        position: i64,
        event_id: EventId,
    ) -> Result<(), DbErr> {
        group_slot::Entity::update_many()
            .col_expr(group_slot::Column::Position, Expr::value(position))
            .col_expr(group_slot::Column::EventId, Expr::value(*event_id.as_uuid()))
            .filter(group_slot::Column::GroupName.eq(&self.group))
            .filter(group_slot::Column::Epoch.eq(self.epoch))
            .filter(group_slot::Column::Slot.is_in(slots))
            .filter(group_slot::Column::Position.lt(position))
            .exec(tx)
            .await?;
        Ok(())
    }

    /// Removes deliveries, acknowledged or parked.
    pub async fn delete<C: ConnectionTrait>(&self, tx: &C, positions: &[i64]) -> Result<(), DbErr> {
        for positions in positions.chunks(500) {
            group_delivery::Entity::delete_many()
                .filter(group_delivery::Column::GroupName.eq(&self.group))
                .filter(group_delivery::Column::Position.is_in(positions.iter().copied()))
                .exec(tx)
                .await?;
        }
        Ok(())
    }

    /// Takes back what is with the member as if it had not been sent, to be sent again at once. What was due up to
    /// `overdue` counts as timed out. Its row must be locked.
    pub async fn take_back<C: ConnectionTrait>(&self, tx: &C, now: i64, overdue: i64) -> Result<(), DbErr> {
        let sql = "UPDATE group_deliveries SET state = $3, attempt = attempt - 1, due_time = $4 \
             WHERE group_name = $1 AND epoch = $2 AND state IN ($5, $6) AND due_time > $7";
        let [group, _, epoch] = self.values();
        let values = [group, epoch, WAITING.into(), now.into(), SENT.into(), ALONE.into(), overdue.into()];
        run(tx, sql, values).await?;
        time_out(tx, &self.group, self.epoch, i64::MAX).await
    }

    /// Ends the membership: without its row all its slots are free.
    pub async fn leave<C: ConnectionTrait>(&self, tx: &C) -> Result<(), DbErr> {
        let sql = "DELETE FROM group_members WHERE group_name = $1 AND member = $2 AND epoch = $3";
        run(tx, sql, self.values()).await?;
        Ok(())
    }
}

/// Marks what was with a member, and due up to a time, as not acknowledged in time. That is judged when the member goes: how
/// long nobody takes its place says nothing of the events.
pub(super) async fn time_out<C: ConnectionTrait>(
    tx: &C,
    group: &str,
    epoch: i64,
    due: i64,
) -> Result<(), DbErr> {
    let sql = "UPDATE group_deliveries SET due_time = $3 \
         WHERE group_name = $1 AND epoch = $2 AND state IN ($4, $5) AND due_time <= $6";
    let values = [group.into(), epoch.into(), TIMED_OUT_TIME.into(), SENT.into(), ALONE.into(), due.into()];
    run(tx, sql, values).await?;
    Ok(())
}

/// The members whose lease has not run out; the others are ended. The group's row must be locked.
pub(super) async fn live_members<C: ConnectionTrait>(
    tx: &C,
    group: &str,
    now: i64,
) -> Result<Vec<group_member::Model>, DbErr> {
    let sql =
        "DELETE FROM group_members WHERE group_name = $1 AND lease_until <= $2 RETURNING epoch, lease_until";
    let gone = Statement::from_sql_and_values(tx.get_database_backend(), sql, [group.into(), now.into()]);
    for member in tx.query_all_raw(gone).await? {
        time_out(tx, group, member.try_get("", "epoch")?, member.try_get("", "lease_until")?).await?;
    }
    group_member::Entity::find()
        .filter(group_member::Column::GroupName.eq(group))
        .order_by_asc(group_member::Column::Member)
        .all(tx)
        .await
}

/// Locks all members of a group, so that no turn of theirs runs. The group's row must be locked.
pub(super) async fn lock_members<C: ConnectionTrait>(tx: &C, group: &str) -> Result<(), DbErr> {
    let sql = "UPDATE group_members SET lease_until = lease_until WHERE group_name = $1";
    run(tx, sql, [group.into()]).await?;
    Ok(())
}

/// Ends all memberships, forgets all deliveries and puts all slots at a place of a log, under new terms. The group's row
/// must be locked.
pub(super) async fn reset<C: ConnectionTrait>(
    tx: &C,
    group: &str,
    LogPosition { feed_id, position, event_id }: LogPosition,
    terms: Vec<u8>,
) -> Result<(), DbErr> {
    // The log may be another one than the group knew: that is what it is set anew for.
    let sql = "UPDATE consumer_groups SET feed_id = $2, terms = $3 WHERE name = $1";
    run(tx, sql, [group.into(), feed_id.into(), terms.into()]).await?;
    let event_id = event_id.map(|id| *id.as_uuid());
    run(tx, "DELETE FROM group_members WHERE group_name = $1", [group.into()]).await?;
    run(tx, "DELETE FROM group_deliveries WHERE group_name = $1", [group.into()]).await?;
    group_slot::Entity::update_many()
        .col_expr(group_slot::Column::Epoch, Expr::value(0_i64))
        .col_expr(group_slot::Column::Position, Expr::value(position))
        .col_expr(group_slot::Column::EventId, Expr::value(event_id))
        .filter(group_slot::Column::GroupName.eq(group))
        .exec(tx)
        .await?;
    stop(tx, group, "").await
}

/// Removes a group. The group's row must be locked.
pub(super) async fn delete<C: ConnectionTrait>(tx: &C, group: &str) -> Result<(), DbErr> {
    for table in ["group_members", "group_deliveries", "group_slots"] {
        run(tx, &format!("DELETE FROM {table} WHERE group_name = $1"), [group.into()]).await?;
    }
    run(tx, "DELETE FROM consumer_groups WHERE name = $1", [group.into()]).await?;
    Ok(())
}

/// Notes why a group delivers nothing, or with an empty reason that it does again.
pub(super) async fn stop<C: ConnectionTrait>(tx: &C, group: &str, reason: &str) -> Result<(), DbErr> {
    let sql = "UPDATE consumer_groups SET stopped_reason = $2 WHERE name = $1";
    run(tx, sql, [group.into(), reason.into()]).await?;
    Ok(())
}

pub(super) async fn run<C: ConnectionTrait>(
    tx: &C,
    sql: &str,
    values: impl IntoIterator<Item = sea_orm::Value>,
) -> Result<u64, DbErr> {
    let statement = Statement::from_sql_and_values(tx.get_database_backend(), sql, values);
    Ok(tx.execute_raw(statement).await?.rows_affected())
}
