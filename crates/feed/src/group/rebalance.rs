//! Sharing the slots among the members of a group: taking those of members that are gone, giving up what is too much.

use std::collections::BTreeSet;

use sea_orm::sea_query::{Expr, ExprTrait};
use sea_orm::{ColumnTrait, ConnectionTrait, DbErr, EntityTrait, QueryFilter, QueryOrder};

use super::GroupError;
use super::plan::{ALONE, FAILED, LEFT, SENT, SUSPECT, TAKEN_OVER, TIMED_OUT, WAITING, fair_share, is_out};
use super::table::{Membership, TIMED_OUT_TIME, live_members, lock_group};
use crate::store::{group_delivery, group_slot};

/// What a rebalance left the member with.
#[derive(Debug, Default)]
pub(super) struct Share {
    /// Slots that it has.
    pub slots: BTreeSet<i32>,
    /// Those of them that it should give up as soon as nothing of them is with it.
    pub surplus: BTreeSet<i32>,
    /// It has fewer than its fair share, because others have not released theirs yet.
    pub wanting: bool,
}

impl Membership {
    /// Ends memberships whose lease ran out, takes free slots up to the fair share, and gives up surplus ones of
    /// which nothing is with the member.
    pub async fn rebalance<C: ConnectionTrait>(
        &self,
        tx: &C,
        now: i64,
        lease_until: i64,
    ) -> Result<Share, GroupError> {
        lock_group(tx, &self.group).await?.ok_or(GroupError::LeaseLost)?;
        self.renew(tx, lease_until).await?;
        let members = live_members(tx, &self.group, now).await?;
        let epochs: BTreeSet<i64> = members.iter().map(|member| member.epoch).collect();
        let slots = group_slot::Entity::find()
            .filter(group_slot::Column::GroupName.eq(&self.group))
            .order_by_asc(group_slot::Column::Slot)
            .all(tx)
            .await?;
        let share = fair_share(epochs.len());
        let (mut mine, mut free) = (BTreeSet::new(), Vec::new());
        for slot in &slots {
            if slot.epoch == self.epoch {
                mine.insert(slot.slot);
            } else if !epochs.contains(&slot.epoch) {
                free.push(slot.slot);
            }
        }
        free.truncate(share.saturating_sub(mine.len()));
        if !free.is_empty() {
            self.take(tx, &free, now).await?;
            mine.extend(free);
        }
        let surplus = self.release_surplus(tx, &mut mine, share, now).await?;
        let of = |epoch: &i64| slots.iter().filter(|slot| slot.epoch == *epoch).count();
        let wanting = mine.len() < share && epochs.iter().any(|epoch| of(epoch) > share);
        Ok(Share { slots: mine, surplus, wanting })
    }

    /// Makes slots its own, with what was on its way in them: that is sent again at once, the first time. It was no attempt
    /// unless it was overdue or alone: which one drove the member away is not known.
    async fn take<C: ConnectionTrait>(&self, tx: &C, slots: &[i32], now: i64) -> Result<(), DbErr> {
        group_slot::Entity::update_many()
            .col_expr(group_slot::Column::Epoch, Expr::value(self.epoch))
            .filter(group_slot::Column::GroupName.eq(&self.group))
            .filter(group_slot::Column::Slot.is_in(slots.iter().copied()))
            .exec(tx)
            .await?;
        let in_slots = group_delivery::Column::Slot.is_in(slots.iter().copied());
        let alone = group_delivery::Column::State.eq(ALONE);
        let again = group_delivery::Column::LastError.eq(TAKEN_OVER);
        let overdue = group_delivery::Column::DueTime.eq(TIMED_OUT_TIME);
        let error = Expr::case(overdue.clone(), TIMED_OUT).finally(TAKEN_OVER);
        let attempt = Expr::col(group_delivery::Column::Attempt);
        let attempt = Expr::case(overdue.clone().or(alone.clone()), attempt.clone()).finally(attempt.sub(1));
        let state = Expr::case(overdue, FAILED).case(alone, LEFT).case(again, SUSPECT).finally(WAITING);
        group_delivery::Entity::update_many()
            .col_expr(group_delivery::Column::State, state.into())
            .col_expr(group_delivery::Column::Attempt, attempt.into())
            .col_expr(group_delivery::Column::DueTime, Expr::value(now))
            .col_expr(group_delivery::Column::LastError, error.into())
            .filter(group_delivery::Column::GroupName.eq(&self.group))
            .filter(in_slots.clone())
            .filter(group_delivery::Column::State.is_in([SENT, ALONE]))
            .exec(tx)
            .await?;
        group_delivery::Entity::update_many()
            .col_expr(group_delivery::Column::Epoch, Expr::value(self.epoch))
            .filter(group_delivery::Column::GroupName.eq(&self.group))
            .filter(in_slots)
            .exec(tx)
            .await?;
        Ok(())
    }

    async fn release_surplus<C: ConnectionTrait>(
        &self,
        tx: &C,
        mine: &mut BTreeSet<i32>,
        share: usize,
        now: i64,
    ) -> Result<BTreeSet<i32>, DbErr> {
        let mut surplus = BTreeSet::new();
        if mine.len() <= share {
            return Ok(surplus);
        }
        let deliveries = self.deliveries(tx).await?;
        let with_member: BTreeSet<i32> =
            deliveries.values().filter(|row| is_out(row) && row.due_time > now).map(|row| row.slot).collect();
        // The highest go first, so that the same ones are chosen every time.
        let too_many: Vec<i32> = mine.iter().rev().take(mine.len() - share).copied().collect();
        let (kept, released): (Vec<i32>, Vec<i32>) =
            too_many.into_iter().partition(|slot| with_member.contains(slot));
        surplus.extend(kept);
        for slot in &released {
            mine.remove(slot);
        }
        self.free(tx, released).await?;
        Ok(surplus)
    }

    /// Gives slots back. What was on its way in them waits for the next owner.
    async fn free<C: ConnectionTrait>(&self, tx: &C, slots: Vec<i32>) -> Result<(), DbErr> {
        group_delivery::Entity::update_many()
            .col_expr(group_delivery::Column::Epoch, Expr::value(0_i64))
            .filter(group_delivery::Column::GroupName.eq(&self.group))
            .filter(group_delivery::Column::Epoch.eq(self.epoch))
            .filter(group_delivery::Column::Slot.is_in(slots.iter().copied()))
            .exec(tx)
            .await?;
        group_slot::Entity::update_many()
            .col_expr(group_slot::Column::Epoch, Expr::value(0_i64))
            .filter(group_slot::Column::GroupName.eq(&self.group))
            .filter(group_slot::Column::Epoch.eq(self.epoch))
            .filter(group_slot::Column::Slot.is_in(slots))
            .exec(tx)
            .await?;
        Ok(())
    }
}
