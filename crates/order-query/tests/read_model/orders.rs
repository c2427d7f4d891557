//! GetOrder, BatchGetOrders, GetOrderTimeline and what all queries share: read your writes.

use futures_util::future::join_all;
use ordermesh_feed::token::{ConsistencyToken, LogPosition};
use ordermesh_kernel::EventId;
use ordermesh_order_query::query::page::{Fingerprint, Place};
use ordermesh_proto::order::v1::order_query_service_server::OrderQueryService;
use ordermesh_proto::order::v1::{
    BatchGetOrdersRequest, GetOrderRequest, GetOrderTimelineRequest, OrderState, actor,
};
use tonic::{Code, Request, Status};
use tonic_types::StatusExt;
use uuid::Uuid;

use crate::support::{FEED, Sample, Shelf, numbers, place, samples};

fn get(order_id: String) -> Request<GetOrderRequest> {
    Request::new(GetOrderRequest { order_id, ..Default::default() })
}

fn reason(status: &Status) -> String {
    status.get_details_error_info().unwrap().reason
}

#[tokio::test]
async fn an_order_is_served_with_its_personal_data_and_how_old_the_answer_is() {
    let shelf = Shelf::open().await;
    let sample = samples()[0].clone();
    shelf.apply(&[sample.created()]).await;
    let answer = shelf.service.get_order(get(sample.id())).await.unwrap().into_inner();
    let order = answer.order.unwrap();
    assert_eq!((order.order_reference.as_str(), order.revision), ("shop-1", 1));
    assert_eq!(order.personal_data.unwrap().contact.unwrap().email, "mia@example.org");
    assert_eq!(answer.as_of, ConsistencyToken::from(place(&sample.created())).encode());
    assert!(!answer.stale);
}

#[tokio::test]
async fn an_order_that_does_not_exist_is_not_found_under_its_id() {
    let shelf = Shelf::open().await;
    let id = Sample::default().id();
    let status = shelf.service.get_order(get(id.clone())).await.unwrap_err();
    assert_eq!((status.code(), reason(&status).as_str()), (Code::NotFound, "ORDER_NOT_FOUND"));
    assert_eq!(status.get_details_error_info().unwrap().metadata["order_id"], id);
    let status = shelf.service.get_order(get("17".to_owned())).await.unwrap_err();
    assert_eq!((status.code(), reason(&status).as_str()), (Code::InvalidArgument, "INVALID_REQUEST"));
}

#[tokio::test]
async fn many_callers_at_once_get_each_their_own_order() {
    let shelf = Shelf::open().await;
    shelf.apply(&samples().map(|sample| sample.created())).await;
    let calls = (0..600u32).map(|call| {
        let sample = &samples()[call as usize % 5];
        let (service, id) = (&shelf.service, sample.id());
        async move { (id.clone(), service.get_order(get(id)).await.unwrap().into_inner()) }
    });
    for (id, answer) in join_all(calls).await {
        assert_eq!(answer.order.unwrap().order_id, id);
    }
}

#[tokio::test]
async fn a_batch_comes_in_the_order_of_the_request_each_order_once() {
    let shelf = Shelf::open().await;
    let samples = samples();
    shelf.apply(&samples.clone().map(|sample| sample.created())).await;
    let nobody = Sample { number: 99, ..Sample::default() };
    let order_ids = [&samples[3], &nobody, &samples[0], &samples[3]].map(Sample::id).to_vec();
    let request = BatchGetOrdersRequest { order_ids, ..Default::default() };
    let answer = shelf.service.batch_get_orders(Request::new(request)).await.unwrap().into_inner();
    assert_eq!(numbers(&answer.orders), [4, 1]);
    assert_eq!(answer.missing_order_ids, [nobody.id()]);
}

#[tokio::test]
async fn an_order_that_cannot_be_decoded_fails_only_who_asks_for_it() {
    let shelf = Shelf::open().await;
    shelf.apply(&samples().map(|sample| sample.created())).await;
    shelf.spoil(&samples()[1]).await;
    let calls = samples().map(|sample| shelf.service.get_order(get(sample.id())));
    let codes = join_all(calls).await.into_iter().map(|answer| answer.err().map(|status| status.code()));
    assert_eq!(codes.collect::<Vec<_>>(), [None, Some(Code::Internal), None, None, None]);
}

#[tokio::test]
async fn a_batch_of_large_orders_says_which_ids_to_ask_for_again() {
    let shelf = Shelf::open().await;
    let samples: Vec<_> = (1..=7).map(|number| Sample { number, ..Sample::default() }).collect();
    shelf.apply(&samples.iter().map(Sample::large).collect::<Vec<_>>()).await;
    let nobody = [98, 99].map(|number| Sample { number, ..Sample::default() }.id());
    let mut order_ids: Vec<_> = samples.iter().map(Sample::id).rev().collect();
    order_ids.insert(1, nobody[0].clone());
    order_ids.push(nobody[1].clone());
    let ask = |order_ids| {
        let request = BatchGetOrdersRequest { order_ids, ..Default::default() };
        shelf.service.batch_get_orders(Request::new(request))
    };
    let first = ask(order_ids.clone()).await.unwrap().into_inner();
    assert_eq!(numbers(&first.orders), [7, 6, 5, 4, 3]);
    assert_eq!(first.missing_order_ids, nobody[..1]);
    assert_eq!(first.remaining_order_ids, order_ids[6..]);
    let rest = ask(first.remaining_order_ids).await.unwrap().into_inner();
    assert_eq!((numbers(&rest.orders), rest.remaining_order_ids), (vec![2, 1], vec![]));
    assert_eq!(rest.missing_order_ids, nobody[1..]);
}

