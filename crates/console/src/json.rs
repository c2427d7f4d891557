//! Messages as JSON, by their descriptors: proto3 JSON with the field names of the .proto files.
//!
//! As proto3 JSON says, 64-bit integers are strings, times RFC 3339, enum values names. Fields without presence are
//! always there, so that scripts find `"replayed": false`. Fields marked personal in the contract are masked on demand.

use std::sync::LazyLock;

use jiff::Timestamp;
use prost::Name;
use prost_reflect::{
    DescriptorPool, DynamicMessage, ExtensionDescriptor, Kind, ReflectMessage, Value as Field,
};
use serde_json::{Map, Value, json};

/// What stands in place of personal data.
pub const MASK: &str = "***";

/// What to do with personal data.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Personal {
    /// Replace it by [`MASK`].
    Masked,
    /// Show it.
    Shown,
}

/// The descriptors of the contracts with the mark of personal fields.
struct Contracts {
    pool: DescriptorPool,
    personal: ExtensionDescriptor,
}

/// `None` only if the image that was compiled into the program were broken.
static CONTRACTS: LazyLock<Option<Contracts>> = LazyLock::new(|| {
    let pool = DescriptorPool::decode(ordermesh_proto::DESCRIPTORS).ok()?;
    let personal = pool.get_extension_by_name("ordermesh.policy.v1.personal")?;
    Some(Contracts { pool, personal })
});

/// A message of the contracts as JSON.
pub fn value<M: Name>(message: &M, personal: Personal) -> Result<Value, String> {
    let name = M::full_name();
    let contracts = CONTRACTS.as_ref().ok_or("the contracts' descriptors cannot be read")?;
    let descriptor =
        contracts.pool.get_message_by_name(&name).ok_or_else(|| format!("{name} is not in the contracts"))?;
    let message = DynamicMessage::decode(descriptor, message.encode_to_vec().as_slice())
        .map_err(|error| format!("{name}: {error}"))?;
    Ok(Walk { personal: &contracts.personal, mask: personal == Personal::Masked }.message(&message, false))
}

struct Walk<'a> {
    personal: &'a ExtensionDescriptor,
    mask: bool,
}

impl Walk<'_> {
    fn message(&self, message: &DynamicMessage, masked: bool) -> Value {
        match message.descriptor().full_name() {
            "google.protobuf.Timestamp" => return timestamp(message),
            "google.protobuf.Duration" => return duration(message),
            _ => {}
        }
        let mut object = Map::new();
        for field in message.descriptor().fields() {
            if field.supports_presence() && !message.has_field(&field) {
                continue;
            }
            let personal = field.options().get_extension(self.personal).as_bool() == Some(true);
            let masked = masked || (self.mask && personal);
            object.insert(
                field.name().to_owned(),
                self.field(&message.get_field(&field), &field.kind(), masked),
            );
        }
        Value::Object(object)
    }

    fn field(&self, value: &Field, kind: &Kind, masked: bool) -> Value {
        match value {
            Field::Message(message) => self.message(message, masked),
            Field::List(items) => items.iter().map(|item| self.field(item, kind, masked)).collect(),
            Field::String(text) if text.is_empty() => json!(""),
            _ if masked => json!(MASK),
            Field::String(text) => json!(text),
            Field::Bool(flag) => json!(flag),
            Field::I32(number) => json!(number),
            Field::U32(number) => json!(number),
            Field::I64(number) => json!(number.to_string()),
            Field::U64(number) => json!(number.to_string()),
            Field::F32(number) => json!(number),
            Field::F64(number) => json!(number),
            Field::EnumNumber(number) => enumeration(*number, kind),
            // The messages that verbs print have neither; whoever adds one finds it here.
            Field::Bytes(bytes) => json!(bytes.to_vec()),
            Field::Map(_) => Value::Null,
        }
    }
}

/// The name of an enum's value, or its number when the value is newer than this program.
fn enumeration(number: i32, kind: &Kind) -> Value {
    let name = kind.as_enum().and_then(|kind| kind.get_value(number)).map(|value| value.name().to_owned());
    name.map_or(json!(number), Value::String)
}

