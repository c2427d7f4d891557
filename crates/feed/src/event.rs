//! An event before, in and after the log.
//!
//! A payload is encoded once, when its command is decided. On the wire an event is its envelope followed by the
//! payload's field: tag, length, bytes. So what goes out is put together from stored bytes and never decoded.
//! The personal part is stored in a column of its own and appended to the payload: fields of an encoded message
//! may be concatenated, and erasing the column leaves a readable event.

use bytes::{BufMut, Bytes, BytesMut};
use ordermesh_kernel::{EventId, Timestamp};
use ordermesh_proto::event_types::EventType;
use ordermesh_proto::feed::v1::EventEnvelope;
use prost::Message;
use prost::encoding::{WireType, encode_key, encode_varint, encoded_len_varint, key_len};
use sha2::{Digest, Sha256};

/// What a command decided, before it has a place in the log.
#[derive(Debug, Clone)]
pub struct NewEvent {
    /// Name such as `OrderCreated`; one of the feed's event types.
    pub kind: &'static str,
    /// Version of the payload's schema.
    pub schema_version: i32,
    /// What the event is about.
    pub key: String,
    /// Number of the event among those of its key, from 1 on.
    pub key_revision: i64,
    /// When the fact happened.
    pub occurred: Timestamp,
    /// The encoded payload without its personal part.
    pub payload: Vec<u8>,
    /// The encoded personal part; `None` when there is none.
    pub personal: Option<Vec<u8>>,
}

/// What led to an event.
#[derive(Debug, Clone, Default)]
pub struct Cause {
    /// Shared by all that follows from one outside request.
    pub correlation_id: String,
    /// A command's request_id or an event's id.
    pub causation_id: String,
    /// W3C trace context, empty when there is none.
    pub traceparent: String,
}

/// An event with its place in the log, as it is stored.
#[derive(Debug, Clone)]
pub struct LoggedEvent {
    /// Place in the log.
    pub position: i64,
    /// Identity.
    pub id: EventId,
    /// When the log took it.
    pub recorded: Timestamp,
    /// [`key_hash`] of its key.
    pub key_hash: u64,
    /// What led to it.
    pub cause: Cause,
    /// The decided fact.
    pub event: NewEvent,
}

/// An event as subscribers get it: the encoded event message, and what filters look at.
#[derive(Debug, Clone)]
pub struct WireEvent {
    /// Place in the log.
    pub position: i64,
    /// Identity.
    pub id: EventId,
    /// Name.
    pub kind: &'static str,
    /// What the event is about.
    pub key: String,
    /// [`key_hash`] of the key.
    pub key_hash: u64,
    /// When the log took it.
    pub recorded: Timestamp,
    /// The encoded event message of the context, envelope and payload.
    pub bytes: Bytes,
}

impl WireEvent {
    /// Puts the wire's form together. `kind` must be the event's own type.
    pub fn new(logged: LoggedEvent, kind: &EventType) -> Self {
        let LoggedEvent { position, id, recorded, key_hash, cause, event } = logged;
        let envelope = EventEnvelope {
            position,
            event_id: id.to_string(),
            r#type: kind.name.to_owned(),
            schema_version: event.schema_version,
            key: event.key,
            key_revision: event.key_revision,
            occurred_time: Some(wire_time(event.occurred)),
            recorded_time: Some(wire_time(recorded)),
            correlation_id: cause.correlation_id,
            causation_id: cause.causation_id,
            traceparent: cause.traceparent,
        };
        let bytes = splice(&envelope, kind, &event.payload, event.personal.as_deref());
        Self { position, id, kind: kind.name, key: envelope.key, key_hash, recorded, bytes }
    }
}

fn splice(envelope: &EventEnvelope, kind: &EventType, payload: &[u8], personal: Option<&[u8]>) -> Bytes {
    let personal = kind.personal_tag.zip(personal);
    let personal_len = personal.map_or(0, |(tag, bytes)| field_len(tag, bytes.len()));
    let payload_len = payload.len() + personal_len;
    let mut buffer =
        BytesMut::with_capacity(envelope.encoded_len() + field_len(kind.payload_tag, payload_len));
    envelope.encode_raw(&mut buffer);
    begin_field(kind.payload_tag, payload_len, &mut buffer);
    buffer.put_slice(payload);
    if let Some((tag, bytes)) = personal {
        begin_field(tag, bytes.len(), &mut buffer);
        buffer.put_slice(bytes);
    }
    buffer.freeze()
}

