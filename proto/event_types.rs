//! The events of each feed, read off the contracts at build: name, where the payload stands on the wire, and where
//! the personal part stands in the payload. This is what lets a feed splice stored bytes without decoding them.

/// One kind of event of a feed.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct EventType {
    /// Name such as `OrderCreated`.
    pub name: &'static str,
    /// Field number of the payload in the feed's event message.
    pub payload_tag: u32,
    /// Field number of the personal part in the payload; `None` when it has none.
    pub personal_tag: Option<u32>,
}

/// An event message of any context, by the envelope that all share.
pub trait FeedEvent: prost::Message + Default + 'static {
    /// Place in the log.
    fn position(&self) -> i64;
    /// Identity, a UUIDv7.
    fn event_id(&self) -> &str;
    /// What the event is about.
    fn key(&self) -> &str;
    /// Shared by all that follows from one outside request.
    fn correlation_id(&self) -> &str;
    /// W3C trace context; empty when there is none.
    fn traceparent(&self) -> &str;
}

macro_rules! feed_event {
    ($event:ty) => {
        impl FeedEvent for $event {
            fn position(&self) -> i64 {
                self.position
            }

            fn event_id(&self) -> &str {
                &self.event_id
            }

            fn key(&self) -> &str {
                &self.key
            }

            fn correlation_id(&self) -> &str {
                &self.correlation_id
            }

            fn traceparent(&self) -> &str {
                &self.traceparent
            }
        }
    };
}

include!(concat!(env!("OUT_DIR"), "/event_types.rs"));
