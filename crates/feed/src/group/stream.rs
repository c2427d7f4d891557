//! One member's open stream.
//!
//! It works in turns. A turn judges what was acknowledged, failed or timed out, takes a page of the log, and writes all
//! of it in one transaction; only then is anything sent. So a crash means that an event is sent again, never that it is
//! lost. A turn without anything to write costs the database nothing: commands need the same writer. Between turns
//! the stream sleeps until an acknowledgement, a commit, a time-out or the next renewal. What it holds in memory is
//! bounded: a page, and the events of its deliveries up to `held_bytes`.
//!
//! # Layout
//! - `open`: joining the group
//! - `turn`: one turn, and what it takes from the log
//! - `held`: the events in memory and how far each slot is
//! - `send`: frames, and renewing while a member reads slowly
//! - `end`: why a stream ends, what it outlives, and what becomes of its slots

mod end;
mod held;
mod open;
mod send;
mod turn;

use std::collections::{BTreeMap, BTreeSet, HashMap};
use std::sync::Arc;
use std::time::Duration;

use ordermesh_kernel::{EventId, clock};
use ordermesh_proto::feed::v1::subscribe_response::Frame;
use ordermesh_proto::feed::v1::{self as wire, ClosingReason};
use sea_orm::{ConnectionTrait, DbBackend};
use tokio::sync::{Notify, watch};
use tokio::time::Instant;

use super::GroupError;
use super::plan::{Rules, micros};
use super::rebalance::Share;
use super::request::Wish;
use super::table::Membership;
use crate::event::WireEvent;
use crate::serve::{FeedServer, Filter, Sink};
use crate::token::LogPosition;

use end::{End, Step};
pub(crate) use open::subscribe;

/// How long an acknowledgement on another replica goes unnoticed.
const POLL: Duration = Duration::from_millis(200);
/// How long progress past other members' events stays unwritten. Reading it again after a crash costs little.
const PROGRESS_INTERVAL: Duration = Duration::from_secs(1);
/// Events of one key that are taken from the log, at most.
const KEY_EVENTS: usize = 100;
struct Stream {
    server: FeedServer,
    rules: Rules,
    wish: Wish,
    membership: Membership,
    filter: Filter,
    frames: Sink,
    head: watch::Receiver<i64>,
    wake: Arc<Notify>,
    share: Share,
    /// The member's slots and how far each was read.
    slots: BTreeMap<i32, i64>,
    /// Slots that stopped in the log, each with the key that stopped it.
    stopped: BTreeMap<i32, String>,
    /// Slots that stopped because the parking is full; tried again when something has changed.
    no_room: BTreeSet<i32>,
    /// How far slots were read without anything to write, and the database does not know yet.
    unwritten: Option<(i64, EventId)>,
    written_at: Instant,
    /// Events of deliveries.
    events: HashMap<i64, Arc<WireEvent>>,
    /// How many deliveries the database holds.
    deliveries: usize,
    /// What really went into the stream: position and attempt.
    told: HashMap<i64, i32>,
    /// Since when the member has events and says nothing of any.
    silent_since: Option<Instant>,
    /// The database may know more than this stream: after a takeover, or when the answer of a COMMIT was lost.
    stale: bool,
    /// Deliveries may have changed.
    changed: bool,
    /// When to look whether another replica has changed deliveries.
    next_look: Instant,
    /// How many events the member may have at once while there are suspects.
    window: usize,
    /// Those that it has within the window.
    on_trial: BTreeSet<i64>,
    assigned: Option<BTreeSet<i32>>,
    /// The furthest place of the log that this stream has read or told of.
    place: LogPosition,
    /// The log had nothing where its head tells of more: it is read by a reader that may not see it yet.
    lagging: bool,
    /// Until then the slots are the member's for certain.
    lease_end: Instant,
    next_rebalance: Instant,
    next_due: Option<i64>,
    last_frame: Instant,
}

impl Stream {
    fn new(server: &FeedServer, wish: Wish, membership: Membership, filter: Filter, frames: Sink) -> Self {
        let settings = &server.groups.settings;
        let rules = Rules {
            group: membership.group.clone(),
            epoch: membership.epoch,
            max_unacknowledged: wish.max_unacknowledged,
            ack_timeout: wish.ack_timeout,
            max_attempts: settings.max_attempts,
            retry_initial: settings.retry_initial,
            retry_max: settings.retry_max,
            key_events: KEY_EVENTS,
            key_bytes: settings.held_bytes / 8,
        };
        let now = Instant::now();
        let mut server = server.clone();
        server.groups = server.groups.within_a_lease();
        Self {
            head: server.source.head(),
            wake: server.groups.hub.open(&membership.group, membership.epoch),
            share: Share::default(),
            slots: BTreeMap::new(),
            stopped: BTreeMap::new(),
            no_room: BTreeSet::new(),
            unwritten: None,
            written_at: now,
            events: HashMap::new(),
            deliveries: 0,
            told: HashMap::new(),
            silent_since: None,
            stale: true,
            changed: true,
            next_look: now,
            window: 1,
            on_trial: BTreeSet::new(),
            assigned: None,
            place: LogPosition { feed_id: server.source.feed_id(), position: 0, event_id: None },
            lagging: false,
            lease_end: now + settings.lease,
            next_rebalance: now,
            next_due: None,
            last_frame: now,
            server,
            rules,
            wish,
            membership,
            filter,
            frames,
        }
    }

