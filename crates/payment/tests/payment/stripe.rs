//! The same life of a payment at Stripe, against a local one that is as unreliable as the test wants it.

use ordermesh_kernel::{Money, OrderId, PaymentMethodToken};
use ordermesh_payment::StripeConfig;
use ordermesh_payment::domain::Outcome;
use ordermesh_payment::gateway::stripe::Stripe;
use ordermesh_payment::gateway::{Charge, Gateway};
use ordermesh_proto::payment::v1::payment_event::Payload;
use ordermesh_proto::payment::v1::{CompletePaymentActionRequest, PaymentActionResult, PaymentStatus};
use ordermesh_testkit::{assert_refused, eventually};
use tonic::Code;

use crate::fake_stripe::{API_KEY, FakeStripe, Fault, WEBHOOK_SECRET};
use crate::house::{House, Server};
use crate::orders::{Fact, Order};

async fn at_stripe() -> (FakeStripe, House, Server) {
    at_stripe_with(&[]).await
}

async fn at_stripe_with(settings: &[(&str, &str)]) -> (FakeStripe, House, Server) {
    let (fake, mut house) = (FakeStripe::start().await, House::open().await);
    house.set("gateway", "stripe");
    house.set("stripe.base_url", &format!("http://{}", fake.address));
    house.set("stripe.secret_key", API_KEY);
    house.set("stripe.webhook_secret", WEBHOOK_SECRET);
    house.set("operations.call_timeout_ms", "300");
    house.set("operations.lease_ms", "2000");
    for (key, value) in settings {
        house.set(key, value);
    }
    let server = house.start().await;
    (fake, house, server)
}

/// The adapter by itself.
fn adapter(fake: &FakeStripe) -> Stripe {
    let config = StripeConfig {
        base_url: format!("http://{}", fake.address).into(),
        secret_key: API_KEY.to_owned().into(),
        ..StripeConfig::default()
    };
    Stripe::new(&config).unwrap()
}

/// An operation as the worker has the adapter carry it out.
fn charge(key: &str, reference: &str, amount: &str) -> Charge {
    Charge {
        payment_id: OrderId::parse("018f6b1e-0000-7000-8000-000000000001").unwrap(),
        attempt: 1,
        key: key.to_owned(),
        reference: reference.to_owned(),
        token: PaymentMethodToken::parse("pm_card").unwrap(),
        amount: Money::parse(amount).unwrap(),
    }
}

async fn order_with(house: &House, method: &'static str) -> Order {
    let order = Order::new();
    house.orders.tell(&order, 1, 100, Fact::Created(method)).await;
    order
}

#[tokio::test]
async fn a_payment_is_authorized_partly_captured_and_partly_given_back() {
    let (fake, house, server) = at_stripe().await;
    let order = order_with(&house, "pm_card").await;
    let payment = server.reaches(&order, PaymentStatus::Authorized).await;
    assert_eq!(payment.attempts[0].provider_reference, "pi_1");
    house.orders.tell(&order, 2, 80, Fact::Confirmed).await;
    server.reaches(&order, PaymentStatus::PartlyCaptured).await;
    house.orders.tell(&order, 3, 50, Fact::LinesCancelled).await;
    server.reaches(&order, PaymentStatus::PartlyRefunded).await;
    assert_eq!(fake.charges(&order.id.to_string()), (1, 50));
    server.publishes(&order, &["PaymentAuthorized", "PaymentCaptured", "PaymentRefunded"]).await;
}

#[tokio::test]
async fn an_order_that_ends_is_cancelled_there() {
    let (fake, house, server) = at_stripe().await;
    let order = order_with(&house, "pm_card").await;
    server.reaches(&order, PaymentStatus::Authorized).await;
    house.orders.tell(&order, 2, 0, Fact::Cancelled).await;
    server.publishes(&order, &["PaymentAuthorized", "PaymentVoided"]).await;
    assert_eq!(fake.charges(&order.id.to_string()), (0, 0));
}

