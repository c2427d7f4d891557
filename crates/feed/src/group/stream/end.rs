//! Why a member's stream ends, what it outlives, and what becomes of its slots.
//!
//! A member that goes away may have been driven away by an event that it had. An end that the server has planned is no
//! attempt of any event, but of what the member has had for too long; where it can, it lets acknowledgements come in
//! first.

use ordermesh_kernel::clock;
use ordermesh_proto::error::Problem;
use ordermesh_proto::feed::v1::subscribe_response::Frame;
use ordermesh_proto::feed::v1::{self as wire, ClosingReason};
use sea_orm::{ConnectionTrait, DbErr};
use tokio::time::Instant;
use tonic::{Code, Status};

use super::{POLL, Stream};
use crate::group::plan::{is_out, micros};
use crate::group::{GroupError, table};
use crate::serve::{Left, store_problem};
use crate::store::group_delivery::Model as Delivery;
use crate::store::{is_transient, within_on};

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
    /// Ends the stream as the server has planned.
    pub(super) async fn close(&mut self, reason: ClosingReason) {
        let overdue = self.overdue(reason);
        // A server that shuts down is asked nothing more: there is nothing to wait for.
        if reason == ClosingReason::MaxAge && self.hear_out().await.is_err() {
            return self.free(None).await;
        }
        self.free(Some(overdue)).await;
        let closing = Frame::Closing(wire::Closing { reason: reason.into() });
        self.frames.end(Ok(self.response(closing)));
    }

    /// When that was due which the member has had for too long: for more than half of what a stream may live. Otherwise an
    /// event that hangs each of its members would outlive all of them.
    fn overdue(&self, reason: ClosingReason) -> i64 {
        let now = clock::to_micros(self.server.groups.clock.now());
        match self.server.max_age {
            Some(age) if reason == ClosingReason::MaxAge => {
                now.max(now + micros(self.wish.ack_timeout) - micros(age / 2))
            }
            _ => now,
        }
    }

    /// Ends the stream with an error.
    pub(super) async fn fail(&self, problem: Problem) {
        let status = Status::from(problem);
        // A member that has lost its lease was silent. Any other failure is the server's, and no attempt of an event.
        let own = status.code() != Code::Aborted;
        // Before the database is asked for anything more: it may be the one that does not answer.
        self.frames.end(Err(status));
        self.free(own.then(|| clock::to_micros(self.server.groups.clock.now()))).await;
    }

    /// Frees the slots at once. When it fails, the lease runs out by itself. Of a planned end it is said when that was due which
    /// the member has had for too long.
    pub(super) async fn free(&self, overdue: Option<i64>) {
        let groups = &self.server.groups;
        groups.hub.close(&self.membership.group, self.membership.epoch);
        let left = async {
            let tx = groups.writer.begin().await?;
            let left = self.leave_in(&tx, overdue).await;
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

    async fn leave_in<C: ConnectionTrait>(&self, tx: &C, overdue: Option<i64>) -> Result<(), GroupError> {
        let now = clock::to_micros(self.server.groups.clock.now());
        // As long as the row is there nobody has taken over, whatever the lease says.
        self.membership.renew(tx, now).await?;
        match overdue {
            Some(overdue) => self.membership.take_back(tx, now, overdue).await?,
            None => table::time_out(tx, &self.membership.group, self.membership.epoch, now).await?,
        }
        Ok(self.membership.leave(tx).await?)
    }

    /// Waits until the member has answered for all that it has, for as long as it may take for that and the lease lasts, but
    /// for the time to leave. An error when it goes away meanwhile.
    async fn hear_out(&mut self) -> Result<(), Left> {
        let until = (self.lease_end - POLL).min(Instant::now() + self.wish.ack_timeout);
        while Instant::now() < until {
            let deliveries = self.membership.deliveries(&self.server.groups.reader).await;
            // What was written and not sent any more is not with the member.
            let is_awaited =
                |row: &Delivery| is_out(row) && self.told.get(&row.position) == Some(&row.attempt);
            if deliveries.is_ok_and(|rows| !rows.values().any(is_awaited)) {
                break;
            }
            let look = until.min(Instant::now() + POLL);
            let beat = self.wish.heartbeat.map_or(until, |interval| self.last_frame + interval);
            tokio::select! {
                () = self.frames.closed() => return Err(Left),
                () = self.server.shutdown.cancelled() => break,
                () = self.wake.notified() => {}
                () = tokio::time::sleep_until(look) => {}
                () = tokio::time::sleep_until(beat), if beat < look => self.beat_by(until).await?,
            }
        }
        Ok(())
    }

    /// Sends a heartbeat, or none when the member reads nothing.
    async fn beat_by(&mut self, until: Instant) -> Result<(), Left> {
        let beat = self.response(Frame::Heartbeat(wire::Heartbeat {}));
        if let Ok(room) = tokio::time::timeout_at(until, self.frames.room()).await {
            room?.fill(beat);
            self.last_frame = Instant::now();
        }
        Ok(())
    }

    /// What comes of work on the database, or that there was no answer while the slots were certainly the member's.
    pub(super) async fn in_lease<T>(
        &mut self,
        work: impl AsyncFnOnce(&mut Self) -> Result<T, GroupError>,
    ) -> Result<T, GroupError> {
        // Frozen past the end of its lease it finds out whether anybody has taken the slots.
        let left = (self.lease_end - Instant::now()).max(POLL);
        within_on(self.server.groups.writer.get_database_backend(), left, work(self)).await
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
