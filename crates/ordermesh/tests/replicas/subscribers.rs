//! A subscriber who is killed again and again, and goes on at any replica where its stored cursor says.

use std::time::Duration;

use ordermesh_proto::feed::v1::subscribe_request::Start;
use ordermesh_proto::feed::v1::subscribe_response::Frame;
use ordermesh_proto::feed::v1::until::Bound;
use ordermesh_proto::feed::v1::{SubscribeRequest, SubscribeResponse};
use ordermesh_proto::order::v1::OrderEvent;
use ordermesh_testkit::feed::until;
use ordermesh_testkit::history::{Filter, Seen, Session, Subscriber};
use ordermesh_testkit::random::Random;
use ordermesh_testkit::{client, problem};
use prost::Message;
use tokio::sync::watch;
use tonic::{Code, Status, Streaming};

use crate::Shop;

const BACK_OFF: Duration = Duration::from_millis(20);
/// A stream that says nothing for so long is left; nobody knows whether its server is still there.
const PATIENCE: Duration = Duration::from_secs(3);
/// A subscriber is killed after at most so many frames.
const FRAMES: u64 = 200;

/// What survives a kill: effects and cursor, always changed together.
#[derive(Debug, Default)]
struct Store {
    effects: Vec<String>,
    cursor: Option<String>,
    position: i64,
}

/// Follows to the log's end, which is known once nobody writes any more.
pub async fn follow(filter: Filter, mut random: Random, shop: watch::Receiver<Shop>) -> Subscriber {
    let (mut store, mut sessions) = (Store::default(), Vec::new());
    loop {
        let (addresses, end) = {
            let shop = shop.borrow();
            (shop.addresses.clone(), shop.end)
        };
        if end.is_some_and(|end| store.position >= end) {
            break;
        }
        let address = &addresses[random.below(addresses.len() as u64) as usize];
        let request = SubscribeRequest {
            start: store.cursor.clone().map(Start::AfterCursor),
            until: end.and_then(|end| until(Bound::Position(end))),
            ..filter.request()
        };
        // At the end nobody is killed any more.
        let frames = if end.is_some() { u64::MAX } else { 1 + random.below(FRAMES) };
        match client::events(address).subscribe_order_events(request).await {
            Ok(stream) => sessions.push(session(stream.into_inner(), &mut store, frames).await),
            Err(status) => {
                may_be_refused(&status);
                ordermesh_testkit::wait::pause(BACK_OFF).await;
            }
        }
    }
    Subscriber { name: format!("{filter:?}"), filter, sessions, effects: store.effects }
}

/// Panics at any refusal but of a server that is away, or whose database is: above all nobody's place is in doubt.
fn may_be_refused(status: &Status) {
    if let Ok(refusal) = problem(status) {
        assert_eq!(refusal.code, Code::Unavailable, "a subscriber was refused: {status:?}");
    }
}

/// Reads so many frames or until the stream breaks; the last one is read and not stored, as if the kill came between.
async fn session(mut stream: Streaming<SubscribeResponse>, store: &mut Store, frames: u64) -> Session {
    let mut session = Session { after: store.position, upto: store.position, ..Session::default() };
    for number in 1..=frames {
        let frame = match tokio::time::timeout(PATIENCE, stream.message()).await {
            Ok(Ok(Some(frame))) => frame,
            Ok(Err(status)) => {
                may_be_refused(&status);
                break;
            }
            Ok(Ok(None)) | Err(_) => break,
        };
        let seen = events(&frame);
        session.upto = frame.position;
        session.seen.extend(seen.iter().cloned());
        if number < frames {
            store.effects.extend(seen.into_iter().map(|seen| seen.event_id));
            store.position = frame.position;
            store.cursor = Some(frame.cursor);
        }
    }
    session.stored = store.position;
    session
}

fn events(frame: &SubscribeResponse) -> Vec<Seen> {
    let Some(Frame::Events(batch)) = &frame.frame else { return Vec::new() };
    let decoded = batch.events.iter().map(|bytes| OrderEvent::decode(bytes.clone()).unwrap());
    let seen = |event: OrderEvent| Seen {
        position: event.position,
        event_id: event.event_id,
        kind: event.r#type,
        key: event.key,
        key_revision: event.key_revision,
    };
    decoded.map(seen).collect()
}
