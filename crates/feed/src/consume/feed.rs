//! A feed as a consumer reads it: opened at a place, gathered into batches.

use futures_util::future::FutureExt;
use ordermesh_proto::event_types::FeedEvent;
use ordermesh_proto::feed::v1::subscribe_request::Start;
use ordermesh_proto::feed::v1::subscribe_response::Frame;
use ordermesh_proto::feed::v1::{SubscribeRequest, SubscribeResponse};
use prost::Message;
use tokio_stream::StreamExt;
use tonic::Streaming;
use uuid::Uuid;

use super::{ConsumeError, OpenFeed};
use crate::token::LogPosition;

/// Events a transaction takes at most.
const MAX_BATCH: usize = 1000;
/// Bytes of events that a transaction takes at most, but for its last frame.
const MAX_BATCH_BYTES: usize = 4 << 20;
/// An open feed, read in batches.
pub(crate) struct Feed {
    stream: Streaming<SubscribeResponse>,
    feed_id: Option<Uuid>,
}

/// What has arrived from a feed.
pub(crate) struct FeedBatch<E> {
    pub feed_id: Uuid,
    pub events: Vec<E>,
    /// The newest position of the log that the feed told.
    pub head: i64,
    /// The feed has ended.
    pub closed: bool,
}

impl Feed {
    /// Opens the feed after `place`, or at its start.
    pub async fn open(open: &OpenFeed, place: Option<LogPosition>) -> Result<Self, ConsumeError> {
        let start = place.map(|place| Start::AfterCursor(place.to_cursor()));
        let request = SubscribeRequest { start, max_batch: MAX_BATCH as i32, ..SubscribeRequest::default() };
        Ok(Self { stream: open(request).await?, feed_id: None })
    }

    /// Waits for a frame and takes what else is there already, up to a transaction's fill.
    pub async fn next_batch<E: FeedEvent>(&mut self) -> Result<FeedBatch<E>, ConsumeError> {
        let (mut events, mut head, mut bytes) = (Vec::new(), 0, 0);
        let mut closed;
        let mut frame = self.stream.next().await;
        loop {
            match frame.transpose()? {
                None => closed = true,
                Some(response) => {
                    head = response.head_position;
                    bytes += response.encoded_len();
                    closed = self.take_frame(response, &mut events)?;
                }
            }
            if closed || events.len() >= MAX_BATCH || bytes >= MAX_BATCH_BYTES {
                break;
            }
            match self.stream.next().now_or_never() {
                Some(next) => frame = next,
                None => break,
            }
        }
        match (self.feed_id, closed) {
            (Some(feed_id), _) => Ok(FeedBatch { feed_id, events, head, closed }),
            (None, _) => Err(ConsumeError::Contract("it did not begin with opened")),
        }
    }

    /// True when the frame ends the feed.
    fn take_frame<E: FeedEvent>(
        &mut self,
        response: SubscribeResponse,
        events: &mut Vec<E>,
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
                    events.push(E::decode(bytes)?);
                }
            }
            Some(Frame::Closing(_)) => return Ok(true),
            // Frames that only tell progress, and kinds that a newer server may send.
            _ => {}
        }
        Ok(false)
    }
}