#[tokio::test]
async fn a_forged_place_in_a_timeline_is_no_page_token() {
    let shelf = Shelf::open().await;
    let sample = Sample::default();
    shelf.apply(&[sample.created()]).await;
    let order_id = Uuid::parse_str(&sample.id()).unwrap();
    let fingerprint = Fingerprint::of(&["GetOrderTimeline", &sample.id()]);
    for (number, order_id) in [(-1, order_id), (0, order_id), (1, Uuid::from_u128(2))] {
        let page_token = Place { currency: String::new(), number, order_id }.to_token(fingerprint);
        let request = GetOrderTimelineRequest { order_id: sample.id(), page_token, ..Default::default() };
        let status = shelf.service.get_order_timeline(Request::new(request)).await.unwrap_err();
        assert_eq!(reason(&status), "INVALID_PAGE_TOKEN", "{number}");
    }
}

#[tokio::test]
async fn a_timeline_is_told_from_the_beginning_in_pages() {
    let shelf = Shelf::open().await;
    let sample = Sample::default();
    shelf.apply(&[sample.created(), sample.requested(), sample.cancelled()]).await;
    let ask = |page_size, page_token: &str| GetOrderTimelineRequest {
        order_id: sample.id(),
        page_size,
        page_token: page_token.to_owned(),
        ..Default::default()
    };
    let first = shelf.service.get_order_timeline(Request::new(ask(2, ""))).await.unwrap().into_inner();
    let revisions: Vec<_> = first.entries.iter().map(|entry| entry.revision).collect();
    assert_eq!(revisions, [1, 2]);
    assert_eq!(first.entries[0].summary, "placed: 2 lines, 13.00 EUR");
    let rest = ask(2, &first.next_page_token);
    let rest = shelf.service.get_order_timeline(Request::new(rest)).await.unwrap().into_inner();
    let [last] = &rest.entries[..] else { panic!("{rest:?}") };
    assert_eq!((last.r#type.as_str(), last.state()), ("OrderCancelled", OrderState::Cancelled));
    assert_eq!((last.position, last.event_id.as_str()), (201, &*sample.cancelled().event_id));
    assert_eq!(last.occurred_time, sample.cancelled().occurred_time);
    assert_eq!(last.actor.clone().unwrap().kind, Some(actor::Kind::Policy("cancellation".to_owned())));
    assert_eq!((last.causation_id.as_str(), last.summary.as_str()), ("cause-3", "cancelled: too late"));
    assert_eq!(rest.next_page_token, "");
}

#[tokio::test]
async fn the_timeline_of_no_order_is_not_found() {
    let shelf = Shelf::open().await;
    let request = GetOrderTimelineRequest { order_id: Sample::default().id(), ..Default::default() };
    let status = shelf.service.get_order_timeline(Request::new(request)).await.unwrap_err();
    assert_eq!(reason(&status), "ORDER_NOT_FOUND");
}

#[tokio::test]
async fn a_query_waits_for_its_writes_and_says_so_when_they_do_not_come() {
    let shelf = Shelf::open().await;
    let sample = Sample::default();
    let request = |allow_stale| {
        let at_least = ConsistencyToken::from(place(&sample.requested())).encode();
        Request::new(GetOrderRequest { order_id: sample.id(), at_least, allow_stale })
    };
    shelf.apply(&[sample.created()]).await;
    let status = shelf.service.get_order(request(false)).await.unwrap_err();
    assert_eq!((status.code(), reason(&status).as_str()), (Code::Unavailable, "PROJECTION_BEHIND"));
    assert_eq!(status.message(), "the read model is at position 1, not yet at 101");
    assert!(status.get_details_retry_info().unwrap().retry_delay.is_some());
    let stale = shelf.service.get_order(request(true)).await.unwrap().into_inner();
    assert_eq!((stale.stale, stale.order.unwrap().revision), (true, 1));

    let requested = [sample.requested()];
    let (answer, ()) = tokio::join!(shelf.service.get_order(request(false)), shelf.apply(&requested));
    assert_eq!(answer.unwrap().into_inner().order.unwrap().revision, 2);
}

#[tokio::test]
async fn a_read_model_of_another_history_than_its_feed_answers_stale_or_not_at_all() {
    let shelf = Shelf::open().await;
    let sample = Sample::default();
    shelf.apply(&[sample.created()]).await;
    shelf.progress.send_modify(|progress| progress.diverged = true);
    let at_least = ConsistencyToken::from(place(&sample.created())).encode();
    let request = GetOrderRequest { order_id: sample.id(), at_least, allow_stale: false };
    let status = shelf.service.get_order(Request::new(request)).await.unwrap_err();
    assert_eq!(reason(&status), "PROJECTION_BEHIND");
    assert!(shelf.service.get_order(get(sample.id())).await.unwrap().into_inner().stale);
}

#[tokio::test]
async fn a_token_that_is_none_or_of_another_history_is_refused() {
    let shelf = Shelf::open().await;
    let sample = Sample::default();
    shelf.apply(&[sample.created()]).await;
    let other = EventId::from(Uuid::from_u128(77));
    let other = LogPosition { feed_id: FEED, position: 1, event_id: Some(other) };
    for (at_least, wanted) in [
        ("%%%".to_owned(), "INVALID_CONSISTENCY_TOKEN"),
        (ConsistencyToken::from(other).encode(), "FEED_DIVERGED"),
    ] {
        let request = GetOrderRequest { order_id: sample.id(), at_least, allow_stale: true };
        let status = shelf.service.get_order(Request::new(request)).await.unwrap_err();
        assert_eq!(reason(&status), wanted);
    }
}
