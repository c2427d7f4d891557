//! Commands on an order under way, and on the queue of what needs a person, that break a rule.

use ordermesh_proto::attention::v1::attention_service_client::AttentionServiceClient;
use ordermesh_proto::attention::v1::{
    ListAttentionItemsRequest, ResolveAttentionItemRequest, RetryAttentionItemRequest,
};
use ordermesh_proto::order::v1::{
    AddOrderNoteRequest, ApproveReturnRequest, CancelOrderLinesRequest, ConfirmShipmentDeliveryRequest,
    DispatchShipmentRequest, HoldOrderRequest, LineQuantity, ReceiveReturnRequest, ReceivedLine,
    RejectReturnRequest, ReleaseOrderHoldRequest, ReportShipmentLossRequest, RequestReturnRequest,
    RetryPaymentRequest, ReturnCondition,
};
use ordermesh_proto::payment::v1::payment_command_service_client::PaymentCommandServiceClient;
use ordermesh_proto::payment::v1::payment_query_service_client::PaymentQueryServiceClient;
use ordermesh_proto::payment::v1::{
    CompletePaymentActionRequest, ListPaymentsRequest, PaymentActionResult, PaymentOperationResolution,
    ResolvePaymentOperationRequest,
};
use ordermesh_testkit::order::fresh_id;
use ordermesh_testkit::{Server, assert_refused, client};
use tonic::Code;

use crate::{BINARY, assert_nothing_written, untouched_server};

fn pieces(line_id: i32, quantity: i32) -> LineQuantity {
    LineQuantity { line_id, quantity }
}

fn received(condition: i32) -> Vec<ReceivedLine> {
    vec![ReceivedLine { line_id: 1, accepted_quantity: 1, condition }]
}

/// Sends valid requests with one thing changed; each must be refused by that field.
macro_rules! refused {
    ($client:expr, $method:ident, $valid:expr; $($change:expr => $field:literal),* $(,)?) => {$({
        let mut request = $valid;
        let change: &dyn Fn(&mut _) = &$change;
        change(&mut request);
        let shown = format!("{request:?}");
        eprintln!("case: {}", shown.get(..300).unwrap_or(&shown));
        let refused = $client.$method(request).await.map(drop);
        assert_refused(refused, Code::InvalidArgument, "INVALID_REQUEST", Some($field));
    })*};
}

/// The same for a command on an order: with what all of them have, and fields of its own.
macro_rules! command {
    ($server:expr, $method:ident, $request:ident { $($own:ident: $value:expr),* $(,)? };
        $($change:expr => $field:literal),* $(,)?) => {{
        let valid = || $request {
            request_id: fresh_id(),
            order_id: fresh_id(),
            expected_revision: None,
            $($own: $value,)*
        };
        let mut commands = $server.commands();
        refused!(commands, $method, valid();
            |it: &mut $request| it.request_id.clear() => "request_id",
            |it: &mut $request| it.request_id = "x".repeat(129) => "request_id",
            |it: &mut $request| it.order_id = "7".to_owned() => "order_id",
            |it: &mut $request| it.expected_revision = Some(0) => "expected_revision",
            $($change => $field),*
        );
        // All that is wrong with a valid one is that there is no such order.
        let refused = commands.$method(valid()).await.map(drop);
        assert_refused(refused, Code::NotFound, "ORDER_NOT_FOUND", Some("order_id"));
    }};
}

