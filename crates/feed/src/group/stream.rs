//! One member's open stream.
//!
//! It works in turns. A turn renews the lease, judges what was acknowledged, failed or timed out, takes a page of the
//! log, and writes all of it in one transaction; only then is anything sent. So a crash means that an event is sent
//! again, never that it is lost. Between turns the stream sleeps until an acknowledgement, a commit, a time-out or
//! the next renewal. What it holds in memory is bounded: a page, and the events of its deliveries.

mod turn;

use std::collections::{BTreeMap, BTreeSet, HashMap};
use std::sync::Arc;
use std::time::Duration;

use ordermesh_kernel::clock;
use ordermesh_proto::error::Problem;
use ordermesh_proto::feed::v1::subscribe_response::Frame;
use ordermesh_proto::feed::v1::{self as wire, ClosingReason, SubscribeRequest, SubscribeResponse};
use prost::Message;
use sea_orm::{DbBackend, EntityTrait};
use tokio::sync::{Notify, mpsc, watch};
use tokio::time::Instant;
use tonic::{Code, Status};

use super::plan::{Rules, SLOTS, micros};
use super::table::{self, Membership, Share};
use super::{GroupError, Groups, lease_lost, parking_full, request};
use crate::event::{WireEvent, wire_time};
use crate::parking::Usage;
use crate::serve::{FeedServer, Filter, Subscribe, diverged, resolve_start, store_problem};
use crate::store::{Failure, WriteTransaction, consumer_group, group_slot, is_transient, log_head};
use crate::token::LogPosition;
use request::Wish;

type Frames = mpsc::Sender<Result<SubscribeResponse, Status>>;

/// Events that are taken from the log beyond those that the member may have.
const READ_AHEAD: usize = 1000;
/// Bytes of events held; past them nothing more is read.
const HELD_BYTES: usize = 8 << 20;
/// How long an acknowledgement on another replica goes unnoticed.
const POLL: Duration = Duration::from_millis(200);
/// The reason of a group that has parked too much.
const PARKING_FULL: &str = "PARKING_FULL";

/// Opens the stream of a group's member. `checked` is the same request without its group.
pub(crate) async fn subscribe(
    server: &FeedServer,
    wire: &SubscribeRequest,
    group: &wire::Group,
    checked: Subscribe,
    frames: Frames,
) -> Result<(), Problem> {
    let mut wish = request::parse(wire, group)?;
    (wish.max_batch, wish.heartbeat) = (checked.max_batch, checked.heartbeat);
    let (membership, filter) = match open(server, wire, &wish, &checked).await {
        // Another replica made the group at the same moment.
        Err(GroupError::Store(error)) if Failure::of(&error) == Failure::Conflict => {
            open(server, wire, &wish, &checked).await?
        }
        opened => opened?,
    };
    let stream = Stream::new(server, wish, membership, filter, frames);
    server.tasks.spawn(stream.run());
    Ok(())
}

/// Joins the group, making it when it is new.
async fn open(
    server: &FeedServer,
    wire: &SubscribeRequest,
    wish: &Wish,
    checked: &Subscribe,
) -> Result<(Membership, Filter), GroupError> {
    let groups = &server.groups;
    let source = server.source.as_ref();
    let known = consumer_group::Entity::find_by_id(&wish.group).one(&groups.writer).await?;
    let stored = match &known {
        Some(group) => request::same_terms(&group.terms, wire, &wish.group)?,
        None => request::terms(wire),
    };
    // The filter that counts is the group's, which was checked when the group was made.
    let filter = crate::serve::parse(stored.clone(), source.schema())?.filter;
    let place = match &known {
        Some(group) => {
            same_log(server, group).await?;
            None
        }
        None => {
            let start = resolve_start(&checked.start, source).await?;
            Some((start, source.event_id_at(start).await?))
        }
    };
    let now = clock::to_micros(groups.clock.now());
    let tx = WriteTransaction::begin(&groups.writer).await?;
    let joined = async {
        if let (None, Some((position, event_id))) = (&known, place) {
            let group = consumer_group::Model {
                name: wish.group.clone(),
                feed_id: source.feed_id(),
                terms: stored.encode_to_vec(),
                epoch: 0,
                created_time: now,
                stopped_reason: String::new(),
            };
            table::create(&tx, &group, position, event_id).await?;
        }
        let group = table::lock_group(&tx, &wish.group).await?;
        let group = group.ok_or_else(|| super::not_found(&wish.group))?;
        if !group.stopped_reason.is_empty() {
            let usage = Groups::parking(&wish.group).usage(&tx).await?;
            if groups.is_full(usage) {
                return Err(GroupError::ParkingFull);
            }
            table::stop(&tx, &wish.group, "").await?;
        }
        Ok(table::join(&tx, &group, &wish.member, now, micros(groups.settings.lease)).await?)
    };
    let joined = joined.await;
    Ok((tx.end(joined).await?, filter))
}

