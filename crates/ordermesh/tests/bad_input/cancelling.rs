//! Cancellations that name no order or break a rule.

use ordermesh_proto::order::v1::CancelOrderRequest;
use ordermesh_testkit::order::fresh_id;
use ordermesh_testkit::{assert_refused, cancel};
use tonic::Code;

use crate::{assert_nothing_written, untouched_server};

#[tokio::test]
async fn a_malformed_cancellation_is_refused_by_its_field() {
    let server = untouched_server().await;
    let mut commands = server.commands();
    let id = fresh_id();
    let with = |change: &dyn Fn(&mut CancelOrderRequest)| {
        let mut request = cancel(&id);
        change(&mut request);
        request
    };
    let braced = format!("{{{id}}}");
    let bare = id.replace('-', "");
    let cases = [
        (cancel(""), "order_id"),
        (cancel("7"), "order_id"),
        (cancel(&braced), "order_id"),
        (cancel(&bare), "order_id"),
        (with(&|request| request.request_id.clear()), "request_id"),
        (with(&|request| request.request_id = "a b".to_owned()), "request_id"),
        (with(&|request| request.reason = "x".repeat(501)), "reason"),
        (with(&|request| request.reason = "a\0b".to_owned()), "reason"),
        (with(&|request| request.expected_revision = Some(0)), "expected_revision"),
        (with(&|request| request.expected_revision = Some(-1)), "expected_revision"),
    ];
    for (request, field) in cases {
        eprintln!("case: {request:?}");
        let refused = commands.cancel_order(request).await;
        assert_refused(refused, Code::InvalidArgument, "INVALID_REQUEST", Some(field));
    }
    assert_nothing_written(server).await;
}

#[tokio::test]
async fn an_order_that_does_not_exist_cannot_be_cancelled() {
    let server = untouched_server().await;
    let id = fresh_id();
    let refused = server.commands().cancel_order(cancel(&id)).await;
    let refusal = assert_refused(refused, Code::NotFound, "ORDER_NOT_FOUND", Some("order_id"));
    assert_eq!(refusal.metadata["order_id"], id);
    assert_nothing_written(server).await;
}