#[tokio::test]
async fn a_decline_tells_the_banks_code_and_whether_another_card_may_be_tried() {
    let (fake, house, server) = at_stripe().await;
    for (method, code, retryable) in
        [("pm_funds", "insufficient_funds", true), ("pm_stolen", "stolen_card", false)]
    {
        let order = order_with(&house, method).await;
        server.reaches(&order, PaymentStatus::Declined).await;
        let event = server.events(&order).await.pop().unwrap();
        let Payload::PaymentDeclined(declined) = event.payload.unwrap() else { panic!("not a decline") };
        assert_eq!((declined.code.as_str(), declined.retryable), (code, retryable));
        house.orders.tell(&order, 2, 100, Fact::Retry("pm_card", 2)).await;
        server.reaches(&order, PaymentStatus::Authorized).await;
        assert_eq!(fake.charges(&order.id.to_string()).0, 1);
    }
}

#[tokio::test]
async fn an_authorization_whose_answer_was_lost_is_found_and_made_once() {
    let says = |done, status, error| Fault::Says { done, status, error };
    for (fault, confirms) in [
        (Fault::TimeoutAfterSuccess, 1),
        // A proxy has given up, or hides Stripe: neither says that it was not done.
        (says(true, 408, ""), 1),
        (says(true, 404, ""), 1),
        (says(true, 502, ""), 1),
        (says(false, 404, ""), 2),
        (says(true, 500, "api_error"), 1),
        // Kept with the key: what is sent a second time is answered from memory, and a third time under a new key.
        (Fault::Status(500), 3),
    ] {
        let (fake, house, server) = at_stripe().await;
        fake.fails("confirm", fault);
        let order = order_with(&house, "pm_card").await;
        server.publishes(&order, &["PaymentOutcomeUnknown", "PaymentAuthorized"]).await;
        assert_eq!(fake.charges(&order.id.to_string()).0, 1, "{fault:?}");
        assert_eq!((fake.calls("create"), fake.calls("confirm")), (1, confirms), "{fault:?}");
    }
}

#[tokio::test]
async fn a_fault_that_stripe_keeps_with_the_key_is_overcome_by_a_new_one() {
    let (fake, house, server) = at_stripe().await;
    for kind in ["create", "confirm", "capture", "refund", "cancel"] {
        fake.fails(kind, Fault::Status(500));
    }
    let order = order_with(&house, "pm_card").await;
    house.orders.tell(&order, 2, 100, Fact::Confirmed).await;
    server.reaches(&order, PaymentStatus::Captured).await;
    house.orders.tell(&order, 3, 60, Fact::LinesCancelled).await;
    server.reaches(&order, PaymentStatus::PartlyRefunded).await;
    assert_eq!((fake.charges(&order.id.to_string()), fake.calls("refund")), ((1, 60), 3));
    let given_up = order_with(&house, "pm_card").await;
    server.reaches(&given_up, PaymentStatus::Authorized).await;
    house.orders.tell(&given_up, 2, 0, Fact::Cancelled).await;
    server.publishes(&given_up, &["PaymentAuthorized", "PaymentVoided"]).await;
    assert_eq!(fake.charges(&given_up.id.to_string()), (0, 0));
}

#[tokio::test]
async fn an_intent_that_was_never_confirmed_is_given_up_under_a_new_key_after_a_kept_fault() {
    let (fake, house, server) = at_stripe().await;
    // Turned away until the order ends, so that what is given up is still unconfirmed.
    for _ in 0..1000 {
        fake.fails("confirm", Fault::Status(429));
    }
    fake.fails("cancel", Fault::Status(500));
    let order = order_with(&house, "pm_card").await;
    eventually!(fake.calls("confirm") > 0, "it is to be confirmed");
    house.orders.tell(&order, 2, 0, Fact::Cancelled).await;
    server.publishes(&order, &["PaymentVoided"]).await;
    assert_eq!(fake.calls("cancel"), 3, "sent, repeated from memory, sent under a new key");
}

