//! A feed as a consumer reads it: opened at a place, gathered into batches.

use bytes::Bytes;
use futures_util::future::FutureExt;
use ordermesh_proto::event_types::FeedEvent;
use ordermesh_proto::feed::v1::subscribe_request::Start;
use ordermesh_proto::feed::v1::subscribe_response::Frame;
use ordermesh_proto::feed::v1::{EventEnvelope, EventFilter, SubscribeRequest, SubscribeResponse};
use prost::Message;
use tokio_stream::StreamExt;
use tonic::Streaming;
use uuid::Uuid;

use super::{ConsumeError, ConsumerSettings, OpenFeed};
use crate::token::LogPosition;

/// An open feed, read in batches.
pub(crate) struct Feed {
    stream: Streaming<SubscribeResponse>,
    feed_id: Option<Uuid>,
    max_batch: usize,
    max_batch_bytes: usize,
}

/// An event as it has arrived.
pub(crate) struct Arrived<E> {
    pub position: i64,
    /// The event, or its envelope and what is wrong with the rest.
    pub event: Result<E, Box<Undecodable>>,
    pub bytes: Bytes,
}

/// An event of which only the envelope can be read.
#[derive(Debug, Clone)]
pub(crate) struct Undecodable {
    pub envelope: EventEnvelope,
    pub reason: String,
}

/// What has arrived from a feed.
pub(crate) struct FeedBatch<E> {
    pub feed_id: Uuid,
    pub events: Vec<Arrived<E>>,
    /// Where the feed stands after the batch: past events that the filter leaves out.
    pub reached: Option<LogPosition>,
    /// The newest position of the log that the feed told.
    pub head: i64,
    /// The feed has ended.
    pub closed: bool,
}

impl<E: FeedEvent> Arrived<E> {
    /// Reads an event. One without a readable envelope has no key to stop, and so stops the consumer.
    fn decode(bytes: Bytes) -> Result<Self, ConsumeError> {
        match E::decode(bytes.clone()) {
            Ok(event) => Ok(Self { position: event.position(), event: Ok(event), bytes }),
            Err(error) => {
                let envelope = envelope(&bytes)?;
                let undecodable = Undecodable { envelope, reason: format!("it cannot be decoded: {error}") };
                let position = undecodable.envelope.position;
                Ok(Self { position, event: Err(Box::new(undecodable)), bytes })
            }
        }
    }
}

/// What every event carries before its payload, whatever is wrong with that.
pub(crate) fn envelope(bytes: &Bytes) -> Result<EventEnvelope, ConsumeError> {
    let envelope = EventEnvelope::decode(bytes.clone());
    let envelope = envelope.map_err(|_| ConsumeError::Contract("an event's envelope cannot be decoded"))?;
    match envelope.position > 0 {
        true => Ok(envelope),
        false => Err(ConsumeError::Contract("an event has no position")),
    }
}

impl Feed {
    /// Opens the feed after `place`, or at its start.
    pub async fn open(
        open: &OpenFeed,
        place: Option<LogPosition>,
        filter: EventFilter,
        settings: &ConsumerSettings,
    ) -> Result<Self, ConsumeError> {
        let request = SubscribeRequest {
            start: place.map(|place| Start::AfterCursor(place.to_cursor())),
            filter: (!is_empty(&filter)).then_some(filter),
            // The contract's bound of a frame; a batch may hold several.
            max_batch: settings.max_batch.clamp(1, 10_000) as i32,
            heartbeat_interval: prost_types::Duration::try_from(settings.silence / 3).ok(),
            ..SubscribeRequest::default()
        };
        let stream = tokio::time::timeout(settings.silence, open(request)).await;
        let stream = stream.map_err(|_| ConsumeError::Silent(settings.silence))??;
        let (max_batch, max_batch_bytes) = (settings.max_batch, settings.max_batch_bytes);
        Ok(Self { stream, feed_id: None, max_batch, max_batch_bytes })
    }

    /// Waits for a frame and takes what else is there already, up to a transaction's fill. May be dropped while it
    /// waits: nothing is lost then.
    pub async fn next_batch<E: FeedEvent>(&mut self) -> Result<FeedBatch<E>, ConsumeError> {
        let (mut events, mut head, mut bytes, mut cursor) = (Vec::new(), 0, 0, String::new());
        let mut closed;
        let mut frame = self.stream.next().await;
        loop {
            match frame.transpose()? {
                None => closed = true,
                Some(mut response) => {
                    head = response.head_position;
                    cursor = std::mem::take(&mut response.cursor);
                    bytes += response.encoded_len();
                    closed = self.take_frame(response, &mut events)?;
                }
            }
            if closed || events.len() >= self.max_batch || bytes >= self.max_batch_bytes {
                break;
            }
            match self.stream.next().now_or_never() {
                Some(next) => frame = next,
                None => break,
            }
        }
        let feed_id = self.feed_id.ok_or(ConsumeError::Contract("it did not begin with opened"))?;
        let reached = match cursor.is_empty() {
            true => None,
            false => Some(
                LogPosition::from_cursor(&cursor)
                    .map_err(|_| ConsumeError::Contract("a cursor of its own cannot be read"))?,
            ),
        };
        Ok(FeedBatch { feed_id, events, reached, head, closed })
    }

    /// True when the frame ends the feed.
    fn take_frame<E: FeedEvent>(
        &mut self,
        response: SubscribeResponse,
        events: &mut Vec<Arrived<E>>,
    ) -> Result<bool, ConsumeError> {
        match response.frame {
            Some(Frame::Opened(opened)) => {
                let feed_id = Uuid::parse_str(&opened.feed_id)
                    .map_err(|_| ConsumeError::Contract("the feed id is no UUID"))?;
                self.feed_id = Some(feed_id);
            }
            Some(Frame::Events(batch)) => {
                events.reserve(batch.events.len());
                for bytes in batch.events {
                    events.push(Arrived::decode(bytes)?);
                }
            }
            Some(Frame::Closing(_)) => return Ok(true),
            // Frames that only tell progress, and kinds that a newer server may send.
            _ => {}
        }
        Ok(false)
    }
}

/// Passes all events.
pub(crate) fn is_empty(filter: &EventFilter) -> bool {
    filter.types.is_empty() && filter.keys.is_empty()
}
