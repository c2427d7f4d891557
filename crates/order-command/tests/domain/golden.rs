//! The bytes of every version of every event that was ever stored: what is written today is the newest one, and what
//! was written then can still be read whole.
//!
//! A file `golden/<Event>.v<version>.txt` holds the payload and its personal part in hexadecimal. It is never changed:
//! a payload that is stored differently gets a new version and a new file. ORDERMESH_WRITE_GOLDEN=1 writes the files
//! that are missing.

use std::fmt::Write;
use std::path::PathBuf;

use ordermesh_feed::event::NewEvent;
use ordermesh_kernel::{BillingAccountId, CustomerId, OrderReference, PaymentMethodToken};
use ordermesh_order_command::codec::encode_event;
use ordermesh_order_command::domain::{
    Actor, Address, AddressLine, AddressLines, AdministrativeArea, Buyer, Contact, ContactName, CountryCode,
    Email, Locale, Locality, Order, OrderDraft, OrderEvent, PersonalData, PostalCode, Recipient, Title,
};
use ordermesh_proto::event_types::ORDER_V1;
use ordermesh_proto::order::v1 as wire;
use prost::Message;

use crate::support::{at, discount, draft, line, money, place, rate, shipping};

/// An order with everything that an order can have.
fn everything() -> OrderDraft {
    let mut titled = line(money("4.50 EUR"), 3, rate(190_000));
    titled.title = Some(Title::parse("Assam, 100 g").unwrap());
    let address = |recipient: &str| Address {
        recipient: Recipient::parse(recipient).unwrap(),
        address_lines: AddressLines::new(vec![
            AddressLine::parse("Gasse 1").unwrap(),
            AddressLine::parse("2. Stock").unwrap(),
        ])
        .unwrap(),
        locality: Locality::parse("Bern").unwrap(),
        administrative_area: Some(AdministrativeArea::parse("BE").unwrap()),
        postal_code: Some(PostalCode::parse("3011").unwrap()),
        country_code: CountryCode::parse("CH").unwrap(),
    };
    OrderDraft {
        order_reference: Some(OrderReference::parse("2026-0815").unwrap()),
        buyer: Buyer::Customer(CustomerId::parse("mia").unwrap()),
        personal: PersonalData::of(
            Some(Contact {
                email: Email::parse("mia@example.org").unwrap(),
                name: Some(ContactName::parse("Mia").unwrap()),
                locale: Some(Locale::parse("de-CH").unwrap()),
            }),
            Some(address("Mia Muster")),
            Some(address("Muster AG")),
        ),
        billing_account_id: Some(BillingAccountId::parse("muster-ag").unwrap()),
        payment_method_token: Some(PaymentMethodToken::parse("tok_1").unwrap()),
        shipping: shipping(money("5.00 EUR"), rate(77_000)),
        discounts: vec![discount(money("1.00 EUR"))],
        prices_include_tax: true,
        ..draft(vec![titled, line(money("9.00 EUR"), 1, rate(190_000))])
    }
}

/// One event of each type, as complete as it can be.
fn samples() -> Vec<OrderEvent> {
    let (order, mut events): (Order, _) = place(everything()).unwrap();
    let mia = Actor::Customer("mia".to_owned());
    events.extend(order.head.cancel("changed my mind".to_owned(), None, mia, at(60)).unwrap());
    events
}

fn path(kind: &str, version: i32) -> PathBuf {
    PathBuf::from(env!("CARGO_MANIFEST_DIR")).join(format!("tests/golden/{kind}.v{version}.txt"))
}

fn hex(bytes: &[u8]) -> String {
    bytes.iter().fold(String::new(), |mut text, byte| {
        write!(text, "{byte:02x}").unwrap();
        text
    })
}

fn unhex(text: &str) -> Vec<u8> {
    assert!(text.len().is_multiple_of(2), "{text}");
    (0..text.len()).step_by(2).map(|at| u8::from_str_radix(&text[at..at + 2], 16).unwrap()).collect()
}

fn text_of(event: &NewEvent) -> String {
    let personal = event.personal.as_deref().unwrap_or_default();
    format!("payload {}\npersonal {}\n", hex(&event.payload), hex(personal))
}

/// Payload and personal part of a golden file.
fn bytes_of(text: &str) -> (Vec<u8>, Vec<u8>) {
    let part = |name| {
        let line = text.lines().find_map(|line| line.strip_prefix(name)).unwrap();
        unhex(line.trim())
    };
    (part("payload"), part("personal"))
}

#[test]
fn what_is_stored_today_is_the_newest_golden_version_of_each_event() {
    let events: Vec<_> = samples().iter().map(encode_event).collect();
    let mut kinds: Vec<_> = events.iter().map(|event| event.kind).collect();
    kinds.sort_unstable();
    let mut known: Vec<_> = ORDER_V1.iter().map(|kind| kind.name).collect();
    known.sort_unstable();
    assert_eq!(kinds, known, "every event of the contract has a sample");
    for event in &events {
        let path = path(event.kind, event.schema_version);
        if !path.exists() && std::env::var_os("ORDERMESH_WRITE_GOLDEN").is_some() {
            std::fs::write(&path, text_of(event)).unwrap();
        }
        let golden =
            std::fs::read_to_string(&path).unwrap_or_else(|error| panic!("{}: {error}", path.display()));
        assert_eq!(
            text_of(event),
            golden,
            "{}: stored otherwise than released; it needs a new version",
            event.kind
        );
    }
}

#[test]
fn every_version_that_was_ever_stored_is_read_without_loss() {
    for event in samples().iter().map(encode_event) {
        for version in 1..=event.schema_version {
            let (payload, personal) = bytes_of(&std::fs::read_to_string(path(event.kind, version)).unwrap());
            // Encoding drops what the present contract does not know: then the bytes would differ.
            let again = match event.kind {
                "OrderCreated" => wire::OrderCreated::decode(&*payload).unwrap().encode_to_vec(),
                "OrderCancellationRequested" => {
                    wire::OrderCancellationRequested::decode(&*payload).unwrap().encode_to_vec()
                }
                "OrderCancelled" => wire::OrderCancelled::decode(&*payload).unwrap().encode_to_vec(),
                other => panic!("{other} has no reader here"),
            };
            assert_eq!(hex(&again), hex(&payload), "{} version {version}", event.kind);
            let data = wire::OrderPersonalData::decode(&*personal).unwrap();
            assert_eq!(hex(&data.encode_to_vec()), hex(&personal), "{} version {version}", event.kind);
        }
    }
}
