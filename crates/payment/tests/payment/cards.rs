//! Every card of the sandbox, from the order to what it comes to.

use ordermesh_proto::payment::v1::payment_event::Payload;
use ordermesh_proto::payment::v1::{
    CompletePaymentActionRequest, PaymentActionResult, PaymentDeclined, PaymentStatus,
};

use crate::house::{House, Server, with_card};
use crate::orders::{Fact, Order};

async fn declined(server: &Server, order: &Order) -> PaymentDeclined {
    server.reaches(order, PaymentStatus::Declined).await;
    let event = server.events(order).await.pop().unwrap();
    let Payload::PaymentDeclined(declined) = event.payload.unwrap() else { panic!("not a decline") };
    declined
}

async fn act(server: &Server, order: &Order, result: PaymentActionResult) {
    let request = CompletePaymentActionRequest {
        request_id: "act".to_owned(),
        payment_id: order.id.to_string(),
        result: result.into(),
    };
    server.commands().complete_payment_action(request).await.unwrap();
}

#[tokio::test]
async fn tok_approve_is_authorized_captured_and_given_back() {
    let (house, server, order) = with_card("tok_approve").await;
    server.reaches(&order, PaymentStatus::Authorized).await;
    house.orders.tell(&order, 2, 100, Fact::Confirmed).await;
    server.reaches(&order, PaymentStatus::Captured).await;
    assert_eq!(house.kept(&order).await, 100);
    house.orders.tell(&order, 3, 0, Fact::Cancelled).await;
    server.reaches(&order, PaymentStatus::Refunded).await;
    server.publishes(&order, &["PaymentAuthorized", "PaymentCaptured", "PaymentRefunded"]).await;
    assert_eq!(house.kept(&order).await, 0);
    server.end().await;
}

#[tokio::test]
async fn tok_decline_is_final_and_tok_decline_funds_is_not() {
    let (house, server, order) = with_card("tok_decline").await;
    let told = declined(&server, &order).await;
    assert_eq!((told.code.as_str(), told.retryable, told.attempt), ("stolen_card", false, 1));
    let other = Order::new();
    house.orders.tell(&other, 1, 100, Fact::Created("tok_decline_funds")).await;
    let told = declined(&server, &other).await;
    assert_eq!((told.code.as_str(), told.retryable), ("insufficient_funds", true));
    house.orders.tell(&other, 2, 100, Fact::Retry("tok_approve", 2)).await;
    let payment = server.reaches(&other, PaymentStatus::Authorized).await;
    assert_eq!(payment.attempts.len(), 2);
    assert_eq!(house.charges(&other).await, 1);
}

#[tokio::test]
async fn an_unknown_card_and_none_at_all_are_declined_and_another_may_be_tried() {
    let (house, server, order) = with_card("tok_of_somebody").await;
    let told = declined(&server, &order).await;
    assert_eq!((told.code.as_str(), told.retryable), ("unknown_token", true));
    let other = Order::new();
    house.orders.tell(&other, 1, 100, Fact::Created("")).await;
    let told = declined(&server, &other).await;
    assert_eq!((told.code.as_str(), told.retryable, told.attempt), ("payment_method_missing", true, 0));
}

#[tokio::test]
async fn tok_3ds_waits_for_the_customer_and_is_authorized_when_the_action_is_done() {
    let (house, server, order) = with_card("tok_3ds").await;
    let payment = server.reaches(&order, PaymentStatus::ActionRequired).await;
    assert!(payment.attempts[0].action_url.starts_with("https://"), "{payment:?}");
    act(&server, &order, PaymentActionResult::Done).await;
    server.reaches(&order, PaymentStatus::Authorized).await;
    server.publishes(&order, &["PaymentActionRequired", "PaymentAuthorized"]).await;
    assert_eq!(house.charges(&order).await, 1);
}

#[tokio::test]
async fn tok_3ds_that_fails_and_tok_3ds_fail_are_declined() {
    for (token, result) in
        [("tok_3ds", PaymentActionResult::Failed), ("tok_3ds_fail", PaymentActionResult::Done)]
    {
        let (_house, server, order) = with_card(token).await;
        server.reaches(&order, PaymentStatus::ActionRequired).await;
        act(&server, &order, result).await;
        assert_eq!(declined(&server, &order).await.code, "authentication_failed");
    }
}