    async fn run(mut self) {
        let server = self.server.clone();
        let end = tokio::select! {
            biased;
            reason = server.closing() => End::Closing(reason),
            end = self.serve() => end,
        };
        match end {
            End::Gone => self.free(None).await,
            End::Closing(reason) => self.close(reason).await,
            End::Failed(problem) => self.fail(problem).await,
        }
    }

    async fn serve(&mut self) -> End {
        loop {
            let step = match self.step().await {
                Err(End::Failed(problem)) => Err(self.stop(problem).await),
                step => step,
            };
            if let Err(end) = step {
                return end;
            }
        }
    }

    async fn step(&mut self) -> Step {
        if Instant::now() >= self.next_rebalance {
            match self.in_lease(Self::rebalance).await {
                Err(GroupError::Store(error)) => return self.survive(error).await,
                rebalanced => rebalanced?,
            }
            self.tell_assignment().await?;
        }
        let head = *self.head.borrow_and_update();
        let send = match self.in_lease(Self::turn).await {
            Err(GroupError::Store(error)) => return self.survive(error).await,
            turned => turned?,
        };
        let progress = !send.is_empty() || (self.behind(head) && !self.lagging);
        // Between its commit and here the server may have been frozen, and the slots be another's.
        if Instant::now() >= self.lease_end {
            self.renew().await?;
        }
        self.send_events(send).await?;
        match progress {
            true => Ok(()),
            false => self.sleep().await,
        }
    }

    async fn rebalance(&mut self) -> Result<(), GroupError> {
        let groups = self.server.groups.clone();
        let started = Instant::now();
        let now = clock::to_micros(groups.clock.now());
        let until = now + micros(groups.settings.lease);
        // Before the transaction: the answer of its COMMIT may be lost.
        self.stale = true;
        let tx = groups.writer.begin().await?;
        let shared = self.membership.rebalance(&tx, now, until).await;
        self.share = tx.end(shared).await?;
        self.lease_end = started + groups.settings.lease;
        self.refresh_slots().await?;
        self.find_place().await?;
        // What others changed meanwhile, such as a replay that began on another replica, is looked at now and then, too.
        self.changed = true;
        let moving = self.share.wanting || !self.share.surplus.is_empty();
        // Where slots are on the move, nobody should wait for a third of the lease.
        self.next_rebalance = started + groups.settings.lease / if moving { 20 } else { 3 };
        Ok(())
    }

    /// Sleeps until there may be something to do.
    async fn sleep(&mut self) -> Step {
        let now = clock::to_micros(self.server.groups.clock.now());
        let wait = |due: i64| Duration::from_micros((due - now).max(1_000).unsigned_abs());
        let due = self.next_due.map(|due| Instant::now() + wait(due));
        let look = self.looks_elsewhere().then_some(self.next_look);
        let progress = self.unwritten.map(|_| self.written_at + PROGRESS_INTERVAL);
        let silence = self.wish.heartbeat.map(|interval| self.last_frame + interval);
        let again = self.lagging.then(|| Instant::now() + POLL);
        let wakes = [due, look, progress, silence, again];
        let wake_at = wakes.into_iter().flatten().fold(self.next_rebalance, Instant::min);
        tokio::select! {
            () = self.frames.closed() => return Err(End::Gone),
            () = self.wake.notified() => self.changed = true,
            changed = self.head.changed() => if changed.is_err() { return Err(End::Closing(ClosingReason::ServerShutdown)) },
            () = tokio::time::sleep_until(wake_at) => {}
        }
        match silence.is_some_and(|silence| Instant::now() >= silence) {
            true => self.send(Frame::Heartbeat(wire::Heartbeat {})).await,
            false => Ok(()),
        }
    }

    /// True when other replicas may take acknowledgements of this member's events.
    fn looks_elsewhere(&self) -> bool {
        self.deliveries > 0 && self.server.groups.writer.get_database_backend() != DbBackend::Sqlite
    }
}
