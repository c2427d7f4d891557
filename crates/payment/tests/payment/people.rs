//! What people see and do: lists, retries, and their word for what has happened.

use ordermesh_proto::attention::v1::attention_service_client::AttentionServiceClient;
use ordermesh_proto::attention::v1::{
    ListAttentionItemsRequest, ResolveAttentionItemRequest, RetryAttentionItemRequest,
};
use ordermesh_proto::payment::v1::{
    CompletePaymentActionRequest, GetPaymentRequest, ListPaymentsRequest, PaymentActionResult,
    PaymentOperationKind, PaymentOperationResolution, PaymentStatus, ResolvePaymentOperationRequest,
    RetryPaymentOperationRequest,
};
use ordermesh_testkit::client::channel;
use ordermesh_testkit::{assert_refused, eventually};
use tonic::Code;

use crate::house::{House, Server, with_card};
use crate::orders::{Fact, Order};

/// A payment whose refund has failed, and waits for an hour.
async fn failing_refund() -> (House, Server, Order, i32) {
    let mut house = House::open().await;
    house.set("operations.retry_ms", "3600000");
    let (server, order) = (house.start().await, Order::new());
    house.orders.tell(&order, 1, 100, Fact::Created("tok_refund_fails")).await;
    house.orders.tell(&order, 2, 100, Fact::Confirmed).await;
    server.reaches(&order, PaymentStatus::Captured).await;
    house.orders.tell(&order, 3, 0, Fact::Cancelled).await;
    let number = eventually!(
        {
            let payment = server.payment(&order).await.unwrap();
            payment.operations.iter().find(|operation| operation.needs_person).map(|open| open.number)
        },
        "the refund fails"
    );
    (house, server, order, number)
}

fn retry(order: &Order, operation: i32, request_id: &str) -> RetryPaymentOperationRequest {
    let (request_id, payment_id) = (request_id.to_owned(), order.id.to_string());
    RetryPaymentOperationRequest { request_id, payment_id, operation }
}

fn resolve(order: &Order, operation: i32) -> ResolvePaymentOperationRequest {
    ResolvePaymentOperationRequest {
        request_id: "resolve".to_owned(),
        payment_id: order.id.to_string(),
        operation,
        resolution: PaymentOperationResolution::Done.into(),
        note: "sent by bank transfer".to_owned(),
    }
}

#[tokio::test]
async fn a_failing_refund_is_listed_and_is_tried_again_when_a_person_says_so() {
    let (house, server, order, number) = failing_refund().await;
    let wanted = ListPaymentsRequest { needs_person: true, ..Default::default() };
    let listed = server.queries().list_payments(wanted.clone()).await.unwrap().into_inner().payments;
    assert_eq!(listed.len(), 1);
    let operation = &listed[0].operations[0];
    assert_eq!((operation.kind(), operation.failures), (PaymentOperationKind::Refund, 1));
    assert!(operation.last_error.contains("refund_refused"), "{operation:?}");
    for request_id in ["first", "second"] {
        let answer = server.commands().retry_payment_operation(retry(&order, number, request_id)).await;
        assert!(!answer.unwrap().into_inner().replayed);
        let wanted = if request_id == "first" { 2 } else { 0 };
        eventually!(
            {
                let payment = server.payment(&order).await.unwrap();
                let open = payment.operations.iter().find(|operation| operation.needs_person);
                open.map_or(0, |open| open.failures) == wanted
            },
            "it is tried again"
        );
    }
    server.reaches(&order, PaymentStatus::Refunded).await;
    assert!(server.queries().list_payments(wanted).await.unwrap().into_inner().payments.is_empty());
    assert_eq!(house.kept(&order).await, 0);
    let replay = server.commands().retry_payment_operation(retry(&order, number, "first")).await;
    assert!(replay.unwrap().into_inner().replayed);
}

#[tokio::test]
async fn a_persons_word_settles_a_failing_refund_and_is_kept_with_who_said_it() {
    let (_house, server, order, number) = failing_refund().await;
    let answer = server.commands().resolve_payment_operation(resolve(&order, number)).await.unwrap();
    assert_eq!(answer.into_inner().status(), PaymentStatus::Refunded);
    let payment = server.payment(&order).await.unwrap();
    let operation = payment.operations.iter().find(|operation| operation.number == number).unwrap();
    assert_eq!(operation.last_actor, "workload:anonymous");
    assert!(operation.last_action.contains("sent by bank transfer"), "{operation:?}");
    let expected = ["PaymentAuthorized", "PaymentCaptured", "RefundFailed", "PaymentRefunded"];
    server.publishes(&order, &expected).await;
}

