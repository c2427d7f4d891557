//! What goes into a member's stream, and what happens while it does not fit.

use std::sync::Arc;

use ordermesh_kernel::clock;
use ordermesh_proto::feed::v1::subscribe_response::Frame;
use ordermesh_proto::feed::v1::{self as wire, SubscribeResponse};
use tokio::time::Instant;

use super::{End, POLL, Step, Stream};
use crate::event::{WireEvent, wire_time};
use crate::group::plan::{SLOTS, micros};
use crate::group::{GroupError, lease_lost};
use crate::log::PAGE_BYTES;
use crate::serve::Left;

impl Stream {
    /// Where the log stands for the member when its stream opens.
    pub(super) async fn find_place(&mut self) -> Result<(), GroupError> {
        if self.assigned.is_none() {
            let position = self.slots.values().min().copied().unwrap_or(0);
            self.place.event_id = match position {
                0 => None,
                position => self.server.source.event_id_at(position).await?,
            };
            self.place.position = position;
        }
        Ok(())
    }

    pub(super) async fn tell_assignment(&mut self) -> Step {
        if self.assigned.as_ref() == Some(&self.share.slots) {
            return Ok(());
        }
        let first = self.assigned.replace(self.share.slots.clone()).is_none();
        if first {
            let opened = wire::Opened {
                feed_id: self.place.feed_id.to_string(),
                max_batch: self.wish.max_batch as i32,
                start_position: self.place.position,
            };
            self.send(Frame::Opened(opened)).await?;
        }
        let lease = self.server.groups.settings.lease;
        let assignment = wire::Assignment {
            member: self.membership.member.clone(),
            epoch: self.membership.epoch,
            slots: self.share.slots.iter().copied().collect(),
            slot_count: SLOTS,
            lease_duration: prost_types::Duration::try_from(lease).ok(),
        };
        self.send(Frame::Assignment(assignment)).await
    }

    pub(super) async fn send_events(&mut self, events: Vec<(Arc<WireEvent>, i32)>) -> Step {
        let mut rest = events.as_slice();
        while !rest.is_empty() {
            let (batch, next) = rest.split_at(frame_length(rest, self.wish.max_batch));
            rest = next;
            if let Some((last, _)) = batch.last() {
                self.pass(last);
            }
            let bytes = batch.iter().map(|(event, _)| event.bytes.clone()).collect();
            self.send(Frame::Events(wire::EventBatch { events: bytes })).await?;
            self.told.extend(batch.iter().map(|(event, attempt)| (event.position, *attempt)));
        }
        Ok(())
    }

    /// The stream has read or tells of an event: its cursor is at it, or further.
    pub(super) fn pass(&mut self, event: &WireEvent) {
        if event.position > self.place.position {
            self.place.position = event.position;
            self.place.event_id = Some(event.id);
        }
    }

    pub(super) fn response(&self, frame: Frame) -> SubscribeResponse {
        SubscribeResponse {
            cursor: self.place.to_cursor(),
            position: self.place.position,
            head_position: self.place.position.max(*self.head.borrow()),
            server_time: Some(wire_time(self.server.clock.now())),
            frame: Some(frame),
        }
    }

    /// Sends a frame. A member that takes none for as long as an acknowledgement may take loses its slots.
    pub(super) async fn send(&mut self, frame: Frame) -> Step {
        let (response, frames) = (self.response(frame), self.frames.clone());
        let deadline = Instant::now() + self.wish.ack_timeout;
        let third = self.server.groups.settings.lease / 3;
        loop {
            let renew = (self.lease_end - third * 2).max(Instant::now() + POLL);
            let room = tokio::select! {
                room = frames.room() => Some(room.map_err(|Left| End::Gone)?),
                () = tokio::time::sleep_until(renew.min(deadline)) => None,
            };
            if let Some(room) = room {
                room.fill(response);
                self.last_frame = Instant::now();
                return Ok(());
            }
            if Instant::now() >= deadline {
                return Err(End::Failed(lease_lost().with("epoch", self.membership.epoch)));
            }
            self.renew().await?;
        }
    }

    pub(super) async fn renew(&mut self) -> Step {
        let groups = &self.server.groups;
        let started = Instant::now();
        let until = clock::to_micros(groups.clock.now()) + micros(groups.settings.lease);
        let renewed = async {
            let tx = groups.writer.begin().await?;
            let renewed = self.membership.renew(&tx, until).await;
            tx.end(renewed).await
        };
        match renewed.await {
            Ok(()) => {
                self.lease_end = started + self.server.groups.settings.lease;
                Ok(())
            }
            Err(GroupError::Store(error)) => self.survive(error).await,
            Err(error) => Err(error.into()),
        }
    }
}

/// How many of the events go into one frame: by their number, and by their bytes but for the last one. Standard clients
/// take no message of more than 4 MiB, and would fail at the same one for ever.
fn frame_length(events: &[(Arc<WireEvent>, i32)], max: usize) -> usize {
    let mut bytes = 0;
    let fits = |(event, _): &&(Arc<WireEvent>, i32)| {
        let fits = bytes < PAGE_BYTES;
        bytes += event.bytes.len();
        fits
    };
    events.iter().take(max).take_while(fits).count().max(1)
}
