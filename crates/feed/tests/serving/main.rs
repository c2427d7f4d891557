//! A feed server over a log that others write to: what it knows late, what it cannot read, what it holds.
#![expect(clippy::unwrap_used, reason = "a test may panic, and its helpers too")]

mod groups;
mod replicas;

use futures_util::StreamExt;
use ordermesh_feed::serve::Frames;
use ordermesh_proto::feed::v1::subscribe_response::Frame;
use ordermesh_proto::feed::v1::{EventEnvelope, SubscribeResponse};
use ordermesh_testkit::wait::soon;
use prost::Message;
use tonic::Status;

async fn next(stream: &mut Frames) -> Result<SubscribeResponse, Status> {
    soon("a frame", stream.next()).await.unwrap()
}

/// The events of a frame; none when it has others to say.
fn events(frame: &SubscribeResponse) -> Vec<EventEnvelope> {
    let Some(Frame::Events(batch)) = &frame.frame else { return Vec::new() };
    batch.events.iter().map(|event| EventEnvelope::decode(event.clone()).unwrap()).collect()
}
