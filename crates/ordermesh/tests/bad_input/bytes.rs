//! Bytes that are not the method's message, and messages that are too large: the caller's error, never INTERNAL.

use ordermesh_proto::DESCRIPTORS;
use ordermesh_testkit::client::call_raw;
use ordermesh_testkit::{Server, assert_refused, order};
use prost::Message;
use prost_reflect::{DescriptorPool, Kind, MessageDescriptor, MethodDescriptor};
use tonic::Code;

use crate::{BINARY, assert_nothing_written, untouched_server};

const PLACE: &str = "/ordermesh.order.v1.OrderCommandService/PlaceOrder";
const CANCEL: &str = "/ordermesh.order.v1.OrderCommandService/CancelOrder";
const SUBSCRIBE: &str = "/ordermesh.order.v1.OrderEventService/SubscribeOrderEvents";
const GET_FEED: &str = "/ordermesh.order.v1.OrderEventService/GetFeed";
const LIMIT: usize = 1 << 20;

/// Every method of every contract.
fn methods() -> Vec<MethodDescriptor> {
    let pool = DescriptorPool::decode(DESCRIPTORS).unwrap();
    let services: Vec<_> =
        pool.services().filter(|service| service.package_name().starts_with("ordermesh.")).collect();
    services.iter().flat_map(|service| service.methods().collect::<Vec<_>>()).collect()
}

#[tokio::test]
async fn undecodable_bytes_are_the_callers_error_on_every_method() {
    let server = Server::shop(BINARY).await;
    let garbage: Vec<u8> = vec![0xff; 40];
    let methods = methods();
    assert!(methods.len() > 10);
    for method in methods {
        let path = format!("/{}/{}", method.parent_service().full_name(), method.name());
        eprintln!("garbage to {path}");
        let refused = call_raw(server.addr(), &path, [garbage.clone()]).await;
        assert_refused(refused, Code::InvalidArgument, "MALFORMED_MESSAGE", None);
    }
    assert_nothing_written(server).await;
}

#[tokio::test]
async fn invalid_utf8_a_wrong_wire_type_and_a_cut_off_message_are_refused() {
    let server = untouched_server().await;
    let whole = order("TEA", 2, 450).build().encode_to_vec();
    // Field 10 is a line; within it field 1 is the SKU and field 3 the quantity.
    let cases: [(&str, &str, Vec<u8>); 8] = [
        ("invalid UTF-8 in request_id", PLACE, vec![0x0a, 0x02, 0xc3, 0x28]),
        ("invalid UTF-8 in a line's SKU", PLACE, vec![0x52, 0x03, 0x0a, 0x01, 0xff]),
        ("request_id as a number", PLACE, vec![0x08, 0x01]),
        ("a quantity as a text", PLACE, vec![0x52, 0x03, 0x1a, 0x01, b'2']),
        ("lines as a fixed number", PLACE, vec![0x55, 1, 2, 3, 4]),
        ("a message that ends too early", PLACE, whole[..whole.len() - 1].to_vec()),
        ("invalid UTF-8 in order_id", CANCEL, vec![0x12, 0x01, 0x80]),
        ("a cursor that is a number", SUBSCRIBE, vec![0x08, 0x01]),
    ];
    for (name, path, bytes) in cases {
        eprintln!("case: {name}");
        let refused = call_raw(server.addr(), path, [bytes]).await;
        assert_refused(refused, Code::InvalidArgument, "MALFORMED_MESSAGE", None);
    }
    assert_nothing_written(server).await;
}

#[tokio::test]
async fn a_call_without_a_message_is_the_callers_error() {
    let server = untouched_server().await;
    for path in [PLACE, GET_FEED] {
        let refused = call_raw(server.addr(), path, []).await;
        assert_refused(refused, Code::InvalidArgument, "MALFORMED_MESSAGE", None);
    }
    assert_nothing_written(server).await;
}

#[tokio::test]
async fn a_message_over_the_size_limit_is_refused_with_the_limit() {
    let server = untouched_server().await;
    for bytes in [LIMIT + 1, 3 * LIMIT] {
        let refused = call_raw(server.addr(), PLACE, [order_of_size(bytes)]).await;
        let refusal = assert_refused(refused, Code::ResourceExhausted, "MESSAGE_TOO_LARGE", None);
        assert_eq!(refusal.metadata["limit_bytes"], LIMIT.to_string());
    }
    // At the limit the message is read, and judged by its fields.
    let refused = call_raw(server.addr(), PLACE, [order_of_size(LIMIT)]).await;
    assert_refused(refused, Code::InvalidArgument, "INVALID_REQUEST", Some("lines[0].title"));
    assert_nothing_written(server).await;
}

fn order_of_size(bytes: usize) -> Vec<u8> {
    let of_title =
        |len: usize| order("TEA", 2, 450).with(|request| request.lines[0].title = "x".repeat(len)).build();
    let around = of_title(bytes).encoded_len() - bytes;
    let order = of_title(bytes - around);
    assert_eq!(order.encoded_len(), bytes);
    order.encode_to_vec()
}

/// The enums of requests, of each of which it is tested that its unknown numbers, and 0 where that says nothing, are
/// refused: by `changing` and `inventory`.
const TESTED: [&str; 6] = [
    "ordermesh.inventory.v1.AdjustStockRequest.reason",
    "ordermesh.inventory.v1.ListReservationsRequest.state",
    "ordermesh.order.v1.ReceivedLine.condition",
    "ordermesh.payment.v1.CompletePaymentActionRequest.result",
    "ordermesh.payment.v1.ListPaymentsRequest.status",
    "ordermesh.payment.v1.ResolvePaymentOperationRequest.resolution",
];

/// Enums are open in proto3: a number without a name reaches the handler. Whoever adds one adds the test that its unknown
/// numbers and 0 are refused, and names it above.
#[test]
fn no_request_has_an_enum_whose_unknown_values_nobody_tests() {
    let mut found = Vec::new();
    for method in methods() {
        enums_of(&method.input(), &mut Vec::new(), &mut found);
    }
    found.sort();
    assert_eq!(found, TESTED, "test what an unknown value of each gets, then list it");
}

fn enums_of(message: &MessageDescriptor, seen: &mut Vec<String>, found: &mut Vec<String>) {
    if seen.iter().any(|name| name == message.full_name()) {
        return;
    }
    seen.push(message.full_name().to_owned());
    for field in message.fields() {
        match field.kind() {
            Kind::Enum(_) => found.push(field.full_name().to_owned()),
            Kind::Message(inner) => enums_of(&inner, seen, found),
            _ => {}
        }
    }
}
