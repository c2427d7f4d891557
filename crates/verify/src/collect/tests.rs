//! A feed is read to its end, or it is not read; what is read of orders and stock.

use std::collections::{BTreeMap, BTreeSet};

use ordermesh_proto::feed::v1::{CaughtUp, Closing, ClosingReason, EventBatch, Opened};
use ordermesh_proto::inventory::v1::StockItem;
use ordermesh_proto::order::v1::order_event::Payload;
use ordermesh_proto::order::v1::{
    OrderCreated, OrderEvent, OrderHold, OrderHoldPlaced, OrderHoldReleased, OrderPaymentRecorded,
    PaymentRetryRequested, Shipment, ShipmentDispatched, ShipmentLost, ShipmentState,
};

use super::*;
use crate::shown;

type Frames = Vec<Result<SubscribeResponse, Status>>;

fn frame(cursor: &str, frame: Frame) -> Result<SubscribeResponse, Status> {
    Ok(SubscribeResponse { cursor: cursor.to_owned(), frame: Some(frame), ..SubscribeResponse::default() })
}

fn opened(cursor: &str, start_position: i64) -> Result<SubscribeResponse, Status> {
    frame(cursor, Frame::Opened(Opened { start_position, ..Opened::default() }))
}

fn events(cursor: &str, events: &[&'static str]) -> Result<SubscribeResponse, Status> {
    let events = events.iter().map(|event| bytes::Bytes::from_static(event.as_bytes())).collect();
    frame(cursor, Frame::Events(EventBatch { events }))
}

fn shutdown(cursor: &str) -> Result<SubscribeResponse, Status> {
    frame(cursor, Frame::Closing(Closing { reason: ClosingReason::ServerShutdown.into() }))
}

fn caught_up() -> Result<SubscribeResponse, Status> {
    frame("end", Frame::CaughtUp(CaughtUp {}))
}

/// Reads what the server's streams give, one after the other and the last one again and again; the events, and where each
/// stream was asked to start.
async fn read(
    streams: Vec<Frames>,
) -> (Result<Reading, CollectError>, Vec<bytes::Bytes>, Vec<Option<Start>>) {
    let (mut taken, mut starts) = (Vec::new(), Vec::new());
    let open = |request: SubscribeRequest| {
        assert_eq!(request.until, Some(Until { bound: Some(Bound::CaughtUp(true)) }));
        let frames = streams[starts.len().min(streams.len() - 1)].clone();
        starts.push(request.start);
        std::future::ready(Ok(tokio_stream::iter(frames)))
    };
    let take = |event| {
        taken.push(event);
        Ok(())
    };
    let reading = each_event("Subscribe", open, take).await;
    (reading, taken, starts)
}

fn after(cursor: &str) -> Option<Start> {
    Some(Start::AfterCursor(cursor.to_owned()))
}

#[tokio::test]
async fn a_stream_that_ends_early_is_resumed_where_it_ended() {
    let streams = vec![
        vec![opened("start", 0), events("one", &["1"]), shutdown("one")],
        vec![opened("one", 1), events("two", &["2"])],
        vec![opened("two", 2), events("three", &["3"]), caught_up()],
    ];
    let (reading, taken, starts) = read(streams).await;
    assert_eq!(reading.unwrap(), Reading { truncated: false, time: 0 });
    assert_eq!(taken, ["1", "2", "3"]);
    assert_eq!(starts, [None, after("one"), after("two")]);
}

#[tokio::test]
async fn a_feed_that_never_tells_all_is_an_error_and_not_a_short_feed() {
    let (reading, taken, starts) = read(vec![vec![opened("start", 0), shutdown("start")]]).await;
    assert!(matches!(reading, Err(CollectError::Contract(_))), "{reading:?}");
    assert_eq!((taken.len(), starts.len()), (0, MAX_CUT_SHORT));
}

#[tokio::test]
async fn a_feed_without_its_beginning_says_so_wherever_it_was_resumed() {
    let streams = vec![
        vec![opened("start", 4), events("five", &["5"]), shutdown("five")],
        vec![opened("five", 5), caught_up()],
    ];
    assert!(read(streams).await.0.unwrap().truncated);
    let streams = vec![vec![opened("start", 0), shutdown("start")], vec![opened("start", 0), caught_up()]];
    assert!(!read(streams).await.0.unwrap().truncated);
}

#[tokio::test]
async fn a_server_that_cannot_answer_now_is_asked_again_and_one_that_refuses_is_not() {
    let mut answers = vec![Ok(Response::new("tea")), Err(Status::unavailable("busy"))];
    let ask = || std::future::ready(answers.pop().unwrap());
    assert_eq!(answer("List", ask).await.unwrap(), "tea");
    let mut answers = vec![Ok(Response::new("tea")), Err(Status::permission_denied("no"))];
    let ask = || std::future::ready(answers.pop().unwrap());
    assert!(answer("List", ask).await.is_err());
    assert_eq!(answers.len(), 1);
}

fn happened(revision: i64, payload: Payload) -> OrderEvent {
    let (key, payload) = ("order".to_owned(), Some(payload));
    OrderEvent { key, key_revision: revision, payload, ..OrderEvent::default() }
}

#[test]
fn what_the_read_server_must_show_is_what_the_events_have_left() {
    let created = OrderCreated { order_reference: "R1".to_owned(), ..OrderCreated::default() };
    let mut order = shown::placed(&created, &happened(1, Payload::OrderCreated(created.clone())));
    let hold =
        |id: &str| Some(OrderHold { hold_id: id.to_owned(), note: "why".to_owned(), ..OrderHold::default() });
    let parcel = |state: ShipmentState| {
        let shipment_id = "parcel".to_owned();
        Some(Shipment { shipment_id, state: state.into(), ..Shipment::default() })
    };
    let declined = OrderPaymentRecorded { code: "stolen_card".to_owned(), ..OrderPaymentRecorded::default() };
    let history = [
        Payload::OrderHoldPlaced(OrderHoldPlaced { hold: hold("one"), ..OrderHoldPlaced::default() }),
        Payload::OrderHoldPlaced(OrderHoldPlaced { hold: hold("two"), ..OrderHoldPlaced::default() }),
        Payload::OrderHoldReleased(OrderHoldReleased { hold: hold("one"), ..OrderHoldReleased::default() }),
        Payload::OrderPaymentRecorded(declined),
        Payload::ShipmentDispatched(ShipmentDispatched {
            shipment: parcel(ShipmentState::Dispatched),
            ..ShipmentDispatched::default()
        }),
    ];
    for (revision, payload) in (2..).zip(&history) {
        shown::take(&mut order, &happened(revision, payload.clone()), payload);
    }
    assert_eq!((order.order_id.as_str(), order.order_reference.as_str()), ("order", "R1"));
    assert_eq!(order.holds, [hold("two").unwrap()]);
    assert_eq!(order.payment_code, "stolen_card");
    assert_eq!(order.shipments, [parcel(ShipmentState::Dispatched).unwrap()]);
    let later = [
        Payload::PaymentRetryRequested(PaymentRetryRequested::default()),
        Payload::ShipmentLost(ShipmentLost {
            shipment: parcel(ShipmentState::Lost),
            ..ShipmentLost::default()
        }),
    ];
    for payload in &later {
        shown::take(&mut order, &happened(7, payload.clone()), payload);
    }
    assert_eq!(order.payment_code, "");
    assert_eq!(order.shipments, [parcel(ShipmentState::Lost).unwrap()]);
}

#[test]
fn stock_that_is_not_as_it_was_moves_and_stock_without_its_first_change_is_truncated() {
    let item = |sku: &str, on_hand| {
        let item =
            StockItem { sku: sku.to_owned(), location: "main".to_owned(), on_hand, ..StockItem::default() };
        ((sku.to_owned(), "main".to_owned()), item)
    };
    let before = BTreeMap::from([item("TEA", 1), item("CUP", 1)]);
    let after = BTreeMap::from([item("TEA", 1), item("CUP", 2), item("POT", 3)]);
    let places = |skus: &[&str]| skus.iter().map(|sku| item(sku, 0).0).collect::<BTreeSet<_>>();
    let mut snapshot = Snapshot::default();
    stock::settle(&before, after.clone(), None, &mut snapshot);
    assert_eq!(snapshot.moving_stock, places(&["CUP", "POT"]));
    assert_eq!(snapshot.truncated_stock, places(&[]), "a log with its beginning tells of all stock");
    stock::settle(&before, after, Some(&places(&["POT"])), &mut snapshot);
    assert_eq!(snapshot.truncated_stock, places(&["CUP", "TEA"]));
}
