//! The consumer runtime: events of a feed in, effect and checkpoint in one transaction.
//!
//! A context writes a [`Handler`]: which events it wants, and what to do with them. Here is the rest: open the feed
//! at the checkpoint, gather what has arrived into batches, skip what is done already, try again, set aside what makes
//! no sense, reconnect for ever. Because the checkpoint moves only from where it was found, in the transaction of the
//! effect, every event has its effect exactly once, whatever is killed when and however many replicas run.
//!
//! # Layout
//! - [`Handler`], [`Delivery`], [`HandlerError`]: what a context writes
//! - [`Consumer`]: the runtime of one handler; [`ConsumerSettings`]: its bounds
//! - [`Progress`], [`BlockedKeys`]: how far it is, and which keys are stopped
//! - `follow`: the loops of the active replica, with `report`; `stand_by`: those of the others
//! - `apply`: a batch; `work`: which part of it is set aside; `retry`: the parked events again
//! - [`PeerFeed`]: the feed of another context, by its generated client
//! - `checkpoint`, `inbox`, `lease`, `parked`: its tables, beside those of the [`crate::parking`]
//! - [`ConsumerServer`]: the operators' service

mod apply;
pub(crate) mod checkpoint;
mod control;
mod error;
pub(crate) mod feed;
mod follow;
mod handler;
pub(crate) mod inbox;
pub(crate) mod lease;
pub(crate) mod parked;
mod peer;
mod progress;
mod report;
mod retry;
mod server;
mod settings;
mod stand_by;
mod work;

use std::sync::Arc;

use bytes::Bytes;
use futures_util::future::BoxFuture;
use ordermesh_kernel::{Clock, EventId};
use ordermesh_proto::feed::v1::{SubscribeRequest, SubscribeResponse};
use sea_orm::{DatabaseConnection, DbErr};
use tokio::sync::{Mutex, Notify, watch};
use tonic::{Status, Streaming};
use uuid::Uuid;

use crate::event::kernel_time;
use crate::parking::Parking;
use crate::store::PatientConnection;
use crate::token::LogPosition;

pub use control::{ConsumerControl, ControlError};
pub(crate) use error::ConsumeError;
pub(crate) use feed::Feed;
pub use handler::{Delivery, Handler, HandlerError};
pub use peer::{MAX_FRAME_BYTES, PeerFeed};
pub use progress::{BlockedKeys, Progress};
pub use server::ConsumerServer;
pub use settings::ConsumerSettings;

/// Opens a context's feed.
pub type OpenFeed = Arc<
    dyn Fn(SubscribeRequest) -> BoxFuture<'static, Result<Streaming<SubscribeResponse>, Status>>
        + Send
        + Sync,
>;

/// Tells a context's feed a cursor up to which the consumer needs nothing any more.
pub type ReportCheckpoint = Arc<dyn Fn(String) -> BoxFuture<'static, Result<(), Status>> + Send + Sync>;

/// Keeps one handler up with its feed.
pub struct Consumer<H: Handler> {
    pub(crate) handler: H,
    /// Connections that write.
    pub(crate) db: PatientConnection,
    pub(crate) open: OpenFeed,
    report: Option<ReportCheckpoint>,
    pub(crate) clock: Arc<dyn Clock>,
    pub(crate) settings: ConsumerSettings,
    progress: watch::Sender<Progress>,
    /// The newest place that is stored; the feed's start when it is known that none is.
    stored: watch::Sender<Option<LogPosition>>,
    blocked: BlockedKeys,
    /// The parking has changed.
    wake: Notify,
    /// Held from reading what is parked until it is told, so that nobody tells what is older.
    looking: Mutex<()>,
    /// Another replica works.
    standing_by: Notify,
    /// The place that the feed has refused as of another history, and its words.
    foreign: std::sync::Mutex<Option<(LogPosition, String)>>,
    /// Who holds the lease.
    holder: Uuid,
    /// Differs among consumers and replicas, for waits that shall differ too.
    seed: String,
}

impl<H: Handler> Consumer<H> {
    /// A consumer that stands where its checkpoint stands.
    pub async fn new(
        handler: H,
        db: DatabaseConnection,
        open: OpenFeed,
        clock: Arc<dyn Clock>,
        settings: ConsumerSettings,
    ) -> Result<Self, DbErr> {
        let db = PatientConnection::new(db, settings.patience);
        let place = checkpoint::load(&db, handler.name()).await?;
        let blocked = BlockedKeys::default();
        blocked.set(Parking::of(handler.name()).reasons(&db).await?);
        let head = place.map_or(0, |place| place.position);
        let progress = watch::Sender::new(Progress { place, head, ..Progress::default() });
        let holder = *EventId::new_v7(clock.now()).as_uuid();
        let seed = format!("{} {holder}", handler.name());
        Ok(Self {
            handler,
            db,
            open,
            report: None,
            clock,
            settings,
            progress,
            stored: watch::Sender::new(place),
            blocked,
            wake: Notify::new(),
            looking: Mutex::default(),
            standing_by: Notify::new(),
            foreign: std::sync::Mutex::default(),
            holder,
            seed,
        })
    }

    /// Tells the feed how far the consumer has come, so that a truncation of the log spares what it still needs.
    #[must_use]
    pub fn reporting(mut self, report: ReportCheckpoint) -> Self {
        self.report = Some(report);
        self
    }

    /// How far the consumer has come, and a way to wait for more.
    pub fn progress(&self) -> watch::Receiver<Progress> {
        self.progress.subscribe()
    }

    /// The keys that are stopped.
    pub fn blocked(&self) -> BlockedKeys {
        self.blocked.clone()
    }

    pub(crate) fn name(&self) -> &'static str {
        self.handler.name()
    }

    pub(crate) fn parking(&self) -> Parking {
        Parking::of(self.name())
    }

    /// Looks which keys are stopped. After each commit that changed it: who looks last has seen all.
    pub(crate) async fn look_at_parking(&self) -> Result<(), DbErr> {
        let _looking = self.looking.lock().await;
        self.blocked.set(self.parking().reasons(&self.db).await?);
        Ok(())
    }

    /// Tells that the consumer is done with all up to `place`. Never goes back: a rebuild and the live run tell after
    /// they have committed, and so perhaps in the other order.
    pub(crate) fn moved_to(&self, place: LogPosition) {
        self.progress.send_modify(|progress| {
            // Another history has positions of its own.
            if progress.diverged {
                progress.start_over();
            }
            let newer =
                |known: LogPosition| known.feed_id != place.feed_id || known.position < place.position;
            if progress.place.is_none_or(newer) {
                progress.place = Some(place);
            }
            progress.head = progress.head.max(place.position);
        });
    }

    /// The place stands in the database.
    pub(crate) fn stored(&self, place: LogPosition) {
        self.stored.send_replace(Some(place));
    }

    /// The newest event that was handled, for the lag in time.
    fn saw(&self, newest: Option<&Bytes>) {
        let envelope = newest.and_then(|bytes| feed::envelope(bytes).ok());
        let recorded = envelope.and_then(|envelope| kernel_time(&envelope.recorded_time?));
        if recorded.is_some() {
            self.progress.send_modify(|progress| progress.newest = recorded);
        }
    }
}
