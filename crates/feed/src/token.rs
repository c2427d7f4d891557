//! Cursors and consistency tokens: opaque, URL-safe strings around `ordermesh.feed.v1` token messages.
//!
//! Each carries the log's identity and the id of the event at its position, so that a log that was exchanged or
//! restored is noticed instead of continuing on wrong data.

use base64::Engine;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use ordermesh_kernel::EventId;
use ordermesh_proto::common::v1::CommonErrorReason;
use ordermesh_proto::error::Problem;
use ordermesh_proto::feed::v1::{self as wire, FeedErrorReason};
use prost::Message;
use uuid::Uuid;

/// A place in one log.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct LogPosition {
    /// Identity of the log.
    pub feed_id: Uuid,
    /// Position; 0 is before the first event.
    pub position: i64,
    /// The event at the position; `None` at 0.
    pub event_id: Option<EventId>,
}

impl LogPosition {
    /// As a cursor for `after_cursor`.
    pub fn to_cursor(self) -> String {
        URL_SAFE_NO_PAD.encode(self.to_wire().encode_to_vec())
    }

    /// From `after_cursor`; INVALID_CURSOR when it is not one.
    pub fn from_cursor(cursor: &str) -> Result<Self, Problem> {
        decode::<wire::LogPosition>(cursor).and_then(Self::from_wire).ok_or_else(|| {
            Problem::invalid(FeedErrorReason::InvalidCursor, "after_cursor is not a cursor of a feed")
                .field("after_cursor", "must be a cursor that a feed gave")
        })
    }

    fn to_wire(self) -> wire::LogPosition {
        wire::LogPosition {
            feed_id: self.feed_id.as_bytes().to_vec().into(),
            position: self.position,
            event_id: self.event_id.map_or_else(Vec::new, |id| id.as_uuid().as_bytes().to_vec()).into(),
        }
    }

    fn from_wire(wire: wire::LogPosition) -> Option<Self> {
        let event_id = match wire.event_id.is_empty() {
            true => None,
            false => Some(EventId::from(Uuid::from_slice(&wire.event_id).ok()?)),
        };
        let feed_id = Uuid::from_slice(&wire.feed_id).ok()?;
        // Only position 0 has no event.
        (wire.position >= 0 && (wire.position == 0) == event_id.is_none()).then_some(Self {
            feed_id,
            position: wire.position,
            event_id,
        })
    }
}

/// How far logs must have been, or have been, seen. Empty: no demand.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct ConsistencyToken(Vec<LogPosition>);

impl ConsistencyToken {
    /// The token's entry for a log, if it has one.
    pub fn position_in(&self, feed_id: Uuid) -> Option<LogPosition> {
        self.0.iter().copied().find(|entry| entry.feed_id == feed_id)
    }

    /// All its entries, a log each.
    pub fn positions(&self) -> &[LogPosition] {
        &self.0
    }

    /// As a string for `at_least`.
    pub fn encode(&self) -> String {
        let positions = self.0.iter().map(|entry| entry.to_wire()).collect();
        URL_SAFE_NO_PAD.encode(wire::ConsistencyToken { positions }.encode_to_vec())
    }

    /// From `at_least`; empty means no demand. INVALID_CONSISTENCY_TOKEN when it is not a token.
    pub fn decode(token: &str) -> Result<Self, Problem> {
        let parse = |token| {
            let wire = decode::<wire::ConsistencyToken>(token)?;
            wire.positions.into_iter().map(LogPosition::from_wire).collect::<Option<Vec<_>>>()
        };
        parse(token).map(Self).ok_or_else(|| {
            Problem::invalid(
                CommonErrorReason::InvalidConsistencyToken,
                "at_least is not a consistency token of this platform",
            )
            .field("at_least", "must be the consistency_token of a command or the as_of of a query")
        })
    }
}

impl From<LogPosition> for ConsistencyToken {
    fn from(position: LogPosition) -> Self {
        Self(vec![position])
    }
}

fn decode<M: Message + Default>(text: &str) -> Option<M> {
    M::decode(URL_SAFE_NO_PAD.decode(text).ok()?.as_slice()).ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_cursor_and_a_token_survive_the_round_trip_and_are_url_safe() {
        let position = LogPosition {
            feed_id: Uuid::from_u128(u128::MAX - 5),
            position: 42,
            event_id: Some(EventId::from(Uuid::from_u128(77))),
        };
        let cursor = position.to_cursor();
        assert!(cursor.bytes().all(|byte| byte.is_ascii_alphanumeric() || b"-_".contains(&byte)));
        assert_eq!(LogPosition::from_cursor(&cursor).unwrap(), position);
        let token = ConsistencyToken::from(position);
        assert_eq!(ConsistencyToken::decode(&token.encode()).unwrap(), token);
    }

    #[test]
    fn text_that_no_feed_gave_is_refused() {
        let headless = LogPosition { feed_id: Uuid::from_u128(1), position: 3, event_id: None };
        for text in ["", "garbage!", "AAAA", &headless.to_cursor()] {
            assert!(LogPosition::from_cursor(text).is_err(), "{text:?}");
        }
        assert!(ConsistencyToken::decode("%%%").is_err());
        assert_eq!(ConsistencyToken::decode("").unwrap(), ConsistencyToken::default());
    }
}
