//! The reasons of an order under way, and of the queue of what needs a person.

use ordermesh_proto::attention::v1::attention_service_client::AttentionServiceClient;
use ordermesh_proto::attention::v1::{ListAttentionItemsRequest, RetryAttentionItemRequest};
use ordermesh_proto::order::v1::{
    ApproveReturnRequest, CancelOrderLinesRequest, ConfirmShipmentDeliveryRequest, DispatchShipmentRequest,
    HoldOrderRequest, LineQuantity, Order, OrderState, PaymentStatus, ReleaseOrderHoldRequest,
    RequestReturnRequest, RetryPaymentRequest,
};
use ordermesh_testkit::order::fresh_id;
use ordermesh_testkit::{Server, Shop, cancel, client, order};
use tonic::Status;

use crate::{BINARY, compare};

/// Reasons whose pages are compared here.
pub const LIFE: [&str; 12] = [
    "HOLD_NOT_FOUND",
    "LINE_NOT_FOUND",
    "ORDER_HELD",
    "ORDER_PARTLY_SHIPPED",
    "PAYMENT_NOT_CAPTURED",
    "PAYMENT_NOT_RETRYABLE",
    "QUANTITY_EXCEEDED",
    "RETURN_NOT_FOUND",
    "RETURN_STATE_FORBIDS",
    "SHIPMENT_ENDED",
    "SHIPMENT_NOT_FOUND",
    "TOO_MANY_PARTS",
];
pub const ATTENTION: [&str; 2] = ["ATTENTION_ITEM_FORBIDS", "ATTENTION_ITEM_NOT_FOUND"];

fn lines(line_id: i32, quantity: i32) -> Vec<LineQuantity> {
    vec![LineQuantity { line_id, quantity }]
}

fn dispatch(order_id: &str, line_id: i32, quantity: i32) -> DispatchShipmentRequest {
    DispatchShipmentRequest {
        request_id: fresh_id(),
        order_id: order_id.to_owned(),
        lines: lines(line_id, quantity),
        ..DispatchShipmentRequest::default()
    }
}

fn hold(order_id: &str) -> HoldOrderRequest {
    HoldOrderRequest { request_id: fresh_id(), order_id: order_id.to_owned(), ..HoldOrderRequest::default() }
}

fn release(order_id: &str, hold_id: &str) -> ReleaseOrderHoldRequest {
    ReleaseOrderHoldRequest {
        request_id: fresh_id(),
        order_id: order_id.to_owned(),
        hold_id: hold_id.to_owned(),
        ..ReleaseOrderHoldRequest::default()
    }
}

fn deliver(order_id: &str, shipment_id: &str) -> ConfirmShipmentDeliveryRequest {
    ConfirmShipmentDeliveryRequest {
        request_id: fresh_id(),
        order_id: order_id.to_owned(),
        shipment_id: shipment_id.to_owned(),
        expected_revision: None,
    }
}

fn approve(order_id: &str, return_id: &str) -> ApproveReturnRequest {
    ApproveReturnRequest {
        request_id: fresh_id(),
        order_id: order_id.to_owned(),
        return_id: return_id.to_owned(),
        expected_revision: None,
    }
}

fn payment_is(wanted: PaymentStatus) -> impl Fn(&Order) -> bool {
    move |order| order.status.as_ref().is_some_and(|status| status.payment() == wanted)
}

async fn place(shop: &Shop, card: &str) -> String {
    let card = card.to_owned();
    let request = order("TEA", 3, 450).with_line("TEA", 2, 450, 0);
    shop.place(request.with(|request| request.payment_method_token = card)).await
}

