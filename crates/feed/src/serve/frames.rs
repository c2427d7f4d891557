//! The two ends of a stream: where its task puts frames, and where the subscriber takes them.

use ordermesh_proto::feed::v1::SubscribeResponse;
use tokio::sync::mpsc;
use tokio_stream::wrappers::ReceiverStream;
use tonic::Status;

/// The stream of a subscription.
pub type Frames = ReceiverStream<Result<SubscribeResponse, Status>>;

/// Frames that wait for a slow subscriber; with the byte bound of a page this bounds its memory.
const FRAMES_AHEAD: usize = 1;

/// Where a stream's task puts its frames. The last word always finds room: a task need not wait, with all that it holds,
/// for a subscriber that reads nothing any more.
#[derive(Debug, Clone)]
pub(crate) struct Sink(mpsc::Sender<Result<SubscribeResponse, Status>>);

/// The subscriber has left.
#[derive(Debug)]
pub(crate) struct Left;

/// Room for one frame.
pub(crate) struct Room<'a>(mpsc::Permit<'a, Result<SubscribeResponse, Status>>);

impl Room<'_> {
    pub fn fill(self, frame: SubscribeResponse) {
        self.0.send(Ok(frame));
    }
}

impl Sink {
    pub fn open() -> (Self, Frames) {
        let (sender, receiver) = mpsc::channel(FRAMES_AHEAD + 1);
        (Self(sender), ReceiverStream::new(receiver))
    }

    /// Waits until there is room for a frame.
    pub async fn room(&self) -> Result<Room<'_>, Left> {
        // The second place stays free, for the last word.
        let mut places = self.0.reserve_many(2).await.map_err(|_| Left)?;
        places.next().map(Room).ok_or(Left)
    }

    /// Waits until the subscriber has left.
    pub async fn closed(&self) {
        self.0.closed().await;
    }

    /// Ends the stream with `closing` or an error. Where nobody listens any more there is nobody to tell.
    pub fn end(&self, last: Result<SubscribeResponse, Status>) {
        let _ = self.0.try_send(last);
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use futures_util::{FutureExt, StreamExt};

    #[tokio::test]
    async fn whoever_reads_nothing_holds_one_frame_and_is_told_the_end_when_it_reads_again() {
        let (sink, mut frames) = Sink::open();
        sink.room().await.unwrap().fill(SubscribeResponse::default());
        assert!(sink.room().now_or_never().is_none(), "one frame waits, no more");
        sink.end(Err(Status::aborted("enough")));
        drop(sink);
        assert!(frames.next().await.unwrap().is_ok());
        assert_eq!(frames.next().await.unwrap().unwrap_err().message(), "enough");
        assert!(frames.next().await.is_none());
    }

    #[tokio::test]
    async fn there_is_room_again_when_a_frame_is_taken_and_none_when_the_subscriber_has_left() {
        let (sink, mut frames) = Sink::open();
        for _ in 0..3 {
            sink.room().await.unwrap().fill(SubscribeResponse::default());
            frames.next().await.unwrap().unwrap();
        }
        drop(frames);
        sink.closed().await;
        assert!(sink.room().await.is_err());
    }
}