#[tokio::test]
async fn a_key_that_was_used_before_has_stripe_asked_what_was_done_under_it() {
    let used = |done| Fault::Says { done, status: 400, error: "idempotency_error" };
    for done in [true, false] {
        let (fake, house, server) = at_stripe().await;
        for kind in ["create", "confirm", "capture", "refund"] {
            fake.fails(kind, used(done));
        }
        let order = order_with(&house, "pm_card").await;
        house.orders.tell(&order, 2, 100, Fact::Confirmed).await;
        server.reaches(&order, PaymentStatus::Captured).await;
        house.orders.tell(&order, 3, 60, Fact::LinesCancelled).await;
        server.reaches(&order, PaymentStatus::PartlyRefunded).await;
        let expected = ["PaymentAuthorized", "PaymentCaptured", "RefundFailed", "PaymentRefunded"];
        server.publishes(&order, &expected).await;
        assert_eq!(fake.charges(&order.id.to_string()), (1, 60), "{done}");
        let sent = if done { 1 } else { 2 };
        let calls = ["confirm", "capture", "refund"].map(|kind| fake.calls(kind));
        assert_eq!(calls, [sent; 3], "{done}");
    }
}

#[tokio::test]
async fn only_stripes_own_word_is_final() {
    let fake = FakeStripe::start().await;
    let stripe = adapter(&fake);
    let says = |kind, status, error| fake.fails(kind, Fault::Says { done: false, status, error });
    let not_stripes =
        [302, 400, 401, 402, 403, 404, 407, 408, 409, 425, 429].map(|status| (status, "")).into_iter();
    let unclear = [302, 407, 408, 425].map(|status| (status, "api_error")).into_iter();
    for (status, error) in not_stripes.chain(unclear) {
        says("create", status, error);
        let outcome = stripe.prepare(&charge("key", "", "1 EUR")).await;
        assert!(
            matches!(outcome, Outcome::NotNow { key_is_spent: false, .. }),
            "{status} {error}: {outcome:?}"
        );
        let about = charge("key", "pi_1", "1 EUR");
        for kind in ["confirm", "capture", "cancel", "refund"] {
            says(kind, status, error);
            let outcome = match kind {
                "confirm" => stripe.authorize(&about).await,
                "capture" => stripe.capture(&about).await,
                "cancel" => stripe.void(&about).await,
                _ => stripe.refund(&about).await,
            };
            assert!(matches!(outcome, Outcome::Unknown { .. }), "{kind} {status} {error}: {outcome:?}");
        }
    }
    says("refund", 409, "idempotency_error");
    let under_way = stripe.refund(&charge("key", "pi_1", "1 EUR")).await;
    assert!(matches!(under_way, Outcome::NotNow { key_is_spent: false, .. }), "{under_way:?}");
    says("refund", 400, "invalid_request_error");
    let final_word = stripe.refund(&charge("key", "pi_1", "1 EUR")).await;
    assert!(matches!(final_word, Outcome::Failed { .. }), "{final_word:?}");
}

#[tokio::test]
async fn a_status_that_is_not_known_leaves_the_outcome_unknown_until_it_is() {
    let (fake, house, server) = at_stripe().await;
    let order = order_with(&house, "pm_new").await;
    server.reaches(&order, PaymentStatus::Unknown).await;
    fake.customer_acts("pi_1");
    server.publishes(&order, &["PaymentOutcomeUnknown", "PaymentAuthorized"]).await;
    assert_eq!(fake.calls("confirm"), 1, "it is asked about, not sent again");
}

#[tokio::test]
async fn every_call_names_the_version_of_the_api() {
    let (fake, house, server) = at_stripe().await;
    fake.fails("confirm", Fault::TimeoutAfterSuccess);
    let order = order_with(&house, "pm_card").await;
    server.reaches(&order, PaymentStatus::Authorized).await;
    assert_eq!(fake.versions(), ["2026-02-25.clover"]);
}

