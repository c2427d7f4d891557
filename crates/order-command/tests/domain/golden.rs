//! The bytes of every version of every event that was ever stored: what is written today is the newest one, and what
//! was written then can still be read whole.
//!
//! A file `golden/<Event>.v<version>.txt` holds the payload and its personal part in hexadecimal. It is never changed:
//! a payload that is stored differently gets a new version and a new file. ORDERMESH_WRITE_GOLDEN=1 writes the files
//! that are missing.

use std::collections::BTreeSet;
use std::fmt::Write;
use std::path::PathBuf;

use ordermesh_feed::event::NewEvent;
use ordermesh_kernel::{
    BillingAccountId, CustomerId, HoldId, NoteId, OrderReference, PaymentMethodToken, ReturnId, ShipmentId,
};
use ordermesh_order_command::codec::encode_event;
use ordermesh_order_command::domain::{
    Address, AddressLine, AddressLines, AdministrativeArea, Buyer, Carrier, Contact, ContactName,
    CountryCode, Email, Fact, Locale, Locality, NoteText, OrderDraft, OrderEvent, PaymentNews, PersonalData,
    PostalCode, Recipient, StockFact, Title, TrackingNumber,
};
use ordermesh_proto::event_types::ORDER_V1;
use ordermesh_proto::order::v1 as wire;
use prost::Message;

use crate::fulfilling::received;
use crate::life::{DECLINE, Life, of_line, out_of_stock};
use crate::support::{discount, draft, line, money, rate, shipping};

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

/// One event of each type, as complete as it can be: the way of one order, and what ends others.
fn samples() -> Vec<OrderEvent> {
    let mut way = Life::of(everything());
    let hold = way.must(|change| change.hold("ask the buyer".to_owned()));
    way.must(|change| change.add_note(NoteText::parse("rings twice").unwrap()));
    let mut declined = way.fact(1);
    (declined.what, declined.code) = (DECLINE, "insufficient_funds".to_owned());
    declined.detail = "the card has no money".to_owned();
    way.tell(declined);
    let mut cancelled = way.clone();
    way.must(|change| change.retry_payment(PaymentMethodToken::parse("tok_2").unwrap()));
    way.pay(PaymentNews::ActionRequired { url: "https://bank.example/3ds".to_owned() });
    way.pay(PaymentNews::Authorized);
    way.stock(StockFact::Reserved);
    way.must(|change| change.release_hold(hold, "it is hers".to_owned()));
    way.pay(PaymentNews::Captured);
    way.must(|change| change.cancel_lines(vec![of_line(1, 1)], "one too many".to_owned()));
    let post = || (Carrier::parse("Post").ok(), TrackingNumber::parse("99.00.123").ok());
    let [tea, pot] = [of_line(1, 2), of_line(2, 1)].map(|line| {
        let (carrier, number) = post();
        way.must(|change| change.dispatch(vec![line], carrier, number))
    });
    way.must(|change| change.deliver(tea));
    way.must(|change| change.lose(pot, "fell off".to_owned()));
    way.pay(PaymentNews::Refunded);
    let [back, worn] =
        [(); 2].map(|()| way.must(|change| change.request_return(vec![of_line(1, 1)], "bitter".to_owned())));
    way.must(|change| change.approve_return(back));
    way.must(|change| change.reject_return(worn, "opened".to_owned()));
    way.must(|change| change.receive_return(back, vec![received(1, 1)]));
    let mut rejected = Life::of(everything());
    rejected.stock(out_of_stock());
    let mut expired = Life::of(everything());
    expired.second = 3_600;
    expired.must(|change| Ok(change.expire()));
    cancelled.must(|change| change.cancel("changed my mind".to_owned()));
    cancelled.stock(out_of_stock());
    let lives = [way, rejected, expired, cancelled];
    let mut kinds = BTreeSet::new();
    let events = lives.into_iter().flat_map(|life| life.events);
    let mut events: Vec<_> = events.filter(|event| kinds.insert(event.name())).collect();
    events.iter_mut().for_each(fix_ids);
    events
}

/// Gives the parts of an order the ids that the files have.
fn fix_ids(event: &mut OrderEvent) {
    const ID: &str = "01932c07-209c-7f5a-8d3e-4b2a9c1d0e70";
    match &mut event.fact {
        Fact::HoldPlaced(hold) | Fact::HoldReleased { hold, .. } => hold.id = HoldId::parse(ID).unwrap(),
        Fact::NoteAdded { id, .. } => *id = NoteId::parse(ID).unwrap(),
        Fact::ShipmentDispatched { shipment, .. }
        | Fact::ShipmentDelivered { shipment, .. }
        | Fact::ShipmentLost { shipment, .. } => shipment.id = ShipmentId::parse(ID).unwrap(),
        Fact::ReturnRequested(goods)
        | Fact::ReturnApproved(goods)
        | Fact::ReturnRejected(goods)
        | Fact::ReturnReceived { goods, .. } => goods.id = ReturnId::parse(ID).unwrap(),
        _ => {}
    }
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

/// What a payload says to the present contract, encoded again.
fn again(kind: &str, payload: &[u8]) -> Vec<u8> {
    macro_rules! by_name {
        ($($message:ident),+ $(,)?) => {
            match kind {
                $(stringify!($message) => wire::$message::decode(payload).unwrap().encode_to_vec(),)+
                other => panic!("{other} has no reader here"),
            }
        };
    }
    by_name!(
        OrderCreated,
        OrderCancellationRequested,
        OrderCancelled,
        OrderConfirmed,
        OrderRejected,
        OrderExpired,
        OrderLinesCancelled,
        OrderHoldPlaced,
        OrderHoldReleased,
        PaymentRetryRequested,
        ShipmentDispatched,
        ShipmentDelivered,
        ShipmentLost,
        ReturnRequested,
        ReturnApproved,
        ReturnRejected,
        ReturnReceived,
        OrderCompleted,
        OrderStockRecorded,
        OrderPaymentRecorded,
        OrderNoteAdded,
    )
}

#[test]
fn every_version_that_was_ever_stored_is_read_without_loss() {
    for event in samples().iter().map(encode_event) {
        for version in 1..=event.schema_version {
            let (payload, personal) = bytes_of(&std::fs::read_to_string(path(event.kind, version)).unwrap());
            // Encoding drops what the present contract does not know: then the bytes would differ.
            let again = again(event.kind, &payload);
            assert_eq!(hex(&again), hex(&payload), "{} version {version}", event.kind);
            let data = match event.kind {
                "OrderNoteAdded" => wire::OrderNoteText::decode(&*personal).unwrap().encode_to_vec(),
                _ => wire::OrderPersonalData::decode(&*personal).unwrap().encode_to_vec(),
            };
            assert_eq!(hex(&data), hex(&personal), "{} version {version}", event.kind);
        }
    }
}

#[test]
fn every_file_is_the_version_of_an_event_that_is_still_known() {
    let known: BTreeSet<_> = samples()
        .iter()
        .map(encode_event)
        .flat_map(|event| (1..=event.schema_version).map(move |version| path(event.kind, version)))
        .collect();
    let directory = path("any", 1).parent().unwrap().to_owned();
    let files = std::fs::read_dir(directory).unwrap().map(|file| file.unwrap().path());
    assert_eq!(files.collect::<BTreeSet<_>>(), known);
}
