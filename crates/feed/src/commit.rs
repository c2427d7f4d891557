//! The group committer: concurrent commands in, one transaction out.
//!
//! It takes what has queued while the last transaction was committing (no timer), decides the commands one on top
//! of the other on rows loaded once, and writes rows, events and idempotency records in ONE transaction. Positions
//! are given by the row lock of `log_head` as the last step, so they are gapless and in commit order whatever the
//! number of writers. A refused command writes nothing and disturbs none of its neighbours.
//! docs/adr/0002 tells why.

mod batch;
mod job;
mod problem;

use std::collections::VecDeque;
use std::fmt::Debug;
use std::sync::Arc;

use async_trait::async_trait;
use ordermesh_kernel::{Clock, RequestId, Timestamp};
use sea_orm::{DatabaseConnection, DbBackend, DbErr};
use sha2::{Digest, Sha256};
use tokio::sync::{Mutex, Semaphore, mpsc, oneshot};
use tokio_util::sync::CancellationToken;
use tokio_util::task::TaskTracker;

use crate::event::{Cause, NewEvent};
use crate::log::EventLog;
use crate::store::{WriteTransaction, Writes};
use crate::token::ConsistencyToken;

use batch::Batch;
use job::{Job, Pending};

/// Commands a transaction takes at most: beyond this a larger batch gains nothing and delays its first command.
const MAX_BATCH: usize = 512;
/// Bytes of requests that a transaction takes at most, but for its last command.
const MAX_BATCH_BYTES: usize = 4 << 20;
/// Bytes of requests that may wait for their batch, in KiB; what comes beyond is turned away at once.
const QUEUE_KIBIBYTES: usize = 64 << 10;

/// The rows that a batch of commands works on, loaded once and written once.
#[async_trait]
pub trait UnitOfWork: Send + Sized + 'static {
    /// What a command needs to have loaded.
    type Want: Send + Sync;

    /// True for what a command wants to have looked up only to refuse it in words: what the database's unique
    /// constraints would refuse as well. A batch may go without, and is tried anew, with it, when a constraint objects.
    fn is_guarded(_: &Self::Want) -> bool {
        false
    }
    /// Loads (and on servers with several writers locks) all that the commands of a batch want.
    async fn load(tx: &WriteTransaction, wants: Vec<Self::Want>) -> Result<Self, DbErr>;
    /// Takes the events staged since the last call.
    fn take_events(&mut self) -> Vec<NewEvent>;
    /// Adds every changed row to what is written.
    fn store(self, writes: &mut Writes) -> Result<(), DbErr>;
}

/// A command: what it needs, and its decision.
pub trait Command<U: UnitOfWork>: Send + Sync + 'static {
    /// What a committed command answers.
    type Answer: Answer;
    /// Why a command is not carried out.
    type Refusal: Send + Debug + 'static;

    /// What must be loaded before [`decide`](Self::decide).
    fn wants(&self) -> Vec<U::Want>;
    /// Decides on the unit as commands before it left it. A refusal leaves the unit as it was.
    fn decide(&self, unit: &mut U, now: Timestamp) -> Result<Self::Answer, Self::Refusal>;
}

/// An answer that is kept with its request_id.
pub trait Answer: Clone + Send + Sized + 'static {
    /// The answer as stored.
    fn encode(&self) -> Vec<u8>;
    /// The answer from its stored form; `None` when these are not the bytes of one.
    fn decode(bytes: &[u8]) -> Option<Self>;
}

/// Who asks for what under which key, and what led to it.
#[derive(Debug, Clone)]
pub struct CommandIdentity {
    /// Full name of the method.
    pub method: &'static str,
    /// Who asks; the key is private to it.
    pub principal: String,
    /// The idempotency key.
    pub request_id: String,
    /// SHA-256 of the request's content.
    pub fingerprint: [u8; 32],
    /// Size of the request, about.
    pub bytes: usize,
    /// What the command's events name as their cause.
    pub cause: Cause,
}

impl CommandIdentity {
    /// The identity of an outside request to `method`, which is the beginning of what follows from it. `caller` is its
    /// principal and its traceparent; `encoded` are the bytes that make it the same request when they are the same.
    pub fn of_request(
        method: &'static str,
        (principal, traceparent): (String, String),
        request_id: RequestId,
        encoded: &[u8],
    ) -> Self {
        let request_id = request_id.into_string();
        let cause =
            Cause { correlation_id: request_id.clone(), causation_id: request_id.clone(), traceparent };
        let (fingerprint, bytes) = (fingerprint(encoded), encoded.len());
        Self { method, principal, request_id, fingerprint, bytes, cause }
    }

    /// Key of the idempotency record.
    fn key(&self) -> [u8; 32] {
        let mut hash = Sha256::new();
        for part in [self.method, &self.principal, &self.request_id] {
            // Lengths keep ("ab", "c") apart from ("a", "bc").
            hash.update((part.len() as u64).to_be_bytes());
            hash.update(part);
        }
        hash.finalize().into()
    }
}

/// SHA-256 of a request's content, for [`CommandIdentity::fingerprint`].
pub fn fingerprint(encoded_request: &[u8]) -> [u8; 32] {
    Sha256::digest(encoded_request).into()
}

/// A command that is durable.
#[derive(Debug, Clone)]
pub struct Committed<A> {
    /// What it answers.
    pub answer: A,
    /// Stands for the command's newest event; for nothing that anybody waits for when it has none.
    pub token: ConsistencyToken,
    /// The command was committed by an earlier call with the same key.
    pub replayed: bool,
}

