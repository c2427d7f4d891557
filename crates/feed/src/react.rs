//! Reactions: events of another context in, commands here out, by way of the committer.
//!
//! For [`Handler::react`](crate::consume::Handler::react). Every command carries a request_id made of the event, so a
//! crash before the checkpoint repeats the events and not their effects. Keys go side by side; the events of one key, and
//! the commands of one event, come one after the other, each when the one before is durable: of several committing
//! tasks none can decide the later one first. docs/adr/0009 tells more.

use std::collections::BTreeMap;
use std::fmt::Display;

use futures_util::future::BoxFuture;
use futures_util::{StreamExt, stream};
use ordermesh_proto::event_types::FeedEvent;
use uuid::Uuid;

use crate::commit::{Command, CommandIdentity, CommitError, Committer, UnitOfWork, fingerprint};
use crate::consume::{Delivery, HandlerError};
use crate::event::Cause;

/// Keys that are under way at once: as many commands as a transaction of the committer takes.
const KEYS: usize = 512;

/// A command that follows from an event.
pub struct Reaction<U: UnitOfWork> {
    name: &'static str,
    run: Box<Run<U>>,
}

/// Carries the command out, whatever its type.
type Run<U> = dyn FnOnce(Committer<U>, CommandIdentity) -> BoxFuture<'static, Result<(), Failure>> + Send;

impl<U: UnitOfWork> Reaction<U> {
    /// A command under the reaction's name, such as `ConfirmOnStockReserved`. The name is part of the idempotency key:
    /// once released it stays.
    pub fn new<C>(name: &'static str, command: C) -> Self
    where
        C: Command<U>,
        C::Refusal: Display,
    {
        let run = |committer: Committer<U>, identity| -> BoxFuture<'static, _> {
            Box::pin(async move { committer.execute(identity, command).await.map(drop).map_err(Failure::of) })
        };
        Self { name, run: Box::new(run) }
    }
}

/// Why a command is not durable.
enum Failure {
    /// It may be later, as it is.
    NotNow(String),
    /// It never will be.
    Never(String),
}

impl Failure {
    fn of<R: std::fmt::Debug + Display>(error: CommitError<R>) -> Self {
        match error {
            CommitError::Refused(refusal) => Self::Never(refusal.to_string()),
            CommitError::Unavailable | CommitError::Overloaded | CommitError::ShuttingDown => {
                Self::NotNow(error.to_string())
            }
            CommitError::RequestIdReused | CommitError::Internal(_) => Self::Never(error.to_string()),
        }
    }
}

/// Carries out what follows from events.
pub struct Reactions<U: UnitOfWork> {
    committer: Committer<U>,
    principal: String,
}

impl<U: UnitOfWork> Reactions<U> {
    /// Commands go through `committer`, in the name of the context `server`, such as `order-command`.
    pub fn new(committer: Committer<U>, server: &str) -> Self {
        Self { committer, principal: format!("workload:{server}") }
    }

    /// Carries out the commands that `policy` makes of each event, none to many; returns when all are durable. A policy
    /// that can make nothing of an event says why, and the event's key is parked, as it is when a command is refused:
    /// what the domain may rightly refuse in the normal course is to be accepted without any event. When both a key is to
    /// be parked and something is away, the latter counts: all is tried again, and what is done is not done twice.
    pub async fn run<E: FeedEvent>(
        &self,
        events: &[E],
        delivery: Delivery,
        policy: impl Fn(&E) -> Result<Vec<Reaction<U>>, String> + Send,
    ) -> Result<(), HandlerError> {
        if !delivery.allows_effects() {
            return Ok(());
        }
        let mut keys = BTreeMap::<String, Vec<Step<U>>>::new();
        let mut refused = None;
        for event in events {
            match self.steps(event, &policy) {
                Ok(steps) if steps.is_empty() => {}
                Ok(steps) => keys.entry(event.key().to_owned()).or_default().extend(steps),
                // What comes before it is done; what comes after is for the next attempt.
                Err(error) => {
                    refused = Some(error);
                    break;
                }
            }
        }
        let chains = keys.into_iter().map(|(key, steps)| one_by_one(self.committer.clone(), key, steps));
        let mut chains = stream::iter(chains).buffer_unordered(KEYS);
        while let Some(done) = chains.next().await {
            match done {
                Ok(()) => {}
                Err(error @ HandlerError::Event { .. }) => drop(refused.get_or_insert(error)),
                Err(not_now) => return Err(not_now),
            }
        }
        refused.map_or(Ok(()), Err)
    }

    /// What follows from an event, in order.
    fn steps<E: FeedEvent>(
        &self,
        event: &E,
        policy: impl Fn(&E) -> Result<Vec<Reaction<U>>, String>,
    ) -> Result<Vec<Step<U>>, HandlerError> {
        let reactions = policy(event).map_err(|reason| of_event(event, reason))?;
        let step = |(index, reaction): (usize, Reaction<U>)| {
            let identity = self.identity(event, reaction.name, index)?;
            Ok(Step { position: event.position(), identity, reaction })
        };
        reactions.into_iter().enumerate().map(step).collect()
    }

    fn identity<E: FeedEvent>(
        &self,
        event: &E,
        reaction: &'static str,
        index: usize,
    ) -> Result<CommandIdentity, HandlerError> {
        let id = event.event_id();
        let event_id = Uuid::parse_str(id).map_err(|_| of_event(event, "its id is no UUID".to_owned()))?;
        Ok(CommandIdentity {
            method: reaction,
            principal: self.principal.clone(),
            request_id: Uuid::new_v5(&event_id, format!("{reaction}/{index}").as_bytes()).to_string(),
            // Not of its bytes: erasing personal data changes them, and the event is still the same.
            fingerprint: fingerprint(id.as_bytes()),
            bytes: event.encoded_len(),
            cause: Cause {
                correlation_id: event.correlation_id().to_owned(),
                causation_id: id.to_owned(),
                traceparent: event.traceparent().to_owned(),
            },
        })
    }
}

/// A command on its way, with the place of its event.
struct Step<U: UnitOfWork> {
    position: i64,
    identity: CommandIdentity,
    reaction: Reaction<U>,
}

/// Carries out what follows from a key's events, each command when the one before is durable.
async fn one_by_one<U: UnitOfWork>(
    committer: Committer<U>,
    key: String,
    steps: Vec<Step<U>>,
) -> Result<(), HandlerError> {
    for Step { position, identity, reaction } in steps {
        match (reaction.run)(committer.clone(), identity).await {
            Ok(()) => {}
            Err(Failure::NotNow(reason)) => return Err(HandlerError::Retry { reason }),
            Err(Failure::Never(reason)) => {
                let reason = format!("{}: {reason}", reaction.name);
                return Err(HandlerError::Event { position, key, reason });
            }
        }
    }
    Ok(())
}

fn of_event<E: FeedEvent>(event: &E, reason: String) -> HandlerError {
    HandlerError::Event { position: event.position(), key: event.key().to_owned(), reason }
}