#[tokio::test]
async fn a_command_on_an_order_that_breaks_a_rule_is_refused_by_its_field() {
    let server = untouched_server().await;
    let (long, nul) = (|| "x".repeat(501), || "a\0b".to_owned());
    command!(server, cancel_order_lines,
        CancelOrderLinesRequest { lines: vec![pieces(1, 1)], reason: String::new() };
        |it: &mut CancelOrderLinesRequest| it.lines.clear() => "lines",
        |it: &mut CancelOrderLinesRequest| it.lines = vec![pieces(1, 1); 1001] => "lines",
        |it: &mut CancelOrderLinesRequest| it.lines = vec![pieces(1, 1), pieces(1, 2)] => "lines[1].line_id",
        |it: &mut CancelOrderLinesRequest| it.lines = vec![pieces(0, 1)] => "lines[0].line_id",
        |it: &mut CancelOrderLinesRequest| it.lines = vec![pieces(1, 0)] => "lines[0].quantity",
        |it: &mut CancelOrderLinesRequest| it.lines = vec![pieces(1, 1_000_001)] => "lines[0].quantity",
        |it: &mut CancelOrderLinesRequest| it.reason = long() => "reason",
    );
    command!(server, hold_order, HoldOrderRequest { note: String::new() };
        |it: &mut HoldOrderRequest| it.note = long() => "note",
        |it: &mut HoldOrderRequest| it.note = nul() => "note",
    );
    command!(server, release_order_hold, ReleaseOrderHoldRequest { hold_id: fresh_id(), note: String::new() };
        |it: &mut ReleaseOrderHoldRequest| it.hold_id.clear() => "hold_id",
        |it: &mut ReleaseOrderHoldRequest| it.note = nul() => "note",
    );
    command!(server, retry_payment, RetryPaymentRequest { payment_method_token: "tok".to_owned() };
        |it: &mut RetryPaymentRequest| it.payment_method_token.clear() => "payment_method_token",
        |it: &mut RetryPaymentRequest| it.payment_method_token = "x".repeat(257) => "payment_method_token",
        |it: &mut RetryPaymentRequest| it.payment_method_token = "a b".to_owned() => "payment_method_token",
    );
    command!(server, dispatch_shipment, DispatchShipmentRequest {
            lines: vec![pieces(1, 1)],
            carrier: String::new(),
            tracking_number: String::new(),
        };
        |it: &mut DispatchShipmentRequest| it.lines.clear() => "lines",
        |it: &mut DispatchShipmentRequest| it.carrier = "x".repeat(101) => "carrier",
        |it: &mut DispatchShipmentRequest| it.carrier = "a\nb".to_owned() => "carrier",
        |it: &mut DispatchShipmentRequest| it.tracking_number = "x".repeat(101) => "tracking_number",
    );
    command!(server, confirm_shipment_delivery, ConfirmShipmentDeliveryRequest { shipment_id: fresh_id() };
        |it: &mut ConfirmShipmentDeliveryRequest| it.shipment_id = "7".to_owned() => "shipment_id",
    );
    command!(server, report_shipment_loss,
        ReportShipmentLossRequest { shipment_id: fresh_id(), reason: String::new() };
        |it: &mut ReportShipmentLossRequest| it.shipment_id.clear() => "shipment_id",
        |it: &mut ReportShipmentLossRequest| it.reason = long() => "reason",
    );
    assert_nothing_written(server).await;
}

#[tokio::test]
async fn a_command_on_returns_and_notes_that_breaks_a_rule_is_refused_by_its_field() {
    let server = untouched_server().await;
    let resaleable = ReturnCondition::Resaleable as i32;
    command!(server, request_return, RequestReturnRequest { lines: vec![pieces(1, 1)], reason: String::new() };
        |it: &mut RequestReturnRequest| it.lines.clear() => "lines",
        |it: &mut RequestReturnRequest| it.lines = vec![pieces(-1, 1)] => "lines[0].line_id",
        |it: &mut RequestReturnRequest| it.reason = "x".repeat(501) => "reason",
    );
    command!(server, approve_return, ApproveReturnRequest { return_id: fresh_id() };
        |it: &mut ApproveReturnRequest| it.return_id.clear() => "return_id",
    );
    command!(server, reject_return, RejectReturnRequest { return_id: fresh_id(), reason: String::new() };
        |it: &mut RejectReturnRequest| it.return_id.clear() => "return_id",
        |it: &mut RejectReturnRequest| it.reason = "a\0b".to_owned() => "reason",
    );
    command!(server, receive_return,
        ReceiveReturnRequest { return_id: fresh_id(), lines: received(resaleable) };
        |it: &mut ReceiveReturnRequest| it.return_id.clear() => "return_id",
        |it: &mut ReceiveReturnRequest| it.lines = received(0) => "lines[0].condition",
        |it: &mut ReceiveReturnRequest| it.lines = received(99) => "lines[0].condition",
        |it: &mut ReceiveReturnRequest| it.lines[0].accepted_quantity = 0 => "lines[0].accepted_quantity",
        |it: &mut ReceiveReturnRequest| it.lines[0].line_id = 0 => "lines[0].line_id",
        |it: &mut ReceiveReturnRequest| it.lines = vec![received(resaleable)[0]; 2] => "lines[1].line_id",
        |it: &mut ReceiveReturnRequest| it.lines = vec![received(resaleable)[0]; 2001] => "lines",
    );
    command!(server, add_order_note, AddOrderNoteRequest { text: "called".to_owned() };
        |it: &mut AddOrderNoteRequest| it.text.clear() => "text",
        |it: &mut AddOrderNoteRequest| it.text = "x".repeat(2001) => "text",
    );
    assert_nothing_written(server).await;
}

