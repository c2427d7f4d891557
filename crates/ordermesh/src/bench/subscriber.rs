//! A subscriber of the order feed that counts what it gets and checks that nothing is missing.

use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;

use ordermesh_proto::feed::v1::subscribe_request::Start;
use ordermesh_proto::feed::v1::subscribe_response::Frame;
use ordermesh_proto::feed::v1::until::Bound;
use ordermesh_proto::feed::v1::{SubscribeRequest, SubscribeResponse, Until};
use ordermesh_proto::order::v1::order_event_service_client::OrderEventServiceClient;
use tokio::time::{Instant, sleep_until};
use tonic::Streaming;
use tonic::transport::Endpoint;

use super::BenchError;

/// A frame may hold 10,000 events, which is more than tonic's default.
const MAX_FRAME_BYTES: usize = 64 << 20;
/// Events a frame of a subscriber that takes its time.
const SLOW_BATCH: i32 = 10;

/// Which events to get, and how fast to take them.
#[derive(Debug, Clone, Copy)]
pub(super) enum Pace {
    /// All there are, then end.
    Replay,
    /// New ones, as fast as they come.
    Live,
    /// New ones, so many a second.
    Slow(u32),
}

/// One open subscription on a connection of its own.
pub(super) struct Subscriber {
    frames: Streaming<SubscribeResponse>,
    pace: Pace,
    /// Events that it has got.
    pub events: Arc<AtomicU64>,
}

impl Subscriber {
    /// Subscribes and waits until the stream is open: what is published from now on is seen.
    pub(super) async fn open(url: &str, pace: Pace) -> Result<Self, BenchError> {
        let endpoint =
            Endpoint::from_shared(url.to_owned()).map_err(|error| BenchError::Other(error.to_string()))?;
        let channel = endpoint
            // As our own consumers have it: the default window of 64 KiB would wait for round trips.
            .initial_stream_window_size(1 << 20)
            .initial_connection_window_size(4 << 20)
            .connect()
            .await
            .map_err(|error| BenchError::Other(format!("{url}: {error}")))?;
        let mut client = OrderEventServiceClient::new(channel).max_decoding_message_size(MAX_FRAME_BYTES);
        let request = match pace {
            Pace::Replay => SubscribeRequest {
                until: Some(Until { bound: Some(Bound::CaughtUp(true)) }),
                ..SubscribeRequest::default()
            },
            Pace::Live => {
                SubscribeRequest { start: Some(Start::Latest(true)), ..SubscribeRequest::default() }
            }
            Pace::Slow(_) => SubscribeRequest {
                start: Some(Start::Latest(true)),
                max_batch: SLOW_BATCH,
                ..SubscribeRequest::default()
            },
        };
        let frames = client.subscribe_order_events(request).await?.into_inner();
        let mut subscriber = Self { frames, pace, events: Arc::default() };
        match subscriber.frames.message().await?.and_then(|response| response.frame) {
            Some(Frame::Opened(_)) => Ok(subscriber),
            other => Err(BenchError::Other(format!("a subscription began with {other:?}"))),
        }
    }

    /// Takes events until the stream ends, which only a replay does.
    pub(super) async fn run(mut self) -> Result<u64, BenchError> {
        let (begin, mut count, mut last) = (Instant::now(), 0_u64, None);
        while let Some(response) = self.frames.message().await? {
            let Some(Frame::Events(batch)) = &response.frame else { continue };
            let got = batch.events.len() as u64;
            let first = response.position - batch.events.len() as i64 + 1;
            if last.is_some_and(|last| first != last + 1) {
                return Err(BenchError::Other(format!("after position {last:?} came {first}")));
            }
            last = Some(response.position);
            count += got;
            self.events.store(count, Ordering::Relaxed);
            if let Pace::Slow(rate) = self.pace {
                sleep_until(begin + Duration::from_secs_f64(count as f64 / f64::from(rate))).await;
            }
        }
        match self.pace {
            Pace::Replay => Ok(count),
            Pace::Live | Pace::Slow(_) => Err(BenchError::Other("a live subscription ended".to_owned())),
        }
    }
}