/// Refuses to go on in a log that is not the one that the group knows.
async fn same_log(server: &FeedServer, group: &consumer_group::Model) -> Result<(), GroupError> {
    use sea_orm::{ColumnTrait, QueryFilter};
    let source = server.source.as_ref();
    let refuse = |what: String| GroupError::Refused(diverged("group", what));
    if group.feed_id != source.feed_id() {
        return Err(refuse(format!("the group {} is of the log {}", group.name, group.feed_id)));
    }
    // The head in the database: what other replicas have just committed may not be known here yet.
    let head = log_head::Entity::find_by_id(1).one(&server.groups.writer).await?;
    let head = head.map_or(0, |head| head.position);
    let slots = group_slot::Entity::find()
        .filter(group_slot::Column::GroupName.eq(&group.name))
        .all(&server.groups.writer)
        .await?;
    let places: BTreeMap<i64, _> = slots.iter().map(|slot| (slot.position, slot.event_id)).collect();
    for (position, event_id) in places {
        if position > head {
            return Err(refuse(format!("the group {} is at {position}, past the head {head}", group.name)));
        }
        let there = source.event_id_at(position).await?;
        if let (Some(there), Some(known)) = (there, event_id)
            && *there.as_uuid() != known
        {
            return Err(refuse(format!("another event stands at position {position}")));
        }
    }
    Ok(())
}

impl Groups {
    /// Whether so much more would be too much to have parked.
    fn is_too_much(&self, usage: Usage, more: Usage) -> bool {
        usage.keys + more.keys > self.settings.max_parked_keys
            || usage.bytes + more.bytes > self.settings.max_parked_bytes
    }

    fn is_full(&self, usage: Usage) -> bool {
        usage.keys >= self.settings.max_parked_keys || usage.bytes >= self.settings.max_parked_bytes
    }
}

/// Why the stream ends.
enum End {
    /// The member has left.
    Gone,
    /// The server shuts down.
    Closing,
    Failed(Problem),
}

impl From<GroupError> for End {
    fn from(error: GroupError) -> Self {
        Self::Failed(error.into())
    }
}

type Step = Result<(), End>;

struct Stream {
    server: FeedServer,
    rules: Rules,
    wish: Wish,
    membership: Membership,
    filter: Filter,
    frames: Frames,
    head: watch::Receiver<i64>,
    wake: Arc<Notify>,
    share: Share,
    /// The member's slots and how far each is.
    slots: BTreeMap<i32, i64>,
    /// The events of the deliveries.
    events: HashMap<i64, Arc<WireEvent>>,
    /// What really went into the stream: position and attempt.
    told: HashMap<i64, i32>,
    /// Deliveries were taken over, and their events are not at hand yet.
    taken_over: bool,
    assigned: Option<BTreeSet<i32>>,
    /// How far the log was read for this stream.
    place: LogPosition,
    /// Until then the slots are the member's for certain.
    lease_end: Instant,
    next_rebalance: Instant,
    next_due: Option<i64>,
    last_frame: Instant,
}

impl Stream {
    fn new(server: &FeedServer, wish: Wish, membership: Membership, filter: Filter, frames: Frames) -> Self {
        let settings = &server.groups.settings;
        let rules = Rules {
            group: membership.group.clone(),
            epoch: membership.epoch,
            max_unacknowledged: wish.max_unacknowledged,
            ack_timeout: wish.ack_timeout,
            max_attempts: settings.max_attempts,
            retry_initial: settings.retry_initial,
            retry_max: settings.retry_max,
        };
        let now = Instant::now();
        Self {
            head: server.source.head(),
            wake: server.groups.hub.open(&membership.group, membership.epoch),
            share: Share::default(),
            slots: BTreeMap::new(),
            events: HashMap::new(),
            told: HashMap::new(),
            taken_over: false,
            assigned: None,
            place: LogPosition { feed_id: server.source.feed_id(), position: 0, event_id: None },
            lease_end: now + settings.lease,
            next_rebalance: now,
            next_due: None,
            last_frame: now,
            server: server.clone(),
            rules,
            wish,
            membership,
            filter,
            frames,
        }
    }