#[tokio::test]
async fn a_wish_about_what_needs_a_person_that_breaks_a_rule_is_refused_by_its_field() {
    let server = untouched_server().await;
    let mut queue = AttentionServiceClient::new(client::channel(server.addr()));
    refused!(queue, list_attention_items, ListAttentionItemsRequest::default();
        |it: &mut ListAttentionItemsRequest| it.page_size = -1 => "page_size",
        |it: &mut ListAttentionItemsRequest| it.page_size = 201 => "page_size",
        |it: &mut ListAttentionItemsRequest| it.source = "nobody".to_owned() => "source",
    );
    for page_token in ["garbage", "order-command.holds>x", ">no-slash"] {
        let request = ListAttentionItemsRequest { page_token: page_token.to_owned(), ..Default::default() };
        let refused = queue.list_attention_items(request).await;
        assert_refused(refused, Code::InvalidArgument, "INVALID_PAGE_TOKEN", Some("page_token"));
    }
    refused!(queue, retry_attention_item, RetryAttentionItemRequest::default();
        |_: &mut RetryAttentionItemRequest| () => "item_id",
        |it: &mut RetryAttentionItemRequest| it.item_id = "x".repeat(513) => "item_id",
    );
    let resolve = || ResolveAttentionItemRequest {
        item_id: format!("order-command.holds/{}", fresh_id()),
        resolution: "RELEASED".to_owned(),
        note: "seen".to_owned(),
    };
    refused!(queue, resolve_attention_item, resolve();
        |it: &mut ResolveAttentionItemRequest| it.item_id.clear() => "item_id",
        |it: &mut ResolveAttentionItemRequest| it.resolution.clear() => "resolution",
        |it: &mut ResolveAttentionItemRequest| it.note.clear() => "note",
        |it: &mut ResolveAttentionItemRequest| it.note = "x".repeat(501) => "note",
        |it: &mut ResolveAttentionItemRequest| it.note = "a\0b".to_owned() => "note",
    );
    let refused = queue.resolve_attention_item(resolve()).await;
    assert_refused(refused, Code::NotFound, "ATTENTION_ITEM_NOT_FOUND", Some("item_id"));
    assert_nothing_written(server).await;
}

#[tokio::test]
async fn a_wish_about_payments_with_an_unknown_word_is_refused_by_its_field() {
    let server = Server::shop(BINARY).await;
    let channel = client::channel(server.addr());
    let mut commands = PaymentCommandServiceClient::new(channel.clone());
    let complete = || CompletePaymentActionRequest {
        request_id: fresh_id(),
        payment_id: fresh_id(),
        result: PaymentActionResult::Done.into(),
    };
    refused!(commands, complete_payment_action, complete();
        |it: &mut CompletePaymentActionRequest| it.result = 0 => "result",
        |it: &mut CompletePaymentActionRequest| it.result = 99 => "result",
    );
    let resolve = || ResolvePaymentOperationRequest {
        request_id: fresh_id(),
        payment_id: fresh_id(),
        operation: 1,
        resolution: PaymentOperationResolution::Done.into(),
        note: "seen".to_owned(),
    };
    refused!(commands, resolve_payment_operation, resolve();
        |it: &mut ResolvePaymentOperationRequest| it.resolution = 0 => "resolution",
        |it: &mut ResolvePaymentOperationRequest| it.resolution = 99 => "resolution",
    );
    let mut queries = PaymentQueryServiceClient::new(channel);
    refused!(queries, list_payments, ListPaymentsRequest::default();
        |it: &mut ListPaymentsRequest| it.status = 99 => "status",
    );
    assert_nothing_written(server).await;
}