#[tokio::test]
async fn a_busy_stripe_is_asked_again_under_the_same_key() {
    let (fake, house, server) = at_stripe().await;
    for kind in ["create", "confirm", "capture", "refund"] {
        fake.fails(kind, Fault::Status(429));
    }
    fake.fails("create", Fault::Status(500));
    fake.fails("create", Fault::TimeoutAfterSuccess);
    let order = order_with(&house, "pm_card").await;
    server.reaches(&order, PaymentStatus::Authorized).await;
    house.orders.tell(&order, 2, 100, Fact::Confirmed).await;
    server.reaches(&order, PaymentStatus::Captured).await;
    house.orders.tell(&order, 3, 0, Fact::Cancelled).await;
    server.reaches(&order, PaymentStatus::Refunded).await;
    server.publishes(&order, &["PaymentAuthorized", "PaymentCaptured", "PaymentRefunded"]).await;
    assert_eq!(fake.charges(&order.id.to_string()), (1, 0));
}

#[tokio::test]
async fn a_capture_and_a_refund_whose_answers_were_lost_are_found_and_made_once() {
    let (fake, house, server) = at_stripe().await;
    fake.fails("capture", Fault::TimeoutAfterSuccess);
    fake.fails("refund", Fault::TimeoutAfterSuccess);
    let order = order_with(&house, "pm_card").await;
    house.orders.tell(&order, 2, 100, Fact::Confirmed).await;
    server.reaches(&order, PaymentStatus::Captured).await;
    house.orders.tell(&order, 3, 60, Fact::LinesCancelled).await;
    server.reaches(&order, PaymentStatus::PartlyRefunded).await;
    let expected =
        ["PaymentAuthorized", "PaymentCaptureFailed", "PaymentCaptured", "RefundFailed", "PaymentRefunded"];
    server.publishes(&order, &expected).await;
    assert_eq!(fake.charges(&order.id.to_string()), (1, 60));
    assert_eq!((fake.calls("capture"), fake.calls("refund")), (1, 1), "asked about, not sent again");
}

#[tokio::test]
async fn a_refused_capture_and_refund_are_sent_again_under_new_keys() {
    let (fake, house, server) = at_stripe().await;
    fake.fails("capture", Fault::Status(402));
    fake.fails("refund", Fault::Status(402));
    let order = order_with(&house, "pm_card").await;
    house.orders.tell(&order, 2, 100, Fact::Confirmed).await;
    server.reaches(&order, PaymentStatus::Captured).await;
    house.orders.tell(&order, 3, 0, Fact::Cancelled).await;
    server.reaches(&order, PaymentStatus::Refunded).await;
    assert_eq!(fake.charges(&order.id.to_string()), (1, 0));
}

#[tokio::test]
async fn webhooks_have_stripe_asked_once_and_duplicates_and_disorder_do_no_harm() {
    // Nobody asks by themselves within the test.
    let (fake, house, server) = at_stripe_with(&[("operations.action_wait_ms", "3600000")]).await;
    let order = order_with(&house, "pm_3ds").await;
    let payment = server.reaches(&order, PaymentStatus::ActionRequired).await;
    assert_eq!(payment.attempts[0].action_url, "https://bank/pi_1");
    let hook = async |event: &str| fake.webhook(&server.http, event, "pi_1", WEBHOOK_SECRET).await;
    assert_eq!(hook("evt_too_early").await, 200);
    fake.customer_acts("pi_1");
    assert_eq!(hook("evt_2").await, 200);
    server.reaches(&order, PaymentStatus::Authorized).await;
    for event in ["evt_2", "evt_too_early", "evt_1"] {
        assert_eq!(hook(event).await, 200);
    }
    assert_eq!(fake.webhook(&server.http, "evt_9", "pi_of_somebody", WEBHOOK_SECRET).await, 200);
    server.publishes(&order, &["PaymentActionRequired", "PaymentAuthorized"]).await;
    assert_eq!(fake.webhook(&server.http, "evt_3", "pi_1", "whsec_of_a_thief").await, 400);
}