    async fn run(mut self) {
        let shutdown = self.server.shutdown.clone();
        let end = tokio::select! {
            biased;
            () = shutdown.cancelled() => End::Closing,
            end = self.serve() => end,
        };
        self.leave().await;
        // The member may have left meanwhile: then there is nobody to tell.
        match end {
            End::Gone => {}
            End::Closing => {
                let reason = ClosingReason::ServerShutdown.into();
                let closing = self.response(Frame::Closing(wire::Closing { reason }));
                let _ = self.frames.send(Ok(closing)).await;
            }
            End::Failed(problem) => {
                let _ = self.frames.send(Err(problem.into())).await;
            }
        }
    }

    /// Frees the slots at once. When it fails, the lease runs out by itself.
    async fn leave(&self) {
        let groups = &self.server.groups;
        groups.hub.close(&self.membership.group, self.membership.epoch);
        let left = async {
            let tx = WriteTransaction::begin(&groups.writer).await?;
            let left = self.membership.leave(&tx).await;
            tx.end(left).await
        };
        if let Err(error) = left.await {
            tracing::debug!(%error, group = self.membership.group, "slots are kept until their lease ends");
        }
        groups.hub.wake(&self.membership.group);
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
            match self.rebalance().await {
                Err(GroupError::Store(error)) => self.survive(&error).await?,
                rebalanced => rebalanced?,
            }
            self.tell_assignment().await?;
        }
        let head = *self.head.borrow_and_update();
        match self.turn().await {
            Err(GroupError::Store(error)) => self.survive(&error).await,
            Err(error) => Err(error.into()),
            Ok(send) => {
                let progress = !send.is_empty() || self.behind(head);
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
        }
    }

    /// The database is away: goes on as long as the slots are certainly its own.
    async fn survive(&mut self, error: &sea_orm::DbErr) -> Step {
        if !is_transient(error) {
            return Err(End::Failed(store_problem(error)));
        }
        if Instant::now() + POLL >= self.lease_end {
            return Err(End::Failed(lease_lost().with("epoch", self.membership.epoch)));
        }
        tokio::select! {
            () = self.frames.closed() => Err(End::Gone),
            () = tokio::time::sleep(POLL) => Ok(()),
        }
    }