#[tokio::test]
async fn what_cannot_be_is_refused_and_changes_nothing() {
    let (house, server, order) = with_card("tok_approve").await;
    let before = server.reaches(&order, PaymentStatus::Authorized).await;
    let mut commands = server.commands();
    let refused = commands.retry_payment_operation(retry(&order, 7, "a")).await;
    assert_refused(refused, Code::FailedPrecondition, "PAYMENT_OPERATION_NOT_OPEN", Some("operation"));
    let refused = commands.resolve_payment_operation(resolve(&order, 7)).await;
    assert_refused(refused, Code::FailedPrecondition, "PAYMENT_OPERATION_NOT_OPEN", Some("operation"));
    let stranger = Order::new();
    let refused = commands.retry_payment_operation(retry(&stranger, 1, "b")).await;
    assert_refused(refused, Code::NotFound, "PAYMENT_NOT_FOUND", Some("payment_id"));
    let act = CompletePaymentActionRequest {
        request_id: "c".to_owned(),
        payment_id: order.id.to_string(),
        result: PaymentActionResult::Done.into(),
    };
    let refused = commands.complete_payment_action(act.clone()).await;
    assert_refused(refused, Code::FailedPrecondition, "PAYMENT_ACTION_NOT_REQUIRED", None);
    let nothing = CompletePaymentActionRequest { result: 0, payment_id: "x".to_owned(), ..act };
    let refused = commands.complete_payment_action(nothing).await;
    assert_refused(refused, Code::InvalidArgument, "INVALID_REQUEST", Some("payment_id"));
    let unknown = GetPaymentRequest { payment_id: stranger.id.to_string() };
    let refused = server.queries().get_payment(unknown).await;
    assert_refused(refused, Code::NotFound, "PAYMENT_NOT_FOUND", Some("payment_id"));
    assert_eq!(server.payment(&order).await.unwrap(), before);
    let waiting = Order::new();
    house.orders.tell(&waiting, 1, 100, Fact::Created("tok_3ds")).await;
    let number =
        server.reaches(&waiting, PaymentStatus::ActionRequired).await.operations.last().unwrap().number;
    let refused = commands.resolve_payment_operation(resolve(&waiting, number)).await;
    assert_refused(refused, Code::FailedPrecondition, "PAYMENT_OPERATION_NOT_FAILED", None);
}

#[tokio::test]
async fn payments_are_listed_in_pages_by_status_the_last_changed_first() {
    let house = House::open().await;
    let server = house.start().await;
    let mut ids = Vec::new();
    for token in ["tok_approve", "tok_decline", "tok_approve", "tok_approve"] {
        let order = Order::new();
        house.orders.tell(&order, 1, 100, Fact::Created(token)).await;
        let status = if token == "tok_decline" { PaymentStatus::Declined } else { PaymentStatus::Authorized };
        server.reaches(&order, status).await;
        if status == PaymentStatus::Authorized {
            ids.insert(0, order.id.to_string());
        }
    }
    let mut request = ListPaymentsRequest {
        status: PaymentStatus::Authorized.into(),
        page_size: 2,
        ..ListPaymentsRequest::default()
    };
    let mut found = Vec::new();
    loop {
        let page = server.queries().list_payments(request.clone()).await.unwrap().into_inner();
        found.extend(page.payments.into_iter().map(|payment| payment.payment_id));
        if page.next_page_token.is_empty() {
            break;
        }
        request.page_token = page.next_page_token;
    }
    assert_eq!(found, ids);
    let other = ListPaymentsRequest { status: PaymentStatus::Declined.into(), ..request };
    let refused = server.queries().list_payments(other).await;
    assert_refused(refused, Code::InvalidArgument, "INVALID_PAGE_TOKEN", Some("page_token"));
}

#[tokio::test]
async fn the_queue_of_what_needs_a_person_has_a_failing_refund_and_settles_it() {
    let (house, server, order, number) = failing_refund().await;
    let mut queue = AttentionServiceClient::new(channel(&server.address));
    let list = ListAttentionItemsRequest::default();
    let items = queue.list_attention_items(list.clone()).await.unwrap().into_inner().items;
    assert_eq!(items.len(), 1);
    assert_eq!((items[0].kind.as_str(), &items[0].subject), ("REFUND_FAILED", &order.id.to_string()));
    let item_id = items[0].item_id.clone();
    queue.retry_attention_item(RetryAttentionItemRequest { item_id: item_id.clone() }).await.unwrap();
    let failures = async || {
        let payment = server.payment(&order).await.unwrap();
        payment.operations.iter().find(|own| own.number == number).map(|own| own.failures)
    };
    eventually!(failures().await == Some(2), "it is tried again");
    let (resolution, note) = ("NOT_DONE".to_owned(), "the bank has nothing of it".to_owned());
    let resolve = ResolveAttentionItemRequest { item_id, resolution, note };
    queue.resolve_attention_item(resolve).await.unwrap();
    server.reaches(&order, PaymentStatus::Refunded).await;
    assert!(queue.list_attention_items(list).await.unwrap().into_inner().items.is_empty());
    assert_eq!(house.kept(&order).await, 0);
}
