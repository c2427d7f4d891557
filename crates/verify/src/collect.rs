//! Reads a system: the three feeds up to their heads, and what the servers answer.
//!
//! The feeds are read last: what a server has answered before is in its feed by then, so that an answer which is newer
//! than the feed cannot be.

mod orders;
mod payments;
mod stock;

use ordermesh_proto::feed::v1::subscribe_response::Frame;
use ordermesh_proto::feed::v1::until::Bound;
use ordermesh_proto::feed::v1::{EventEnvelope, SubscribeRequest, SubscribeResponse, Until};
use prost::Message;
use tokio_stream::StreamExt;
use tonic::transport::Channel;
use tonic::{Status, Streaming};

use crate::snapshot::{FeedFault, Snapshot};

/// Bytes of an answer that are accepted.
const MAX_ANSWER_BYTES: usize = 64 << 20;
/// Items a page.
const PAGE: i32 = 200;

/// Where the servers are; all may be one.
#[derive(Debug, Clone)]
pub struct Endpoints {
    /// The order write server.
    pub order_command: Channel,
    /// The order read server.
    pub order_query: Channel,
    /// Inventory.
    pub inventory: Channel,
    /// Payment.
    pub payment: Channel,
}

/// Why a system cannot be read.
#[derive(Debug)]
pub enum CollectError {
    /// A server answered with an error.
    Refused {
        /// What was asked for.
        what: &'static str,
        /// What it answered.
        status: Box<Status>,
    },
    /// A server broke its contract.
    Contract(String),
}

impl std::fmt::Display for CollectError {
    fn fmt(&self, formatter: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match self {
            Self::Refused { what, status } => {
                write!(formatter, "{what}: {:?}: {}", status.code(), status.message())
            }
            Self::Contract(what) => formatter.write_str(what),
        }
    }
}

impl std::error::Error for CollectError {}

fn asking(what: &'static str) -> impl Fn(Status) -> CollectError {
    move |status| CollectError::Refused { what, status: Box::new(status) }
}

/// Reads everything once.
pub async fn collect(endpoints: &Endpoints) -> Result<Snapshot, CollectError> {
    let mut snapshot = Snapshot::default();
    stock::answers(endpoints, &mut snapshot).await?;
    payments::answers(endpoints, &mut snapshot).await?;
    orders::answers(endpoints, &mut snapshot).await?;
    stock::feed(endpoints, &mut snapshot).await?;
    payments::feed(endpoints, &mut snapshot).await?;
    orders::feed(endpoints, &mut snapshot).await?;
    Ok(snapshot)
}

/// Everything that a feed holds now.
fn all_until_now() -> SubscribeRequest {
    let until = Until { bound: Some(Bound::CaughtUp(true)) };
    SubscribeRequest { until: Some(until), ..SubscribeRequest::default() }
}

/// Hands each event of a feed to `take`, in order.
async fn each_event(
    what: &'static str,
    mut stream: Streaming<SubscribeResponse>,
    mut take: impl FnMut(bytes::Bytes) -> Result<(), CollectError>,
) -> Result<(), CollectError> {
    while let Some(response) = stream.next().await {
        if let Some(Frame::Events(batch)) = response.map_err(asking(what))?.frame {
            batch.events.into_iter().try_for_each(&mut take)?;
        }
    }
    Ok(())
}

/// An event, or a fault of its feed when nothing but its envelope can be read.
fn decoded<E: Message + Default>(
    feed: &'static str,
    bytes: bytes::Bytes,
    faults: &mut Vec<FeedFault>,
) -> Result<Option<E>, CollectError> {
    let error = match E::decode(bytes.clone()) {
        Ok(event) => return Ok(Some(event)),
        Err(error) => error,
    };
    let envelope = EventEnvelope::decode(bytes);
    let envelope = envelope
        .map_err(|error| CollectError::Contract(format!("an event of {feed} without envelope: {error}")))?;
    let detail =
        format!("event {} of type {} cannot be decoded: {error}", envelope.position, envelope.r#type);
    faults.push(FeedFault { feed, key: envelope.key, detail });
    Ok(None)
}