#[tokio::test]
async fn a_webhook_is_no_larger_than_stripes_are() {
    let (fake, _house, server) = at_stripe().await;
    let of = |bytes: usize| {
        let frame = r#"{"id":"evt","data":{"object":{}},"x":""}"#;
        frame.replace(r#""x":""#, &format!(r#""x":"{}"#, "x".repeat(bytes - frame.len())))
    };
    let (fits, large) = (of(256 << 10), of((256 << 10) + 1));
    assert_eq!((fits.len(), large.len()), (256 << 10, (256 << 10) + 1));
    assert_eq!(fake.message(&server.http, fits, WEBHOOK_SECRET).await, 200);
    assert_eq!(fake.message(&server.http, large, WEBHOOK_SECRET).await, 413);
}

#[tokio::test]
async fn the_customer_acts_at_stripe_and_not_by_a_command() {
    let (_fake, house, server) = at_stripe().await;
    let order = order_with(&house, "pm_3ds").await;
    server.reaches(&order, PaymentStatus::ActionRequired).await;
    let act = CompletePaymentActionRequest {
        request_id: "act".to_owned(),
        payment_id: order.id.to_string(),
        result: PaymentActionResult::Done.into(),
    };
    let refused = server.commands().complete_payment_action(act).await;
    assert_refused(refused, Code::FailedPrecondition, "PAYMENT_ACTION_ELSEWHERE", None);
}

#[tokio::test]
async fn an_unreachable_stripe_holds_up_and_loses_nothing() {
    let (fake, house, server) = at_stripe_with(&[("stripe.secret_key", "sk_wrong")]).await;
    let order = order_with(&house, "pm_card").await;
    let tried = async || {
        let payment = server.payment(&order).await?;
        payment.operations.first().filter(|operation| operation.failures > 5).cloned()
    };
    let operation = eventually!(tried().await, "it is tried again and again");
    assert!(operation.needs_person && operation.last_error.contains("401"), "{operation:?}");
    assert_eq!(fake.charges(&order.id.to_string()).0, 0);
}

#[tokio::test]
async fn an_amount_that_stripe_counts_otherwise_is_declined_before_anything_is_sent() {
    let fake = FakeStripe::start().await;
    let stripe = adapter(&fake);
    for amount in
        ["500 ISK", "500 UGX", "5.00 MGA", "1.234 BHD", "0.001 JOD", "1.235 KWD", "2.009 OMR", "1.001 TND"]
    {
        let Outcome::Declined(decline) = stripe.prepare(&charge(amount, "", amount)).await else {
            panic!("{amount} was not declined");
        };
        assert_eq!((decline.code.as_str(), decline.retryable), ("currency_not_supported", false), "{amount}");
    }
    assert_eq!(fake.calls("create"), 0);
    for amount in ["500 JPY", "5.01 EUR", "5.00 MRU", "1.230 BHD", "0.010 JOD", "1.230 KWD", "2 OMR", "1 TND"]
    {
        let outcome = stripe.prepare(&charge(amount, "", amount)).await;
        assert!(matches!(outcome, Outcome::Prepared { .. }), "{amount}: {outcome:?}");
    }
}

#[tokio::test]
async fn settings_that_lose_webhooks_or_leak_the_key_are_refused_at_the_start() {
    let mut house = House::open().await;
    house.set("gateway", "stripe");
    house.set("stripe.secret_key", API_KEY);
    house.set("stripe.base_url", "http://stripe.example.org");
    assert!(house.refusal().await.contains("`payment.stripe.base_url`"));
    house.set("stripe.base_url", "http://127.0.0.1:1");
    house.set("stripe.webhook_secret", WEBHOOK_SECRET);
    house.settings.push(("ORDERMESH_SERVER__HTTP_LISTEN".to_owned(), String::new()));
    assert!(house.refusal().await.contains("`server.http_listen`"));
}
