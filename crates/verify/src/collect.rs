//! Reads a system: the three feeds up to their heads, and what the servers answer.
//!
//! The feeds are read last: what a server has answered before is in its feed by then, so that an answer which is newer
//! than the feed cannot be. Only the stock is read once more behind its feed, to know what stood still.

mod orders;
mod payments;
mod stock;

use std::time::Duration;

use ordermesh_proto::feed::v1::subscribe_request::Start;
use ordermesh_proto::feed::v1::subscribe_response::Frame;
use ordermesh_proto::feed::v1::until::Bound;
use ordermesh_proto::feed::v1::{EventEnvelope, SubscribeRequest, SubscribeResponse, Until};
use prost::Message;
use tokio_stream::{Stream, StreamExt};
use tonic::transport::Channel;
use tonic::{Code, Response, Status};

use crate::snapshot::{FeedFault, Snapshot};

/// Bytes of an answer that are accepted.
const MAX_ANSWER_BYTES: usize = 64 << 20;
/// Items a page.
const PAGE: i32 = 200;
/// How often a server that cannot answer now is asked, and the time in between.
const TRIES: usize = 10;
const PAUSE: Duration = Duration::from_millis(200);
/// Streams of a feed that may end early one after the other, without an event in between.
const MAX_CUT_SHORT: usize = 5;

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

/// What a server answers. One that is away for a moment, or busier than it can read, is asked again.
async fn answer<T, F>(what: &'static str, mut ask: impl FnMut() -> F) -> Result<T, CollectError>
where
    F: Future<Output = Result<Response<T>, Status>>,
{
    for _ in 1..TRIES {
        match ask().await {
            Err(status) if status.code() == Code::Unavailable => tokio::time::sleep(PAUSE).await,
            answer => return answer.map(Response::into_inner).map_err(asking(what)),
        }
    }
    ask().await.map(Response::into_inner).map_err(asking(what))
}

/// Asks for page after page, each by the token that `take` gives for it: none behind the last.
async fn each_page<T, F>(
    what: &'static str,
    mut ask: impl FnMut(String) -> F,
    mut take: impl FnMut(T) -> String,
) -> Result<(), CollectError>
where
    F: Future<Output = Result<Response<T>, Status>>,
{
    let mut page_token = String::new();
    loop {
        page_token = take(answer(what, || ask(page_token.clone())).await?);
        if page_token.is_empty() {
            return Ok(());
        }
    }
}

/// Reads everything once.
pub async fn collect(endpoints: &Endpoints) -> Result<Snapshot, CollectError> {
    let mut snapshot = Snapshot::default();
    // What changes before the second reading of the stock does not fit what is read in between.
    let before = stock::items(endpoints).await?;
    stock::reservations(endpoints, &mut snapshot).await?;
    payments::answers(endpoints, &mut snapshot).await?;
    orders::answers(endpoints, &mut snapshot).await?;
    let from_the_first = stock::feed(endpoints, &mut snapshot).await?;
    stock::settle(&before, stock::items(endpoints).await?, from_the_first.as_ref(), &mut snapshot);
    payments::feed(endpoints, &mut snapshot).await?;
    orders::feed(endpoints, &mut snapshot).await?;
    Ok(snapshot)
}

/// Everything that a feed holds now, from a cursor on if there is one.
fn all_until_now(cursor: &str) -> SubscribeRequest {
    let start = (!cursor.is_empty()).then(|| Start::AfterCursor(cursor.to_owned()));
    let until = Until { bound: Some(Bound::CaughtUp(true)) };
    SubscribeRequest { start, until: Some(until), ..SubscribeRequest::default() }
}

/// What a feed says about itself.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
struct Reading {
    /// Its first events are gone.
    truncated: bool,
    /// What its server's clock showed last, in seconds since 1970.
    time: i64,
}

/// Hands each event of a feed to `take`, in order, up to the newest one. A server may end a stream before, when it shuts
/// down or has had it for long: what came until then is a part, and the rest is asked for.
async fn each_event<S, F>(
    what: &'static str,
    mut open: impl FnMut(SubscribeRequest) -> F,
    mut take: impl FnMut(bytes::Bytes) -> Result<(), CollectError>,
) -> Result<Reading, CollectError>
where
    S: Stream<Item = Result<SubscribeResponse, Status>> + Unpin,
    F: Future<Output = Result<S, Status>>,
{
    let (mut reading, mut cursor, mut cut_short) = (Reading::default(), String::new(), 0);
    while cut_short < MAX_CUT_SHORT {
        let mut stream = open(all_until_now(&cursor)).await.map_err(asking(what))?;
        cut_short += 1;
        while let Some(response) = stream.next().await {
            let response = response.map_err(asking(what))?;
            reading.time = response.server_time.map_or(reading.time, |time| time.seconds);
            match response.frame {
                Some(Frame::Opened(opened)) if cursor.is_empty() => {
                    reading.truncated = opened.start_position > 0;
                }
                Some(Frame::Events(batch)) => {
                    cut_short = 0;
                    batch.events.into_iter().try_for_each(&mut take)?;
                }
                Some(Frame::CaughtUp(_)) => return Ok(reading),
                _ => {}
            }
            cursor = response.cursor;
        }
    }
    Err(CollectError::Contract(format!(
        "{what} has ended {MAX_CUT_SHORT} times before it had told everything"
    )))
}

/// An event, or a fault of its feed when nothing but its envelope can be read.
fn decoded<E: Message + Default>(
    feed: &'static str,
    bytes: bytes::Bytes,
    snapshot: &mut Snapshot,
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
    snapshot.heard(feed, envelope.position, &envelope.key);
    snapshot.feed_faults.push(FeedFault { feed, key: envelope.key, detail });
    Ok(None)
}

#[cfg(test)]
mod tests;
