//! A command in the queue: its decision, and the caller who waits.

use ordermesh_kernel::Timestamp;
use tokio::sync::{OwnedSemaphorePermit, oneshot};

use super::{Answer, Command, CommandIdentity, CommitError, Committed, UnitOfWork};
use crate::token::LogPosition;

/// The committer's view of a command of any type.
pub(super) trait Job<U: UnitOfWork>: Send {
    fn identity(&self) -> &CommandIdentity;
    /// The caller has left.
    fn is_abandoned(&self) -> bool;
    fn wants(&self) -> Vec<U::Want>;
    /// Decides anew, forgetting an earlier decision; true when it was accepted.
    fn decide(&mut self, unit: &mut U, now: Timestamp) -> bool;
    /// Forgets a decision that is surely not durable.
    fn forget(&mut self);
    /// The accepted decision's answer as stored.
    fn answer(&self) -> Vec<u8>;
    /// Tells the caller.
    fn finish(self: Box<Self>, outcome: Outcome);
}

/// How a job ended, beside what it knows itself.
pub(super) enum Outcome {
    /// The decision is durable.
    Committed(LogPosition),
    /// An earlier call's answer.
    Replayed(Vec<u8>, LogPosition),
    /// The decision was a refusal.
    Refused,
    RequestIdReused,
    Unavailable,
    Internal(String),
}

type Reply<A, R> = oneshot::Sender<Result<Committed<A>, CommitError<R>>>;

/// A command with its decision and the caller who waits.
pub(super) struct Pending<U: UnitOfWork, C: Command<U>> {
    identity: CommandIdentity,
    command: C,
    decision: Option<Result<C::Answer, C::Refusal>>,
    reply: Reply<C::Answer, C::Refusal>,
    /// Its share of the queue: not the caller's, who may leave while the command is still in memory.
    _room: OwnedSemaphorePermit,
}

impl<U: UnitOfWork, C: Command<U>> Pending<U, C> {
    pub fn new(
        identity: CommandIdentity,
        command: C,
        reply: Reply<C::Answer, C::Refusal>,
        room: OwnedSemaphorePermit,
    ) -> Self {
        Self { identity, command, decision: None, reply, _room: room }
    }
}

impl<U: UnitOfWork, C: Command<U>> Job<U> for Pending<U, C> {
    fn identity(&self) -> &CommandIdentity {
        &self.identity
    }

    fn is_abandoned(&self) -> bool {
        self.reply.is_closed()
    }

    fn wants(&self) -> Vec<U::Want> {
        self.command.wants()
    }

    fn decide(&mut self, unit: &mut U, now: Timestamp) -> bool {
        let decision = self.command.decide(unit, now);
        let accepted = decision.is_ok();
        self.decision = Some(decision);
        accepted
    }

    fn forget(&mut self) {
        self.decision = None;
    }

    fn answer(&self) -> Vec<u8> {
        self.decision
            .as_ref()
            .and_then(|decision| decision.as_ref().ok())
            .map_or_else(Vec::new, Answer::encode)
    }

    fn finish(self: Box<Self>, outcome: Outcome) {
        let committed =
            |answer, place: LogPosition, replayed| Committed { answer, token: place.into(), replayed };
        let result = match (outcome, self.decision) {
            (Outcome::Committed(place), Some(Ok(answer))) => Ok(committed(answer, place, false)),
            (Outcome::Refused, Some(Err(refusal))) => Err(CommitError::Refused(refusal)),
            // An earlier attempt of this very call had committed, though its connection did not live to tell.
            (Outcome::Replayed(bytes, place), Some(Ok(answer))) if answer.encode() == bytes => {
                Ok(committed(answer, place, false))
            }
            (Outcome::Replayed(bytes, place), _) => C::Answer::decode(&bytes)
                .map(|answer| committed(answer, place, true))
                .ok_or_else(|| CommitError::Internal("the stored answer cannot be read".to_owned())),
            (Outcome::RequestIdReused, _) => Err(CommitError::RequestIdReused),
            (Outcome::Unavailable, _) => Err(CommitError::Unavailable),
            (Outcome::Internal(error), _) => Err(CommitError::Internal(error)),
            (Outcome::Committed(_) | Outcome::Refused, _) => {
                Err(CommitError::Internal("the outcome does not fit the decision".to_owned()))
            }
        };
        // A caller who has left needs no answer.
        let _ = self.reply.send(result);
    }
}
