//! A feed that says what the test wants, in the frames of the contract.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};
use std::time::Duration;

use bytes::Bytes;
use futures_util::{FutureExt, StreamExt, stream};
use ordermesh_feed::consume::OpenFeed;
use ordermesh_feed::token::LogPosition;
use ordermesh_kernel::EventId;
use ordermesh_proto::codec::Codec as FeedCodec;
use ordermesh_proto::error::Problem;
use ordermesh_proto::feed::v1::subscribe_request::Start;
use ordermesh_proto::feed::v1::subscribe_response::Frame;
use ordermesh_proto::feed::v1::{
    Checkpoint, EventBatch, FeedErrorReason, Heartbeat, Opened, SubscribeRequest, SubscribeResponse,
};
use ordermesh_proto::order::v1::order_event::Payload;
use ordermesh_proto::order::v1::{OrderCancelled, OrderEvent};
use prost::Message;
use tokio::sync::watch;
use tokio::time::timeout;
use tonic::codec::{Codec, EncodeBody};
use tonic::{Code, Status, Streaming};
use uuid::Uuid;

#[derive(Debug, Clone)]
struct Entry {
    position: i64,
    kind: String,
    bytes: Bytes,
}

/// A log that the test writes.
#[derive(Clone)]
pub struct ScriptedFeed {
    pub id: Uuid,
    log: watch::Sender<Vec<Entry>>,
    opened: Arc<AtomicUsize>,
    /// It says nothing, whoever opens it and has it open.
    silent: watch::Sender<bool>,
    /// It has another history than those who come with a cursor.
    restored: Arc<AtomicBool>,
}

impl ScriptedFeed {
    pub fn new() -> Self {
        let (id, log) = (Uuid::from_u128(0xfeed), watch::Sender::new(Vec::new()));
        let silent = watch::Sender::new(false);
        Self { id, log, opened: Arc::default(), silent, restored: Arc::default() }
    }

    /// Appends an event of each key, in this order.
    pub fn append(&self, keys: &[&str]) {
        for key in keys {
            self.append_as("OrderCancelled", key);
        }
    }

    pub fn append_as(&self, kind: &str, key: &str) {
        self.write(self.next(), kind, key, None);
    }

    /// Appends an event whose payload no client can read.
    pub fn append_garbage(&self, key: &str) {
        self.write(self.next(), "OrderCancelled", key, Some(&[0xA2, 0x01, 0x02, 0xff, 0xff]));
    }

    /// Leaves a position out.
    pub fn skip_one(&self, key: &str) {
        self.write(self.next() + 1, "OrderCancelled", key, None);
    }

    pub fn next(&self) -> i64 {
        self.log.borrow().last().map_or(1, |last| last.position + 1)
    }

    /// How often it was opened.
    pub fn opened(&self) -> usize {
        self.opened.load(Ordering::SeqCst)
    }

    /// Whether it says nothing any more.
    pub fn fall_silent(&self, silent: bool) {
        self.silent.send_replace(silent);
    }

    /// Whether it refuses cursors as of another history; who reads already is not disturbed.
    pub fn restored(&self, restored: bool) {
        self.restored.store(restored, Ordering::SeqCst);
    }

    fn write(&self, position: i64, kind: &str, key: &str, garbage: Option<&[u8]>) {
        let payload = OrderCancelled { order_id: key.to_owned(), ..OrderCancelled::default() };
        let event = OrderEvent {
            position,
            event_id: event_id(position).to_string(),
            r#type: kind.to_owned(),
            schema_version: 1,
            key: key.to_owned(),
            recorded_time: Some(prost_types::Timestamp { seconds: 1_800_000_000, nanos: 0 }),
            payload: garbage.is_none().then_some(Payload::OrderCancelled(payload)),
            ..OrderEvent::default()
        };
        let mut bytes = event.encode_to_vec();
        bytes.extend_from_slice(garbage.unwrap_or_default());
        let entry = Entry { position, kind: kind.to_owned(), bytes: bytes.into() };
        self.log.send_modify(|log| log.push(entry));
    }

    /// How a consumer opens it.
    pub fn open(&self) -> OpenFeed {
        let feed = self.clone();
        Arc::new(move |request| {
            let feed = feed.clone();
            feed.opened.fetch_add(1, Ordering::SeqCst);
            async move {
                feed.speaks().await;
                feed.subscribe(request)
            }
            .boxed()
        })
    }

    async fn speaks(&self) {
        // The sender lives as long as this.
        let _ = self.silent.subscribe().wait_for(|silent| !silent).await;
    }

    fn subscribe(&self, request: SubscribeRequest) -> Result<Streaming<SubscribeResponse>, Status> {
        let after = match request.start {
            Some(Start::AfterCursor(_)) if self.restored.load(Ordering::SeqCst) => {
                let message = "another event stands there";
                let reason = FeedErrorReason::FeedDiverged;
                return Err(Problem::new(Code::FailedPrecondition, reason, message).into());
            }
            Some(Start::AfterCursor(cursor)) => LogPosition::from_cursor(&cursor)?.position,
            _ => 0,
        };
        let most = usize::try_from(request.max_batch).unwrap().max(1);
        let types = request.filter.map(|filter| filter.types).unwrap_or_default();
        let beat = request.heartbeat_interval.and_then(|interval| Duration::try_from(interval).ok());
        let opened = Frame::Opened(Opened { feed_id: self.id.to_string(), ..Opened::default() });
        let opened = self.frame(after, opened);
        let frames =
            stream::unfold((self.clone(), self.log.subscribe(), after), move |(feed, mut log, told)| {
                let types = types.clone();
                async move {
                    let news = log.wait_for(|log| log.last().is_some_and(|last| last.position > told));
                    let news = match beat {
                        Some(interval) => timeout(interval, news).await,
                        None => Ok(news.await),
                    };
                    let news = news.map(|news| news.map(|news| news.clone()));
                    feed.speaks().await;
                    let Ok(news) = news else {
                        let beat = feed.frame(told, Frame::Heartbeat(Heartbeat {}));
                        return Some((beat, (feed, log, told)));
                    };
                    let news = news.ok()?.into_iter().filter(|entry| entry.position > told);
                    let news: Vec<_> = news.take(most).collect();
                    let last = news.last()?.position;
                    let passes = |entry: &Entry| types.is_empty() || types.contains(&entry.kind);
                    let events: Vec<_> = news.into_iter().filter(passes).map(|entry| entry.bytes).collect();
                    let frame = match events.is_empty() {
                        true => Frame::Checkpoint(Checkpoint {}),
                        false => Frame::Events(EventBatch { events }),
                    };
                    Some((feed.frame(last, frame), (feed, log, last)))
                }
            });
        let frames = stream::once(async { opened }).chain(frames).map(Ok::<_, Status>);
        let mut codec = FeedCodec::<SubscribeResponse, SubscribeResponse>::default();
        let body = EncodeBody::new_client(codec.encoder(), Box::pin(frames), None, None);
        Ok(Streaming::new_request(codec.decoder(), body, None, None))
    }

    fn frame(&self, position: i64, frame: Frame) -> SubscribeResponse {
        let event_id = (position > 0).then(|| event_id(position));
        SubscribeResponse {
            cursor: LogPosition { feed_id: self.id, position, event_id }.to_cursor(),
            position,
            head_position: self.next() - 1,
            frame: Some(frame),
            ..SubscribeResponse::default()
        }
    }
}

/// The id of the event at a position.
pub fn event_id(position: i64) -> EventId {
    EventId::from(Uuid::from_u128(position as u128))
}
