//! What queries say of orders whose newer events are parked.

use futures_util::{FutureExt, Stream, StreamExt};
use ordermesh_proto::error::reason_of;
use ordermesh_proto::order::v1::order_query_service_server::OrderQueryService;
use ordermesh_proto::order::v1::watch_order_response::Frame;
use ordermesh_proto::order::v1::{
    BatchGetOrdersRequest, GetOrderRequest, GetOrderTimelineRequest, ListCustomerOrdersRequest,
    ListOrdersRequest, WatchOrderRequest, WatchOrderResponse,
};
use ordermesh_testkit::wait::soon;
use tonic::{Code, Request, Status};

use crate::support::{Sample, Shelf, numbers, samples};

/// All orders of the samples are there; the second has newer events that are parked, and so has one that is not there.
async fn shelf() -> (Shelf, Sample, Sample) {
    let shelf = Shelf::open().await;
    shelf.apply(&samples().map(|sample| sample.created())).await;
    let (known, unborn) = (samples()[1].clone(), Sample { number: 77, ..Sample::default() });
    shelf.park(&[&known, &unborn]);
    (shelf, known, unborn)
}

fn assert_cannot_be_shown(refusal: &Status) {
    let told = (refusal.code(), reason_of(refusal));
    assert_eq!(told, (Code::Unavailable, Some("PROJECTION_BEHIND".to_owned())), "{refusal}");
    assert!(refusal.message().contains("it tastes of poison"), "{refusal}");
}

#[tokio::test]
async fn an_order_that_is_shown_as_it_was_is_stale_in_every_answer_and_no_other_order_is() {
    let (shelf, parked, _) = shelf().await;
    for sample in samples() {
        let (id, is_parked) = (sample.id(), sample.number == parked.number);
        let request = GetOrderRequest { order_id: id.clone(), ..Default::default() };
        let order = shelf.service.get_order(Request::new(request)).await.unwrap().into_inner();
        assert_eq!((order.stale, order.parked_reason.is_empty()), (is_parked, !is_parked));
        let request = GetOrderTimelineRequest { order_id: id.clone(), ..Default::default() };
        let timeline = shelf.service.get_order_timeline(Request::new(request)).await.unwrap().into_inner();
        assert_eq!((timeline.stale, timeline.entries.len()), (is_parked, 1));
        let request = WatchOrderRequest { order_id: id, ..Default::default() };
        let mut frames = shelf.service.watch_order(Request::new(request)).await.unwrap().into_inner();
        let frame = frames.next().await.unwrap().unwrap();
        assert_eq!(frame.parked_reason.is_empty(), !is_parked);
        let request = ListOrdersRequest {
            filter: format!("order_reference = shop-{}", sample.number),
            ..Default::default()
        };
        let page = shelf.service.list_orders(Request::new(request)).await.unwrap().into_inner();
        assert_eq!((page.stale, page.orders.len()), (is_parked, 1));
    }
    let mia = ListCustomerOrdersRequest { customer_id: "mia".to_owned(), ..Default::default() };
    let page = shelf.service.list_customer_orders(Request::new(mia.clone())).await.unwrap().into_inner();
    assert!(!page.stale);
    shelf.park(&[&samples()[0]]);
    assert!(shelf.service.list_customer_orders(Request::new(mia)).await.unwrap().into_inner().stale);
}

#[tokio::test]
async fn an_order_that_is_parked_from_its_first_event_on_is_not_said_to_be_missing() {
    let (shelf, _, unborn) = shelf().await;
    let order_id = unborn.id();
    let request = GetOrderRequest { order_id: order_id.clone(), ..Default::default() };
    assert_cannot_be_shown(&shelf.service.get_order(Request::new(request)).await.unwrap_err());
    let request = GetOrderTimelineRequest { order_id: order_id.clone(), ..Default::default() };
    assert_cannot_be_shown(&shelf.service.get_order_timeline(Request::new(request)).await.unwrap_err());
    let request = WatchOrderRequest { order_id, ..Default::default() };
    assert_cannot_be_shown(&shelf.service.watch_order(Request::new(request)).await.map(drop).unwrap_err());
}

/// The revision and the reason of the next frame.
async fn told(
    frames: &mut (impl Stream<Item = Result<WatchOrderResponse, Status>> + Unpin),
) -> (i64, String) {
    let frame = soon("a frame", frames.next()).await.unwrap().unwrap();
    let Some(Frame::Order(order)) = frame.frame else { panic!("{frame:?}") };
    (order.revision, frame.parked_reason)
}

#[tokio::test]
async fn a_watcher_is_told_when_its_order_stops_and_when_it_flows_again() {
    let shelf = Shelf::open().await;
    let [order, other] = [1, 2].map(|number| Sample { number, ..Sample::default() });
    shelf.apply(&[order.created(), other.created()]).await;
    let request = WatchOrderRequest { order_id: order.id(), ..Default::default() };
    let mut frames = shelf.service.watch_order(Request::new(request.clone())).await.unwrap().into_inner();
    let poison = "it tastes of poison".to_owned();
    assert_eq!(told(&mut frames).await, (1, String::new()));
    shelf.park(&[&other]);
    assert!(frames.next().now_or_never().is_none(), "another order stops");
    shelf.park(&[&other, &order]);
    assert_eq!(told(&mut frames).await, (1, poison.clone()));
    shelf.park(&[&order]);
    assert!(frames.next().now_or_never().is_none(), "it stands as it stood");
    // A replay: the event first, and then it is known that nothing of the order is parked any more.
    shelf.apply(&[order.requested()]).await;
    assert_eq!(told(&mut frames).await, (2, poison));
    shelf.park(&[]);
    assert_eq!(told(&mut frames).await, (2, String::new()));
    let mut anew = shelf.service.watch_order(Request::new(request)).await.unwrap().into_inner();
    assert_eq!(told(&mut anew).await, (2, String::new()));
}

#[tokio::test]
async fn a_batch_tells_which_of_its_orders_are_parked_whether_they_are_shown_or_not() {
    let (shelf, known, unborn) = shelf().await;
    let nobody = Sample { number: 99, ..Sample::default() };
    let ask = |samples: &[&Sample]| {
        let order_ids = samples.iter().map(|sample| sample.id()).collect();
        shelf
            .service
            .batch_get_orders(Request::new(BatchGetOrdersRequest { order_ids, ..Default::default() }))
    };
    let answer = ask(&[&unborn, &known, &nobody, &samples()[0]]).await.unwrap().into_inner();
    assert_eq!(numbers(&answer.orders), [2, 1]);
    assert_eq!(answer.parked_order_ids, [unborn.id(), known.id()]);
    assert_eq!((answer.missing_order_ids, answer.stale), (vec![nobody.id()], true));
    assert!(!ask(&[&nobody, &samples()[0]]).await.unwrap().into_inner().stale);
}