#[tokio::test]
async fn an_order_that_ends_while_the_customer_is_waited_for_is_voided() {
    let (house, server, order) = with_card("tok_3ds").await;
    server.reaches(&order, PaymentStatus::ActionRequired).await;
    house.orders.tell(&order, 2, 0, Fact::Cancelled).await;
    server.publishes(&order, &["PaymentActionRequired", "PaymentVoided"]).await;
    assert_eq!(house.charges(&order).await, 0);
}

#[tokio::test]
async fn tok_timeout_is_unknown_until_the_provider_is_asked() {
    let (house, server, order) = with_card("tok_timeout").await;
    server.reaches(&order, PaymentStatus::Authorized).await;
    server.publishes(&order, &["PaymentOutcomeUnknown", "PaymentAuthorized"]).await;
    assert_eq!(house.charges(&order).await, 1);
}

#[tokio::test]
async fn tok_timeout_decline_is_unknown_until_the_provider_is_asked() {
    let (house, server, order) = with_card("tok_timeout_decline").await;
    server.reaches(&order, PaymentStatus::Declined).await;
    server.publishes(&order, &["PaymentOutcomeUnknown", "PaymentDeclined"]).await;
    assert_eq!(house.charges(&order).await, 0);
}

#[tokio::test]
async fn tok_slow_is_authorized_and_holds_nobody_else_up() {
    let (house, server, slow) = with_card("tok_slow").await;
    let other = Order::new();
    house.orders.tell(&other, 1, 100, Fact::Created("tok_approve")).await;
    server.reaches(&other, PaymentStatus::Authorized).await;
    assert_eq!(server.payment(&slow).await.unwrap().status(), PaymentStatus::Initiated);
    server.reaches(&slow, PaymentStatus::Authorized).await;
}

#[tokio::test]
async fn a_slow_card_whose_order_ends_meanwhile_is_voided_and_charged_never() {
    let (house, server, slow) = with_card("tok_slow").await;
    server.reaches(&slow, PaymentStatus::Initiated).await;
    house.orders.tell(&slow, 2, 0, Fact::Cancelled).await;
    server.reaches(&slow, PaymentStatus::Voided).await;
    server.end().await;
    assert_eq!(house.charges(&slow).await, 0);
}

#[tokio::test]
async fn tok_flaky_fails_some_times_and_is_authorized_once() {
    let (house, server, order) = with_card("tok_flaky").await;
    let payment = server.reaches(&order, PaymentStatus::Authorized).await;
    assert_eq!(payment.operations[0].tries, 3);
    server.publishes(&order, &["PaymentAuthorized"]).await;
    assert_eq!(house.charges(&order).await, 1);
}

#[tokio::test]
async fn tok_capture_fails_twice_and_is_captured_then() {
    let (house, server, order) = with_card("tok_capture_fails").await;
    server.reaches(&order, PaymentStatus::Authorized).await;
    house.orders.tell(&order, 2, 100, Fact::Confirmed).await;
    server.reaches(&order, PaymentStatus::Captured).await;
    server.publishes(&order, &["PaymentAuthorized", "PaymentCaptureFailed", "PaymentCaptured"]).await;
    assert_eq!(house.kept(&order).await, 100);
}

#[tokio::test]
async fn tok_refund_fails_twice_and_is_given_back_then() {
    let (house, server, order) = with_card("tok_refund_fails").await;
    house.orders.tell(&order, 2, 100, Fact::Confirmed).await;
    server.reaches(&order, PaymentStatus::Captured).await;
    house.orders.tell(&order, 3, 0, Fact::Cancelled).await;
    server.reaches(&order, PaymentStatus::Refunded).await;
    let expected = ["PaymentAuthorized", "PaymentCaptured", "RefundFailed", "PaymentRefunded"];
    server.publishes(&order, &expected).await;
    assert_eq!(house.kept(&order).await, 0);
}

#[tokio::test]
async fn an_order_that_owes_nothing_has_no_payment_and_its_end_is_answered_all_the_same() {
    let house = House::open().await;
    let (server, order) = (house.start().await, Order::new());
    house.orders.tell(&order, 1, 0, Fact::Created("tok_approve")).await;
    house.orders.tell(&order, 2, 0, Fact::Cancelled).await;
    server.publishes(&order, &["PaymentVoided"]).await;
    assert_eq!(house.count("SELECT COUNT(*) FROM sandbox_charges").await, 0);
}