/// Why a command is not durable.
#[derive(Debug, thiserror::Error)]
pub enum CommitError<R: Debug> {
    /// The domain refuses it.
    #[error("refused: {0:?}")]
    Refused(R),
    /// The request_id was used with another content.
    #[error("the request_id was used before with another content")]
    RequestIdReused,
    /// The database cannot take it just now.
    #[error("the database cannot take commands now")]
    Unavailable,
    /// More commands are waiting than the server holds.
    #[error("more commands are waiting than this server holds")]
    Overloaded,
    /// The server shuts down.
    #[error("the server is shutting down")]
    ShuttingDown,
    /// The database refuses what should be right.
    #[error("the command could not be written: {0}")]
    Internal(String),
}

/// Tasks that commit. While one waits for PostgreSQL's disk another can have its next batch's rows written; more
/// would make batches smaller for nothing. SQLite has one writer.
const COMMITTERS: usize = 2;

/// Hands commands to the committing tasks and waits for the outcome.
#[derive(Debug)]
pub struct Committer<U: UnitOfWork> {
    queue: mpsc::UnboundedSender<Box<dyn Job<U>>>,
    /// What bounds the queue: a permit a KiB, held by the queued command.
    room: Arc<Semaphore>,
}

impl<U: UnitOfWork> Clone for Committer<U> {
    fn clone(&self) -> Self {
        Self { queue: self.queue.clone(), room: self.room.clone() }
    }
}

impl<U: UnitOfWork> Committer<U> {
    /// Starts the committing tasks on `tasks`. They end, with all queued commands carried out, when every clone of
    /// the committer is dropped. Should one ever panic, it fires `shutdown`: a server that cannot commit is to be
    /// started again.
    pub fn start(
        writer: DatabaseConnection,
        log: Arc<EventLog>,
        clock: Arc<dyn Clock>,
        tasks: &TaskTracker,
        shutdown: CancellationToken,
    ) -> Self {
        let (queue, jobs) = mpsc::unbounded_channel();
        let waiting = Arc::new(Mutex::new(Waiting { jobs, taken: VecDeque::with_capacity(MAX_BATCH) }));
        let committers = match writer.get_database_backend() {
            DbBackend::Postgres => COMMITTERS,
            _ => 1,
        };
        for _ in 0..committers {
            let (writer, log, clock) = (writer.clone(), log.clone(), clock.clone());
            let (waiting, shutdown) = (waiting.clone(), shutdown.clone());
            let committing = tasks
                .spawn(async move { commit(&waiting, &Batch::new(&writer, &log, clock.as_ref())).await });
            tasks.spawn(async move {
                if let Err(error) = committing.await {
                    tracing::error!(%error, "a committing task failed; the server ends");
                    shutdown.cancel();
                }
            });
        }
        Self { queue, room: Arc::new(Semaphore::new(QUEUE_KIBIBYTES)) }
    }

    /// Carries out a command: when this answers `Ok`, the command is durable. The command may still be carried out
    /// when the caller stops waiting; asking again with the same request_id tells.
    pub async fn execute<C: Command<U>>(
        &self,
        identity: CommandIdentity,
        command: C,
    ) -> Result<Committed<C::Answer>, CommitError<C::Refusal>> {
        let kibibytes = u32::try_from(identity.bytes.div_ceil(1024)).unwrap_or(u32::MAX);
        let room =
            self.room.clone().try_acquire_many_owned(kibibytes).map_err(|_| CommitError::Overloaded)?;
        let (reply, outcome) = oneshot::channel();
        let job = Pending::new(identity, command, reply, room);
        self.queue.send(Box::new(job)).map_err(|_| CommitError::ShuttingDown)?;
        outcome.await.unwrap_or(Err(CommitError::ShuttingDown))
    }
}

/// The queue's end, of which the committing tasks take turns.
struct Waiting<U> {
    jobs: mpsc::UnboundedReceiver<Box<dyn Job<U>>>,
    /// What was received and did not fit into the last batch.
    taken: VecDeque<Box<dyn Job<U>>>,
}

impl<U: UnitOfWork> Waiting<U> {
    /// The next batch; empty when the queue is closed and nothing is left.
    async fn next_batch(&mut self) -> Vec<Box<dyn Job<U>>> {
        loop {
            let mut received = Vec::with_capacity(MAX_BATCH);
            if self.taken.is_empty() && self.jobs.recv_many(&mut received, MAX_BATCH).await == 0 {
                return Vec::new();
            }
            self.taken.extend(received);
            let mut bytes = 0;
            let mut batch = Vec::new();
            while bytes < MAX_BATCH_BYTES && batch.len() < MAX_BATCH {
                let Some(job) = self.taken.pop_front() else { break };
                // Who has left waits for nothing; who asks again will be judged anew.
                if !job.is_abandoned() {
                    bytes += job.identity().bytes;
                    batch.push(job);
                }
            }
            if !batch.is_empty() {
                return batch;
            }
        }
    }
}

/// Carries out what is queued, batch by batch, until the queue is closed.
async fn commit<U: UnitOfWork>(waiting: &Mutex<Waiting<U>>, batch: &Batch<'_>) {
    loop {
        // Held while waiting on purpose: it is the turn to take the next batch, and nobody else has another use for it.
        let jobs = waiting.lock().await.next_batch().await;
        if jobs.is_empty() {
            return;
        }
        batch.run(jobs).await;
    }
}
