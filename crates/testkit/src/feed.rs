//! Reads the order feed: to its end, or frame by frame along with it.

use ordermesh_proto::feed::v1::subscribe_request::Start;
use ordermesh_proto::feed::v1::subscribe_response::Frame;
use ordermesh_proto::feed::v1::until::Bound;
use ordermesh_proto::feed::v1::{ClosingReason, SubscribeRequest, SubscribeResponse, Until};
use ordermesh_proto::order::v1::OrderEvent;
use ordermesh_proto::order::v1::order_event_service_client::OrderEventServiceClient;
use prost::Message;
use sha2::{Digest, Sha256};
use tonic::transport::Channel;
use tonic::{Status, Streaming};

use crate::wait::soon;

/// The feed's client.
pub type Events = OrderEventServiceClient<Channel>;

/// What shards and slots are made of: the first eight bytes, big endian, of SHA-256: written down in the contract, so computed here on its own.
pub fn key_hash(key: &str) -> u64 {
    let digest = Sha256::digest(key);
    digest.iter().take(8).fold(0, |hash, byte| hash << 8 | u64::from(*byte))
}

/// Everything that the log holds now.
pub async fn read_feed(client: &mut Events) -> Vec<OrderEvent> {
    read(client, SubscribeRequest::default()).await
}

/// What a request passes of all that the log holds now; the request's own `until` is replaced.
pub async fn read(client: &mut Events, request: SubscribeRequest) -> Vec<OrderEvent> {
    let request = SubscribeRequest { until: until(Bound::CaughtUp(true)), ..request };
    let mut subscription = Subscription::open(client, request).await.expect("the feed can be read");
    subscription.read_to_end().await;
    subscription.events
}

/// `until` of a request.
pub fn until(bound: Bound) -> Option<Until> {
    Some(Until { bound: Some(bound) })
}

/// A request that starts after a cursor.
pub fn after(cursor: &str) -> SubscribeRequest {
    SubscribeRequest { start: Some(Start::AfterCursor(cursor.to_owned())), ..SubscribeRequest::default() }
}

/// An open stream and what came of it so far.
#[derive(Debug)]
pub struct Subscription {
    stream: Streaming<SubscribeResponse>,
    /// All events so far.
    pub events: Vec<OrderEvent>,
    /// All frames so far.
    pub frames: Vec<SubscribeResponse>,
    /// The newest frame's cursor.
    pub cursor: String,
}

impl Subscription {
    /// Opens a stream; `opened` is not read yet.
    pub async fn open(client: &mut Events, request: SubscribeRequest) -> Result<Self, Status> {
        let stream =
            soon("the opening of a stream", client.subscribe_order_events(request)).await?.into_inner();
        Ok(Self { stream, events: Vec::new(), frames: Vec::new(), cursor: String::new() })
    }

    /// The next frame; none when the stream has ended.
    pub async fn next(&mut self) -> Result<Option<Frame>, Status> {
        let Some(response) = soon("the next frame", self.stream.message()).await? else { return Ok(None) };
        let frame = response.frame.clone();
        if let Some(Frame::Events(batch)) = &frame {
            let decode = |bytes: &prost::bytes::Bytes| OrderEvent::decode(bytes.clone());
            let events = batch.events.iter().map(decode).collect::<Result<Vec<_>, _>>();
            self.events.extend(events.expect("an event of the order feed is an OrderEvent"));
        }
        self.cursor.clone_from(&response.cursor);
        self.frames.push(response);
        Ok(Some(frame.expect("every frame says something")))
    }

    /// Reads until a frame fits; panics when the stream ends before.
    pub async fn read_until(&mut self, what: &str, fits: impl Fn(&Frame) -> bool) -> Frame {
        loop {
            match self.next().await {
                Ok(Some(frame)) if fits(&frame) => return frame,
                Ok(Some(_)) => {}
                end => panic!("the stream ended before {what}: {end:?} after {:#?}", self.frames.last()),
            }
        }
    }

    /// Reads until there are so many events.
    pub async fn read_events(&mut self, count: usize) {
        while self.events.len() < count {
            self.read_until("an event", |frame| matches!(frame, Frame::Events(_))).await;
        }
    }

    /// Reads until the stream ends, with `closing` as its last frame, and gives the reason.
    pub async fn read_to_end(&mut self) -> ClosingReason {
        let closing = self.read_until("closing", |frame| matches!(frame, Frame::Closing(_))).await;
        let end = self.next().await;
        assert!(matches!(end, Ok(None)), "nothing comes after closing, but there was {end:?}");
        let Frame::Closing(closing) = closing else { unreachable!("that is what was waited for") };
        closing.reason()
    }

    /// Positions of all events so far.
    pub fn positions(&self) -> Vec<i64> {
        self.events.iter().map(|event| event.position).collect()
    }
}
