//! Applying events.

use ordermesh_feed::consume::HandlerError;
use ordermesh_proto::order::v1::order_query_service_server::OrderQueryService;
use ordermesh_proto::order::v1::{GetOrderRequest, OrderEvent, OrderState};
use tonic::{Code, Request};

use crate::support::{Sample, Shelf, samples};

async fn order_code(shelf: &Shelf, order_id: String) -> Code {
    let request = GetOrderRequest { order_id, ..Default::default() };
    match shelf.service.get_order(Request::new(request)).await {
        Ok(_) => Code::Ok,
        Err(status) => status.code(),
    }
}

#[tokio::test]
async fn an_order_comes_to_the_same_whether_its_events_arrive_at_once_or_one_by_one() {
    let (at_once, one_by_one) = (Shelf::open().await, Shelf::open().await);
    let sample = Sample::default();
    let events = [sample.created(), sample.requested(), sample.cancelled()];
    at_once.apply(&events).await;
    for event in &events {
        one_by_one.apply(std::slice::from_ref(event)).await;
    }
    let request = || Request::new(GetOrderRequest { order_id: sample.id(), ..Default::default() });
    let left = at_once.service.get_order(request()).await.unwrap().into_inner();
    let right = one_by_one.service.get_order(request()).await.unwrap().into_inner();
    assert_eq!(left, right);
    assert_eq!(left.order.unwrap().state(), OrderState::Cancelled);
}

#[tokio::test]
async fn an_event_that_makes_no_sense_is_refused_and_its_batch_leaves_nothing() {
    let sample = Sample::default();
    let unknown = OrderEvent { payload: None, r#type: "OrderPainted".to_owned(), ..sample.requested() };
    let no_id = OrderEvent { key: "order one".to_owned(), ..sample.created() };
    for (wrong, why) in
        [(sample.cancelled(), "revision 3"), (unknown, "OrderPainted"), (no_id, "no order id")]
    {
        let shelf = Shelf::open().await;
        let refusal = shelf.apply_to("", &[sample.created(), wrong.clone()]).await.unwrap_err();
        let HandlerError::Event { position, key, reason } = refusal else { panic!("{refusal}") };
        assert_eq!((position, key), (wrong.position, wrong.key));
        assert!(reason.contains(why), "{reason}");
        assert_eq!(order_code(&shelf, sample.id()).await, Code::NotFound);
    }
    let shelf = Shelf::open().await;
    assert!(shelf.apply_to("", &[sample.requested()]).await.is_err());
}

#[tokio::test]
async fn a_batch_of_more_orders_than_a_statement_takes_is_applied_whole() {
    let shelf = Shelf::open().await;
    let samples: Vec<_> = (1..=255).map(|number| Sample { number, ..samples()[0].clone() }).collect();
    let events: Vec<_> = samples.iter().map(Sample::created).collect();
    shelf.apply(&events).await;
    for sample in [&samples[0], &samples[127], &samples[254]] {
        assert_eq!(order_code(&shelf, sample.id()).await, Code::Ok);
    }
}