#[tokio::test(flavor = "multi_thread")]
async fn what_a_command_on_an_order_under_way_is_refused_with_is_on_its_page() {
    let server = Server::shop(BINARY).await;
    let shop = Shop::in_one(&server);
    shop.receive("TEA", "main", 100).await;
    let id = place(&shop, "tok_approve").await;
    let acting = place(&shop, "tok_3ds").await;
    let failing = place(&shop, "tok_capture_fails").await;
    shop.until_it(&id, payment_is(PaymentStatus::Captured)).await;
    let mut commands = shop.commands();
    let mut answers: Vec<Status> = Vec::new();

    let cancel_lines = CancelOrderLinesRequest {
        request_id: fresh_id(),
        order_id: id.clone(),
        lines: lines(9, 1),
        ..CancelOrderLinesRequest::default()
    };
    answers.push(commands.cancel_order_lines(cancel_lines).await.unwrap_err());
    answers.push(commands.dispatch_shipment(dispatch(&id, 1, 4)).await.unwrap_err());
    answers.push(commands.release_order_hold(release(&id, &fresh_id())).await.unwrap_err());
    answers.push(commands.confirm_shipment_delivery(deliver(&id, &fresh_id())).await.unwrap_err());
    answers.push(commands.approve_return(approve(&id, &fresh_id())).await.unwrap_err());

    let held = commands.hold_order(hold(&id)).await.unwrap().into_inner();
    answers.push(commands.dispatch_shipment(dispatch(&id, 1, 1)).await.unwrap_err());
    commands.release_order_hold(release(&id, &held.hold_id)).await.unwrap();
    let shipment = commands.dispatch_shipment(dispatch(&id, 1, 1)).await.unwrap().into_inner().shipment_id;
    answers.push(commands.cancel_order(cancel(&id)).await.unwrap_err());
    commands.confirm_shipment_delivery(deliver(&id, &shipment)).await.unwrap();
    answers.push(commands.confirm_shipment_delivery(deliver(&id, &shipment)).await.unwrap_err());
    let back = RequestReturnRequest {
        request_id: fresh_id(),
        order_id: id.clone(),
        lines: lines(1, 1),
        ..RequestReturnRequest::default()
    };
    let back = commands.request_return(back).await.unwrap().into_inner().return_id;
    commands.approve_return(approve(&id, &back)).await.unwrap();
    answers.push(commands.approve_return(approve(&id, &back)).await.unwrap_err());

    shop.until_it(&acting, payment_is(PaymentStatus::ActionRequired)).await;
    let retry = RetryPaymentRequest {
        request_id: fresh_id(),
        order_id: acting.clone(),
        payment_method_token: "tok_approve".to_owned(),
        expected_revision: None,
    };
    answers.push(commands.retry_payment(retry).await.unwrap_err());
    let failing = shop.until_it(&failing, |order| !order.holds.is_empty()).await;
    assert_eq!(failing.state(), OrderState::Confirmed);
    commands.release_order_hold(release(&failing.order_id, &failing.holds[0].hold_id)).await.unwrap();
    answers.push(commands.dispatch_shipment(dispatch(&failing.order_id, 1, 1)).await.unwrap_err());
    for _ in 0..100 {
        commands.hold_order(hold(&acting)).await.unwrap();
    }
    answers.push(commands.hold_order(hold(&acting)).await.unwrap_err());
    compare(&LIFE, &answers);
}

#[tokio::test]
async fn what_the_queue_of_what_needs_a_person_refuses_is_on_its_page() {
    let server = Server::scratch(BINARY).await;
    let placed = server.commands().place_order(order("TEA", 1, 450)).await.unwrap().into_inner();
    server.commands().hold_order(hold(&placed.order_id)).await.unwrap();
    let mut queue = AttentionServiceClient::new(client::channel(server.addr()));
    let items = queue.list_attention_items(ListAttentionItemsRequest::default()).await.unwrap().into_inner();
    let held = RetryAttentionItemRequest { item_id: items.items[0].item_id.clone() };
    let unknown = RetryAttentionItemRequest { item_id: format!("order-command.holds/{}", fresh_id()) };
    let answers = vec![
        queue.retry_attention_item(held).await.unwrap_err(),
        queue.retry_attention_item(unknown).await.unwrap_err(),
    ];
    compare(&ATTENTION, &answers);
}