fn seconds_and_nanos(message: &DynamicMessage) -> (i64, i32) {
    let seconds = message.get_field_by_name("seconds").and_then(|field| field.as_i64()).unwrap_or_default();
    let nanos = message.get_field_by_name("nanos").and_then(|field| field.as_i32()).unwrap_or_default();
    (seconds, nanos)
}

/// Seconds with their fraction, such as `1.5s`.
fn duration(message: &DynamicMessage) -> Value {
    let (seconds, nanos) = seconds_and_nanos(message);
    let sign = if seconds < 0 || nanos < 0 { "-" } else { "" };
    let digits = format!("{:09}", nanos.unsigned_abs());
    match digits.trim_end_matches('0') {
        "" => json!(format!("{sign}{}s", seconds.unsigned_abs())),
        fraction => json!(format!("{sign}{}.{fraction}s", seconds.unsigned_abs())),
    }
}

fn timestamp(message: &DynamicMessage) -> Value {
    let (seconds, nanos) = seconds_and_nanos(message);
    Timestamp::new(seconds, nanos).map_or(Value::Null, |time| json!(time.to_string()))
}

#[cfg(test)]
mod tests {
    use ordermesh_proto::feed;
    use ordermesh_proto::order::v1::{Contact, Order, OrderPersonalData, OrderState, WatchOrderResponse};
    use ordermesh_proto::order::v1::{PlaceOrderResponse, watch_order_response::Frame};

    use super::*;

    fn watched() -> WatchOrderResponse {
        let contact = Contact { email: "ada@example.com".to_owned(), ..Contact::default() };
        let personal_data = OrderPersonalData { contact: Some(contact), ..OrderPersonalData::default() };
        let order = Order {
            order_reference: "A-1".to_owned(),
            state: OrderState::Placed as i32,
            revision: 7,
            placed_time: Some(prost_types::Timestamp { seconds: 0, nanos: 500_000_000 }),
            personal_data: Some(personal_data),
            ..Order::default()
        };
        WatchOrderResponse { frame: Some(Frame::Order(order)), ..WatchOrderResponse::default() }
    }

    #[test]
    fn json_has_the_field_names_of_the_contracts() {
        let json = value(&watched(), Personal::Shown).unwrap();
        let order = &json["order"];
        assert_eq!(order["order_reference"], "A-1");
        assert_eq!(order["state"], "ORDER_STATE_PLACED");
        assert_eq!(order["revision"], "7");
        assert_eq!(order["placed_time"], "1970-01-01T00:00:00.5Z");
        assert_eq!(order["personal_data"]["contact"]["email"], "ada@example.com");
        assert_eq!(json.get("closing"), None);
    }

    #[test]
    fn personal_data_is_masked_by_the_mark_in_the_contract() {
        let contact = &value(&watched(), Personal::Masked).unwrap()["order"]["personal_data"]["contact"];
        assert_eq!(contact["email"], MASK);
        assert_eq!(contact["name"], "");
    }

    #[test]
    fn a_duration_is_seconds_with_their_fraction() {
        let lag = |seconds, nanos| {
            let lag_time = Some(prost_types::Duration { seconds, nanos });
            let consumer = feed::v1::Consumer { lag_time, ..Default::default() };
            let consumers = feed::v1::ListConsumersResponse { consumers: vec![consumer] };
            value(&consumers, Personal::Shown).unwrap()["consumers"][0]["lag_time"].clone()
        };
        assert_eq!([lag(0, 0), lag(61, 500_000_000), lag(0, -1)], ["0s", "61.5s", "-0.000000001s"]);
    }

    #[test]
    fn fields_without_presence_are_always_there() {
        let json = value(&PlaceOrderResponse::default(), Personal::Shown).unwrap();
        assert_eq!(json["replayed"], false);
        assert_eq!(json.get("totals"), None);
    }
}