    /// A group that has parked too much says so to whoever asks.
    async fn stop(&self, problem: Problem) -> End {
        let status = Status::from(problem.clone());
        if status.code() == Code::ResourceExhausted {
            let groups = &self.server.groups;
            let stopped = async {
                let tx = WriteTransaction::begin(&groups.writer).await?;
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

    async fn rebalance(&mut self) -> Result<(), GroupError> {
        let groups = self.server.groups.clone();
        let started = Instant::now();
        let now = clock::to_micros(groups.clock.now());
        let until = now + micros(groups.settings.lease);
        let tx = WriteTransaction::begin(&groups.writer).await?;
        let shared = self.membership.rebalance(&tx, now, until).await;
        self.share = tx.end(shared).await?;
        self.lease_end = started + groups.settings.lease;
        let moving = self.share.wanting || !self.share.surplus.is_empty();
        // Where slots are on the move, nobody should wait for a third of the lease.
        self.next_rebalance = started + groups.settings.lease / if moving { 20 } else { 3 };
        self.taken_over = true;
        self.slots = self.membership.slots(&groups.writer).await?;
        Ok(())
    }

    async fn tell_assignment(&mut self) -> Step {
        if self.assigned.as_ref() == Some(&self.share.slots) {
            return Ok(());
        }
        let first = self.assigned.replace(self.share.slots.clone()).is_none();
        if first {
            self.place.position = self.slots.values().min().copied().unwrap_or(0);
            self.place.event_id = match self.place.position {
                0 => None,
                position => self.server.source.event_id_at(position).await.map_err(GroupError::from)?,
            };
            let opened = wire::Opened {
                feed_id: self.place.feed_id.to_string(),
                max_batch: self.wish.max_batch as i32,
                start_position: self.place.position,
            };
            self.send(Frame::Opened(opened)).await?;
        }
        let lease = self.server.groups.settings.lease;
        let assignment = wire::Assignment {
            member: self.membership.member.clone(),
            epoch: self.membership.epoch,
            slots: self.share.slots.iter().copied().collect(),
            slot_count: SLOTS,
            lease_duration: prost_types::Duration::try_from(lease).ok(),
        };
        self.send(Frame::Assignment(assignment)).await
    }

    async fn send_events(&mut self, events: Vec<(Arc<WireEvent>, i32)>) -> Step {
        for batch in events.chunks(self.wish.max_batch) {
            let bytes = batch.iter().map(|(event, _)| event.bytes.clone()).collect();
            self.send(Frame::Events(wire::EventBatch { events: bytes })).await?;
            self.told.extend(batch.iter().map(|(event, attempt)| (event.position, *attempt)));
        }
        Ok(())
    }

    /// Sleeps until there may be something to do.
    async fn sleep(&mut self) -> Step {
        let now = clock::to_micros(self.server.groups.clock.now());
        let due = self.next_due.map(|due| Duration::from_micros((due - now).max(1_000).unsigned_abs()));
        let elsewhere = self.server.groups.writer.get_database_backend() != DbBackend::Sqlite;
        let poll = (elsewhere && !self.events.is_empty()).then_some(POLL);
        let silence = self.wish.heartbeat.map(|interval| self.last_frame + interval);
        let until_due = due.into_iter().chain(poll).min().map(|wait| Instant::now() + wait);
        let wake_at = until_due.into_iter().chain(silence).fold(self.next_rebalance, Instant::min);
        tokio::select! {
            () = self.frames.closed() => return Err(End::Gone),
            () = self.wake.notified() => {}
            changed = self.head.changed() => if changed.is_err() { return Err(End::Closing) },
            () = tokio::time::sleep_until(wake_at) => {}
        }
        match silence.is_some_and(|silence| Instant::now() >= silence) {
            true => self.send(Frame::Heartbeat(wire::Heartbeat {})).await,
            false => Ok(()),
        }
    }

    fn response(&self, frame: Frame) -> SubscribeResponse {
        SubscribeResponse {
            cursor: self.place.to_cursor(),
            position: self.place.position,
            head_position: self.place.position.max(*self.head.borrow()),
            server_time: Some(wire_time(self.server.clock.now())),
            frame: Some(frame),
        }
    }

    /// Sends a frame. A member that takes none for as long as an acknowledgement may take loses its slots.
    async fn send(&mut self, frame: Frame) -> Step {
        let (response, frames) = (self.response(frame), self.frames.clone());
        let deadline = Instant::now() + self.wish.ack_timeout;
        loop {
            let renew = self.next_rebalance.max(Instant::now() + POLL);
            let permit = tokio::select! {
                permit = frames.reserve() => Some(permit.map_err(|_| End::Gone)?),
                () = tokio::time::sleep_until(renew.min(deadline)) => None,
            };
            if let Some(permit) = permit {
                permit.send(Ok(response));
                self.last_frame = Instant::now();
                return Ok(());
            }
            if Instant::now() >= deadline {
                return Err(End::Failed(lease_lost().with("epoch", self.membership.epoch)));
            }
            self.renew().await?;
        }
    }

    async fn renew(&mut self) -> Step {
        let groups = &self.server.groups;
        let started = Instant::now();
        let until = clock::to_micros(groups.clock.now()) + micros(groups.settings.lease);
        let renewed = async {
            let tx = WriteTransaction::begin(&groups.writer).await?;
            let renewed = self.membership.renew(&tx, until).await;
            tx.end(renewed).await
        };
        match renewed.await {
            Ok(()) => {
                self.lease_end = started + self.server.groups.settings.lease;
                Ok(())
            }
            Err(GroupError::Store(error)) => self.survive(&error).await,
            Err(error) => Err(error.into()),
        }
    }
}

fn full() -> GroupError {
    GroupError::Refused(parking_full())
}