fn field_len(tag: u32, len: usize) -> usize {
    key_len(tag) + encoded_len_varint(len as u64) + len
}

fn begin_field(tag: u32, len: usize, buffer: &mut BytesMut) {
    encode_key(tag, WireType::LengthDelimited, buffer);
    encode_varint(len as u64, buffer);
}

/// The hash that shards a feed; the contract fixes it: the first eight bytes, big endian, of SHA-256 of the key.
pub fn key_hash(key: &str) -> u64 {
    let digest = Sha256::digest(key.as_bytes());
    digest[..8].iter().fold(0, |hash, byte| hash << 8 | u64::from(*byte))
}

/// A time as the contracts write it.
pub fn wire_time(time: Timestamp) -> prost_types::Timestamp {
    // A negative fraction would mean a time before 1970 counted the wrong way round: borrow a second.
    let (seconds, nanos) = (time.as_second(), time.subsec_nanosecond());
    match nanos < 0 {
        true => prost_types::Timestamp { seconds: seconds - 1, nanos: nanos + 1_000_000_000 },
        false => prost_types::Timestamp { seconds, nanos },
    }
}

/// A time of the contracts, or `None` when it is out of range.
pub fn kernel_time(time: &prost_types::Timestamp) -> Option<Timestamp> {
    (0..1_000_000_000).contains(&time.nanos).then(|| Timestamp::new(time.seconds, time.nanos).ok())?
}

#[cfg(test)]
mod tests {
    use super::*;
    use ordermesh_proto::event_types::ORDER_V1;
    use ordermesh_proto::order::v1::{self as wire, order_event::Payload};

    fn logged(payload: &wire::OrderCreated, personal: Option<Vec<u8>>) -> LoggedEvent {
        LoggedEvent {
            position: 7,
            id: EventId::from(uuid::Uuid::from_u128(5)),
            recorded: Timestamp::from_second(1_800_000_000).unwrap(),
            key_hash: key_hash("o-1"),
            cause: Cause { causation_id: "cart-1".into(), ..Cause::default() },
            event: NewEvent {
                kind: "OrderCreated",
                schema_version: 1,
                key: "o-1".into(),
                key_revision: 1,
                occurred: Timestamp::from_second(1_799_999_999).unwrap(),
                payload: payload.encode_to_vec(),
                personal,
            },
        }
    }

    #[test]
    fn a_spliced_event_decodes_to_its_envelope_payload_and_personal_part() {
        let personal = wire::OrderPersonalData {
            contact: Some(wire::Contact { email: "ada@example.org".into(), ..Default::default() }),
            ..Default::default()
        };
        let created = wire::OrderCreated { order_id: "o-1".into(), order_revision: 1, ..Default::default() };
        let event = WireEvent::new(logged(&created, Some(personal.encode_to_vec())), &ORDER_V1[0]);
        let decoded = wire::OrderEvent::decode(event.bytes).unwrap();
        assert_eq!((decoded.position, decoded.key.as_str(), decoded.key_revision), (7, "o-1", 1));
        let expected = wire::OrderCreated { personal_data: Some(personal), ..created };
        assert_eq!(decoded.payload, Some(Payload::OrderCreated(expected)));
    }

    #[test]
    fn an_event_without_its_erased_personal_part_stays_readable() {
        let created = wire::OrderCreated { order_id: "o-1".into(), ..Default::default() };
        let event = WireEvent::new(logged(&created, None), &ORDER_V1[0]);
        let decoded = wire::OrderEvent::decode(event.bytes).unwrap();
        assert_eq!(decoded.payload, Some(Payload::OrderCreated(created)));
    }

    #[test]
    fn the_key_hash_is_the_one_that_the_contract_names() {
        // printf TEA | sha256sum | cut -c1-16
        assert_eq!(key_hash("TEA"), 0x9b0e_2ae9_3d55_cc54);
    }
}
