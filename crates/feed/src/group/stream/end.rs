//! Why a member's stream ends, what it outlives, and what becomes of its slots.
//!
//! A member that goes away has failed in what it had: it may be the event that kills it. An end that the server has
//! planned is no attempt of any event; where it can, it lets acknowledgements come in first.

use ordermesh_kernel::clock;
use ordermesh_proto::error::Problem;
use ordermesh_proto::feed::v1::ClosingReason;
use sea_orm::{ConnectionTrait, DbErr};
use tokio::time::Instant;
use tonic::{Code, Status};

use super::{POLL, Stream};
use crate::group::plan::SENT;
use crate::group::{GroupError, table};
use crate::serve::store_problem;
use crate::store::group_delivery::Model as Delivery;
use crate::store::is_transient;

/// The reason of a group that has parked too much.
const PARKING_FULL: &str = "PARKING_FULL";

/// Why the stream ends.
pub(super) enum End {
    /// The member has left.
    Gone,
    /// The server ends it.
    Closing(ClosingReason),
    Failed(Problem),
}

impl From<GroupError> for End {
    fn from(error: GroupError) -> Self {
        Self::Failed(error.into())
    }
}

pub(super) type Step = Result<(), End>;

impl Stream {
    /// Frees the slots at once. When it fails, the lease runs out by itself.
    pub(super) async fn leave(&self, end: &End) {
        // A server that shuts down is asked nothing more: there is nothing to wait for.
        if matches!(end, End::Closing(ClosingReason::MaxAge)) {
            self.hear_out().await;
        }
        let groups = &self.server.groups;
        groups.hub.close(&self.membership.group, self.membership.epoch);
        let left = async {
            let tx = groups.writer.begin().await?;
            let left = self.leave_in(&tx, matches!(end, End::Closing(_))).await;
            tx.end(left).await
        };
        match left.await {
            // Others have ended the membership already.
            Ok(()) | Err(GroupError::LeaseLost) => {}
            Err(error) => {
                tracing::debug!(%error, group = self.membership.group, "slots are kept until their lease ends");
            }
        }
        groups.hub.wake(&self.membership.group);
    }

    async fn leave_in<C: ConnectionTrait>(&self, tx: &C, planned: bool) -> Result<(), GroupError> {
        if planned {
            let now = clock::to_micros(self.server.groups.clock.now());
            // As long as the row is there nobody has taken over, whatever the lease says.
            self.membership.renew(tx, now).await?;
            self.membership.take_back(tx, now).await?;
        }
        Ok(self.membership.leave(tx).await?)
    }

    /// Waits until the member has answered for all that it has, for as long as it may take for that and the lease lasts, but
    /// for the time to leave.
    async fn hear_out(&self) {
        let until = (self.lease_end - POLL).min(Instant::now() + self.wish.ack_timeout);
        while Instant::now() < until {
            let deliveries = self.membership.deliveries(&self.server.groups.reader).await;
            // What was written and not sent any more is not with the member.
            let is_awaited =
                |row: &Delivery| row.state == SENT && self.told.get(&row.position) == Some(&row.attempt);
            if deliveries.is_ok_and(|rows| !rows.values().any(is_awaited)) {
                return;
            }
            tokio::select! {
                () = self.frames.closed() => return,
                () = self.server.shutdown.cancelled() => return,
                () = self.wake.notified() => {}
                () = tokio::time::sleep_until(until.min(Instant::now() + POLL)) => {}
            }
        }
    }

    /// The database is away: goes on as long as the slots are certainly its own.
    pub(super) async fn survive(&self, error: DbErr) -> Step {
        // Whoever comes back finds its slots free, or with another one: it has not lost a race.
        if !is_transient(&error) || Instant::now() + POLL >= self.lease_end {
            return Err(End::Failed(store_problem(&error)));
        }
        tokio::select! {
            () = self.frames.closed() => Err(End::Gone),
            () = tokio::time::sleep(POLL) => Ok(()),
        }
    }

    /// A group that has parked too much says so to whoever asks.
    pub(super) async fn stop(&self, problem: Problem) -> End {
        let status = Status::from(problem.clone());
        if status.code() == Code::ResourceExhausted {
            let groups = &self.server.groups;
            let stopped = async {
                let tx = groups.writer.begin().await?;
                let stopped = table::stop(&tx, &self.membership.group, PARKING_FULL).await;
                tx.end(stopped).await
            };
            if let Err(error) = stopped.await {
                tracing::warn!(%error, group = self.membership.group, "the group's stop was not noted");
            }
            tracing::error!(
                group = self.membership.group,
                "the group has parked as much as it may and stops"
            );
        }
        End::Failed(problem)
    }
}
