//! WatchOrder.

use futures_util::{FutureExt, StreamExt};
use ordermesh_feed::project::Projection;
use ordermesh_proto::feed::v1::ClosingReason;
use ordermesh_proto::order::v1::order_query_service_server::OrderQueryService;
use ordermesh_proto::order::v1::watch_order_response::Frame;
use ordermesh_proto::order::v1::{Order, WatchOrderRequest, WatchOrderResponse};
use ordermesh_testkit::wait::soon;
use sea_orm::ConnectionTrait;
use tonic::{Code, Request};

use crate::support::{Sample, Shelf};

fn watch(sample: &Sample) -> Request<WatchOrderRequest> {
    Request::new(WatchOrderRequest { order_id: sample.id(), ..Default::default() })
}

fn order(frame: WatchOrderResponse) -> Order {
    let Some(Frame::Order(order)) = frame.frame else { panic!("{frame:?}") };
    order
}

#[tokio::test]
async fn a_watcher_sees_the_order_now_and_after_each_change() {
    let shelf = Shelf::open().await;
    let sample = Sample::default();
    shelf.apply(&[sample.created()]).await;
    let mut frames = shelf.service.watch_order(watch(&sample)).await.unwrap().into_inner();
    assert_eq!(order(frames.next().await.unwrap().unwrap()).revision, 1);
    assert!(frames.next().now_or_never().is_none());

    shelf.apply(&[Sample { number: 2, ..sample.clone() }.created()]).await;
    assert!(frames.next().now_or_never().is_none());
    shelf.apply(&[sample.requested()]).await;
    assert_eq!(order(frames.next().await.unwrap().unwrap()).revision, 2);
}

#[tokio::test]
async fn changes_in_quick_succession_are_joined() {
    let shelf = Shelf::open().await;
    let sample = Sample::default();
    shelf.apply(&[sample.created()]).await;
    let mut frames = shelf.service.watch_order(watch(&sample)).await.unwrap().into_inner();
    shelf.apply(&[sample.requested()]).await;
    shelf.apply(&[sample.cancelled()]).await;
    assert_eq!(order(frames.next().await.unwrap().unwrap()).revision, 1);
    assert_eq!(order(frames.next().await.unwrap().unwrap()).revision, 3);
    assert!(frames.next().now_or_never().is_none());
}

#[tokio::test]
async fn a_shutdown_closes_the_stream_and_says_why() {
    let shelf = Shelf::open().await;
    let sample = Sample::default();
    shelf.apply(&[sample.created()]).await;
    let mut frames = shelf.service.watch_order(watch(&sample)).await.unwrap().into_inner();
    let now = frames.next().await.unwrap().unwrap();
    shelf.shutdown.cancel();
    let last = frames.next().await.unwrap().unwrap();
    assert_eq!(last.as_of, now.as_of);
    let Some(Frame::Closing(closing)) = last.frame else { panic!("{last:?}") };
    assert_eq!(closing.reason(), ClosingReason::ServerShutdown);
    assert!(frames.next().await.is_none());
}

#[tokio::test]
async fn an_order_that_does_not_exist_cannot_be_watched() {
    let shelf = Shelf::open().await;
    let refusal = shelf.service.watch_order(watch(&Sample::default())).await.map(|_| ()).unwrap_err();
    assert_eq!(refusal.code(), Code::NotFound);
}

#[tokio::test]
async fn a_watcher_sees_what_another_replica_has_applied() {
    let shelf = Shelf::open().await;
    let sample = Sample::default();
    shelf.apply(&[sample.created()]).await;
    let mut frames = shelf.service.watch_order(watch(&sample)).await.unwrap().into_inner();
    assert_eq!(order(frames.next().await.unwrap().unwrap()).revision, 1);
    shelf.apply_to("", &[sample.requested()]).await.unwrap();
    assert!(frames.next().now_or_never().is_none());
    shelf.projection.applied_elsewhere();
    assert_eq!(order(frames.next().await.unwrap().unwrap()).revision, 2);
    // Nothing has changed: nothing is told.
    shelf.projection.applied_elsewhere();
    assert!(frames.next().now_or_never().is_none());
}

#[tokio::test]
async fn a_watcher_of_an_order_that_a_rebuild_does_not_have_is_told_that_there_is_none() {
    let shelf = Shelf::open().await;
    let sample = Sample::default();
    shelf.apply(&[sample.created()]).await;
    let mut frames = shelf.service.watch_order(watch(&sample)).await.unwrap().into_inner();
    frames.next().await.unwrap().unwrap();
    shelf.writer.execute_unprepared("DELETE FROM order_views").await.unwrap();
    shelf.projection.applied_elsewhere();
    let end = soon("the end", frames.next()).await.unwrap().unwrap_err();
    assert_eq!(end.code(), Code::NotFound);
    assert!(frames.next().await.is_none());
}
